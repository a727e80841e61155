#include "base/error_numbers.hpp"
#include "method/quantize.hpp"

#include <fmt/format.h>

#include <numeric>

#include "method/factored.hpp"
#include "method/guard.hpp"
#include "method/rtn.hpp"

namespace hallmark {
namespace {

// 0, 1, .., count - 1.
std::vector<Index> first_indices(Index count) {
  std::vector<Index> indices(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(), Index{0});
  return indices;
}

// (tr G)^2 / sum G_ij^2; for messages.
double effective_rank(MatrixRef<double> G) {
  Vector<double> rows(G.rows());
#pragma omp parallel for schedule(static) if (G.size() > 1 << 16)
  for (Index i = 0; i < G.rows(); ++i) {
    rows[i] = 0;
    for (Index j = 0; j < G.cols(); ++j) rows[i] += G(i, j) * G(i, j);
  }
  double trace = 0, squares = 0;
  for (Index i = 0; i < G.rows(); ++i) trace += G(i, i), squares += rows[i];
  return squares > 0 ? trace * trace / squares : 0;
}

Error needs_calibration(const Layer& layer, const Method& method) {
  return {Exit::usage, error_number::no_calibration, fmt::format("{} needs calibration", method.name),
          fmt::format("no Gram matrix for {}", layer.name), "--calibration C.safetensors, or --method rtn"};
}

// Without a Gram matrix: the codes of the method, and nothing is known of losses.
Expected<Quantized> without_losses(const Layer& layer, const Options& options, const Method& method, Quantized result,
                                   Observer* observer, Backend& compute) {
  const Target target{layer.W, options.grid, result.steps, {}};
  const RowSink nobody;
  Rounded rounded;
  const Expected<bool> proposed =
      method.propose({target, nullptr, {}, layer.name, options.block_size, compute, nobody, nullptr}, rounded);
  if (!proposed) return proposed.error();
  result.codes = std::move(rounded.codes);
  result.clipped = std::accumulate(rounded.clipped.begin(), rounded.clipped.end(), Index{0});
  if (observer) observer->tensor({layer.name, layer.W, options, result, result.codes, {}});
  return result;
}

// What an observer of an unguarded run sees of the losses.
Status enclose_for(const Observer& observer, Factored& factored, const UpperStrips<float>& U, const Target& target,
                   const Rounded& proposal, const Rounded& nearest, std::span<const LossSums> sums, Backend& compute,
                   Quantized& result) {
  const std::vector<Index> rows = first_indices(target.W.rows());
  const auto keep = [](Expected<std::vector<Loss>> losses, std::vector<Loss>& into) -> Status {
    if (!losses) return losses.error();
    into = *std::move(losses);
    return ok();
  };
  if (observer.wants_binary64())
    return keep(compute.losses(factored.widened(), target, proposal.codes, rows), result.enclosed_proposal);
  if (sums.empty()) {
    const Status done =
        keep(compute.losses_binary32(factored.model, U, target, proposal.codes, rows), result.enclosed_proposal);
    if (!done) return done;
  }
  for (const LossSums& row : sums) result.enclosed_proposal.push_back(enclose_binary32(factored.model, row));
  return keep(compute.losses_binary32(factored.model, U, target, nearest.codes, rows), result.enclosed_rtn);
}

void take(Guarded&& guarded, Quantized& result) {
  result.kept_rtn = std::move(guarded.kept_rtn);
  result.exact_rows = guarded.exact_rows;
  result.enclosed_proposal = std::move(guarded.proposal);
  result.enclosed_rtn = std::move(guarded.rtn);
}

// Row by row the better of the proposal and round-to-nearest, where the guard is on; then the counts.
void keep_best(Rounded& proposal, const Rounded& nearest, bool guarded, Quantized& result) {
  for (std::size_t i = 0; i < result.kept_rtn.size(); ++i) {
    const bool keep_rtn = result.kept_rtn[i] != 0;
    if (keep_rtn) proposal.codes.row(static_cast<Index>(i)) = nearest.codes.row(static_cast<Index>(i));
    result.guard_rows += keep_rtn;
    result.clipped += keep_rtn ? nearest.clipped[i] : proposal.clipped[i];
    if (!guarded) continue;
    result.loss_rtn.push_back(result.enclosed_rtn[i].value);
    result.loss_proposal.push_back(result.enclosed_proposal[i].value);
    result.loss_final.push_back(keep_rtn ? result.loss_rtn.back() : result.loss_proposal.back());
  }
  result.codes = std::move(proposal.codes);
}

}  // namespace

Expected<Quantized> quantize(const Layer& layer, const Options& options, const std::optional<Steps>& given,
                             Observer* observer, Backend* backend) {
  Backend cpu;
  Backend& compute = backend ? *backend : cpu;
  const Expected<const Method*> found = find_method(options.method);
  if (!found) return found.error();
  const Method& method = **found;
  auto steps = checked_steps(layer.W, options, given);
  if (!steps) return steps.error();
  Quantized result;
  result.method = method.name;
  result.steps = *std::move(steps);
  if (!method.needs_gram) return without_losses(layer, options, method, std::move(result), observer, compute);
  if (!layer.G) return needs_calibration(layer, method);

  const MatrixRef<double>& G = *layer.G;
  Expected<Factored> factored =
      factor_hessian(layer.W.cols(), G, options.damp_fraction, options.desc_act, layer.name, layer.tokens, compute);
  if (!factored) return factored.error();
  result.lambda = factored->lambda;
  result.dead_columns = factored->dead_columns;
  result.effective_rank = effective_rank(G);
  const Target target{layer.W, options.grid, result.steps, factored->order};
  Rounded nearest;  // where somebody asks for it
  if (options.guard || observer || std::ssize(factored->order) < layer.W.cols())
    nearest = round_to_nearest(layer.W, options.grid, result.steps);
  const auto widened = [&]() -> const LossModel& { return factored->widened(); };
  std::vector<LossSums> sums;
  const RowSums row_sums{factored->model, sums};
  const UpperStrips<float> U(factored->factor.U);
  Rounded proposal;
  RowSink sink;
  if (observer)
    sink = [&](Index first, Index count, const float* u) {
      observer->rows({target, U, factored->factor.d, proposal.codes, first, count, u});
    };
  const Expected<bool> has_sums =
      method.propose({target, &U, nearest.codes, layer.name, options.block_size, compute, sink,
                      options.guard || (observer && !observer->wants_binary64()) ? &row_sums : nullptr},
                     proposal);
  if (!has_sums) return has_sums.error();

  result.kept_rtn.assign(proposal.clipped.size(), 0);
  const std::span<const LossSums> left = *has_sums ? sums : std::span<const LossSums>();
  if (options.guard) {
    const FirstStage first{U, left, widened};
    Expected<Guarded> guarded = guard(factored->model, target, G, proposal.codes, nearest.codes, &first, &compute);
    if (!guarded) return guarded.error();
    take(*std::move(guarded), result);
  } else if (observer) {
    const Status enclosed = enclose_for(*observer, *factored, U, target, proposal, nearest, left, compute, result);
    if (!enclosed) return enclosed.error();
  }
  keep_best(proposal, nearest, options.guard, result);
  if (observer)
    observer->tensor({layer.name, layer.W, options, result, nearest.codes, factored->order, &G, &factored->model,
                      &factored->diag_H, &factored->factor.U, widened, layer.roundings});
  return result;
}

}  // namespace hallmark
