#include "method/rotated.hpp"

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "method/factored.hpp"
#include "method/selection.hpp"

namespace hallmark {
namespace {

// The steps become those of rotated rows, whose numbers have to be exact.
Status turn(const Layer& layer, const Grid& grid, Steps& steps) {
  for (Index i = 0; i < steps.scales.rows(); ++i)
    for (Index g = 0; g < steps.scales.cols(); ++g)
      if (const float s = steps.scales(i, g); !exact_when_rotated(grid, s))
        return Error{Exit::infeasible, error_number::no_exact_scale,
                     fmt::format("rotated points of {} would not be exact in binary32", grid.name()),
                     fmt::format("{}: row {}, group {}: scale {}", layer.name, i, g, s),
                     "--rotation none, or rescale the tensor"};
  steps.rotation.signs.assign(layer.signs.begin(), layer.signs.end());
  steps.rotation.rows.assign(static_cast<std::size_t>(steps.scales.rows()), 1);
  return ok();
}

}  // namespace

Status check_rotation(const Layer& layer, const Options& options, bool given) {
  auto obstacle = rotation_obstacle(options);
  if (!obstacle && given) obstacle = Obstacle{"its steps are given", "--rotation none, or steps by a rule"};
  if (!obstacle && std::ssize(layer.signs) != Rotation::columns_of(layer.W.cols()))
    obstacle = Obstacle{fmt::format("{} signs for {} columns", layer.signs.size(), layer.W.cols()),
                        "one sign for each column of a whole block"};
  if (!obstacle) return ok();
  return Error{Exit::usage, error_number::rotation_refused, fmt::format("{} cannot be rotated", layer.name),
               obstacle->where, obstacle->hint};
}

Expected<std::vector<Proposal>> propose_rotated(const Layer& layer, MatrixRef<float> T, const Options& options,
                                                const Method& method, Backend& compute) {
  const Matrix<float> turned = rotated_weights(T, layer.signs);
  const Matrix<double> turned_gram = rotated_gram(*layer.G, layer.signs);
  const bool other = T.data() != layer.W.data();
  const Matrix<float> turned_asked = other ? rotated_weights(layer.W, layer.signs) : Matrix<float>();
  const MatrixRef<float> W = turned, asked = other ? turned_asked : turned;
  const MatrixRef<double> G = turned_gram;
  const Expected<Steps> steps = checked_steps(asked, options, std::nullopt);
  if (!steps) return steps.error();
  const std::string name = fmt::format("{}, rotated", layer.name);
  Expected<Factored> factored =
      factor_accepted(G, options.damp_fraction, options.desc_act, name, layer.tokens, compute);
  if (!factored) return factored.error();
  const UpperStrips<float> U(factored->factor.U);
  const Target target{W, options.grid, *steps, factored->order};
  const RecurrenceSink nobody;
  const FirstStage stage{U, [&]() -> const LossModel& { return factored->widened(); }};
  const Selector selector = [&](const Target& by, std::vector<Proposal> of) {
    return select(factored->model, G, by, std::move(of), stage, compute);
  };
  Expected<std::vector<Proposal>> proposals = method.propose(
      {target, &G, &U, name, options, compute, nobody, selector, &factored->model, false, other ? &asked : nullptr});
  if (!proposals) return proposals;
  for (Proposal& proposal : *proposals) {
    if (!proposal.steps) proposal.steps = *steps;
    if (const Status exact = turn(layer, options.grid, *proposal.steps); !exact) return exact.error();
    proposal.sums.clear();  // these and what is known speak of the rotated basis
    proposal.known = {};
  }
  return proposals;
}

}  // namespace hallmark
