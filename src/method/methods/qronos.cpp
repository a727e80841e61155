// Qronos (Zhang et al. 2025) in the form of the recurrence: GPTQ on the w* of an asymmetric target, but for its first
// column, whose code is the best for the others as they were and not as w* has them:
//
//   u_0 = (w C_.0 - sum_{k>0} w_k H_k0) / H_00 = w*_0 + sum_{k>0} (w*_k - w_k) H_k0 / H_00
//
// the second form because w* H = w C, with damping too. Where both inputs agree w* = w, and this is GPTQ.
#include <cmath>

#include "linalg/hessian.hpp"
#include "method/gptq.hpp"

namespace hallmark {
namespace {

// u_0 of every row, in binary64, each sum one chain of fma over the columns in their order.
std::vector<double> first_centres(const MethodInput& input) {
  const MatrixRef<float>&aim = input.target.W, &w = *input.asked;
  const MatrixRef<double>& G = *input.G;
  const Index first = input.target.order.front();
  const double own = 2 * G(first, first) + damping(G, input.options.damp_fraction);
  std::vector<double> centres(static_cast<std::size_t>(aim.rows()));
  for (Index i = 0; i < aim.rows(); ++i) {
    double sum = 0;
    for (Index k = 0; k < aim.cols(); ++k)
      if (k != first)
        sum = std::fma(static_cast<double>(aim(i, k)) - static_cast<double>(w(i, k)), 2 * G(k, first), sum);
    centres[static_cast<std::size_t>(i)] = static_cast<double>(aim(i, first)) + sum / own;
  }
  return centres;
}

Expected<std::vector<Proposal>> propose(const MethodInput& watched) {
  const MethodInput input = watched.unwatched();
  const Target& target = input.target;
  const Grid& grid = target.grid;
  std::vector<double> centres;
  if (!target.order.empty()) centres = first_centres(input);
  Expected<Proposal> proposal = gptq_proposal(input, target, [&](const RoundedColumn& column) {
    if (column.position != 0) return;
    const Index rows = std::min(kLanes<float>, target.W.rows() - column.first);
    for (Index r = 0; r < rows; ++r) {
      const Step step(column.s[r], column.zero[r]);
      const Code code = grid.nearest(centres[static_cast<std::size_t>(column.first + r)], step);
      column.code[r] = grid.is_integer() ? static_cast<std::int16_t>(code) : code;
      column.e[r] = std::fma(-column.s[r], static_cast<float>(grid.value(code, step.zero)), column.w[r]);
    }
  });
  if (!proposal) return proposal.error();
  std::vector<Proposal> proposals;
  proposals.push_back(*std::move(proposal));
  return proposals;
}

std::optional<Obstacle> obstacle(const Options& options) {
  if (options.target != plain_target) return std::nullopt;
  return Obstacle{"the target is plain", "--target asymmetric; where both inputs agree this is --method gptq"};
}

}  // namespace

namespace method {
extern const Method qronos;
const Method qronos{.name = "qronos",
                    .summary = "GPTQ for an asymmetric target with the first column as Qronos has it",
                    .needs_gram = true,
                    .fits_steps = false,
                    .propose = propose,
                    .obstacle = obstacle};
}  // namespace method

}  // namespace hallmark
