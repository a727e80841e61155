#include "base/error_numbers.hpp"
#include "method/quantize.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "method/factored.hpp"
#include "method/guard.hpp"
#include "method/low_rank.hpp"
#include "method/rotated.hpp"
#include "method/rtn.hpp"
#include "method/search.hpp"
#include "method/selection.hpp"

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

// Whether the layer can have the target that the options name.
Status check_target(const Layer& layer, const Options& options) {
  if (const auto obstacle = target_obstacle(options))
    return Error{Exit::usage, error_number::target_refused, fmt::format("{} cannot have this target", layer.name),
                 obstacle->where, obstacle->hint};
  if (!layer.inputs)
    return Error{Exit::usage, error_number::no_calibration, "an asymmetric target needs the inputs of the float layer",
                 fmt::format("no cross-Gram matrix for {}", layer.name), "--target plain, or NAME.cross_gram"};
  return refuse_inputs(*layer.inputs, layer.W.cols(), layer.name);
}

// Whether it can have the correction that the options name.
Status check_low_rank(const Layer& layer, const Options& options, bool given) {
  auto obstacle = low_rank_obstacle(options, layer.W.rows(), layer.W.cols());
  if (!obstacle && given && options.low_rank > 0)
    obstacle = Obstacle{"its steps are given", "--low-rank 0, or steps by a rule"};
  if (!obstacle) return ok();
  return Error{Exit::usage, error_number::low_rank_refused, fmt::format("{} cannot have this correction", layer.name),
               obstacle->where, obstacle->hint};
}

// The proposal, and in the rows that lose less with it the correction of what it leaves of `aim`.
Expected<Proposal> corrected(Proposal proposal, const Target& target, MatrixRef<float> aim, const Options& options,
                             const Factored& factored, std::string_view name, const Selector& selector) {
  if (!proposal.steps) proposal.steps = target.steps;
  const Matrix<float> Q = dequantize(proposal.rounded.codes, *proposal.steps, options.grid);
  Expected<LowRank> fitted = fit_low_rank(aim, Q, options, factored, name);
  if (!fitted) return fitted.error();
  Proposal with{proposal.rounded, proposal.steps};
  proposal.steps->low_rank = {Matrix<float>::Zero(fitted->A.rows(), fitted->A.cols()), fitted->B};
  with.steps->low_rank = *std::move(fitted);
  std::vector<Proposal> both;
  both.push_back(std::move(proposal));
  both.push_back(std::move(with));
  return selector(target, std::move(both));
}

Error needs_calibration(const Layer& layer, const Options& options, const Method& method) {
  if (method.needs_gram)
    return {Exit::usage, error_number::no_calibration, fmt::format("{} needs calibration", method.name),
            fmt::format("no Gram matrix for {}", layer.name), "--calibration C.safetensors, or --method rtn"};
  return {Exit::usage, error_number::no_calibration, fmt::format("scale rule {} needs calibration", options.scale_rule),
          fmt::format("no Gram matrix for {}", layer.name),
          fmt::format("--calibration C.safetensors, or --scale-rule {}", default_scale_rule(options.grid))};
}

// Without a Gram matrix: the codes of the method, and nothing is known of losses.
Expected<Quantized> without_losses(const Layer& layer, const Options& options, const Method& method, Quantized result,
                                   Observer* observer, Backend& compute) {
  const Target target{layer.W, options.grid, result.steps, {}};
  const RecurrenceSink nobody;
  const Selector none;
  Expected<std::vector<Proposal>> proposals =
      method.propose({target, nullptr, nullptr, layer.name, options, compute, nobody, none, nullptr, false});
  if (!proposals) return proposals.error();
  Proposal& proposal = proposals->back();
  if (proposal.steps) result.steps = *std::move(proposal.steps);
  Rounded& rounded = proposal.rounded;
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
  if (observer.wants_binary64()) {
    const Status kept =
        keep(compute.losses(factored.widened(), target, proposal.codes, rows), result.enclosed_proposal);
    if (result.method == "rtn") result.enclosed_rtn = result.enclosed_proposal;
    return kept;
  }
  if (sums.empty()) {
    const Status done =
        keep(compute.losses_binary32(factored.model, U, target, proposal.codes, rows), result.enclosed_proposal);
    if (!done) return done;
  }
  for (const LossSums& row : sums) result.enclosed_proposal.push_back(enclose_binary32(factored.model, row));
  const Target of_nearest{target.W, target.grid, result.steps_of_rtn(), target.order, target.asymmetric};
  return keep(compute.losses_binary32(factored.model, U, of_nearest, nearest.codes, rows), result.enclosed_rtn);
}

void take(Contest&& contest, Quantized& result) {
  result.kept_rtn = std::move(contest.second_wins);
  result.exact_rows = contest.exact_rows;
  result.enclosed_proposal = std::move(contest.first);
  result.enclosed_rtn = std::move(contest.second);
}

// Of the proposals, and of round-to-nearest under the rule's steps where a method left these: no row loses more than
// under what it began with. Without the guard the last proposal counts. Of rotated proposals the guard has the
// other basis, with its steps.
Expected<Proposal> best_of(std::vector<Proposal> proposals, const Target& target, const Options& options,
                           const Selector& selector) {
  if (!options.guard) return std::move(proposals.back());
  const bool left = std::ranges::any_of(proposals, [](const Proposal& p) { return p.steps.has_value(); });
  if (left && options.rotation == no_rotation)
    proposals.push_back({round_to_nearest(target.W, target.grid, target.steps)});
  return selector(target, std::move(proposals));
}

// Row by row the better of the proposal and round-to-nearest, where the guard is on; then the counts.
void keep_best(Rounded& proposal, const Rounded& nearest, bool guarded, Quantized& result) {
  for (std::size_t i = 0; i < result.kept_rtn.size(); ++i) {
    const bool kept_rtn = result.kept_rtn[i] != 0;
    if (kept_rtn) proposal.codes.row(static_cast<Index>(i)) = nearest.codes.row(static_cast<Index>(i));
    if (kept_rtn && result.rtn_steps) result.steps.take_row(static_cast<Index>(i), *result.rtn_steps);
    result.guard_rows += kept_rtn;
    result.clipped += kept_rtn ? nearest.clipped[i] : proposal.clipped[i];
    if (!guarded) continue;
    result.loss_rtn.push_back(result.enclosed_rtn[i].value);
    result.loss_proposal.push_back(result.enclosed_proposal[i].value);
    result.loss_final.push_back(kept_rtn ? result.loss_rtn.back() : result.loss_proposal.back());
  }
  result.codes = std::move(proposal.codes);
}

}  // namespace

bool reads_gram(const Options& options) {
  const Expected<const Method*> method = find_method(options.method);
  return (method && (*method)->needs_gram) || statistic_of(options.scale_rule) != Statistic::none;
}

std::vector<double> scale_weights(Statistic needed, MatrixRef<double> G, const Factored& factored) {
  std::vector<double> weights;
  if (needed == Statistic::diagonal) weights.assign(G.diagonal().begin(), G.diagonal().end());
  if (needed != Statistic::pivots) return weights;
  weights.resize(static_cast<std::size_t>(G.cols()));
  for (std::size_t p = 0; p < factored.order.size(); ++p)
    weights[static_cast<std::size_t>(factored.order[p])] = factored.factor.d[static_cast<Index>(p)];
  return weights;
}

// Long because it is the stages of one tensor in their order, each of which reads what those before it made.
Expected<Quantized> quantize(const Layer& layer, const Options& options, const std::optional<Steps>& given,
                             Observer* observer, Backend* backend) {
  Backend cpu;
  Backend& compute = backend ? *backend : cpu;
  const Expected<const Method*> found = find_method(options.method);
  if (!found) return found.error();
  const Method& method = **found;
  if (const auto obstacle = method_obstacle(options))
    return Error{Exit::usage, error_number::method_refused, fmt::format("method {} does not go here", method.name),
                 fmt::format("{}: {}", layer.name, obstacle->where), obstacle->hint};
  const Statistic needed = given ? Statistic::none : statistic_of(options.scale_rule);
  Quantized result;
  result.method = method.name;
  const auto make_steps = [&](const ScaleStatistics& statistics) -> Status {
    auto steps = checked_steps(layer.W, options, given, statistics);
    if (!steps) return steps.error();
    result.steps = *std::move(steps);
    return ok();
  };
  if (needed == Statistic::none)
    if (const Status made = make_steps({}); !made) return made.error();
  const bool rotated = options.rotation != no_rotation;
  if (rotated)
    if (const Status takes = check_rotation(layer, options, given.has_value()); !takes) return takes.error();
  const bool asymmetric_asked = options.target != plain_target;
  if (asymmetric_asked)
    if (const Status takes = check_target(layer, options); !takes) return takes.error();
  if (const Status takes = check_low_rank(layer, options, given.has_value()); !takes) return takes.error();
  const bool corrects = options.low_rank > 0;
  if (!reads_gram(options)) return without_losses(layer, options, method, std::move(result), observer, compute);
  if (!layer.G) return needs_calibration(layer, options, method);

  const MatrixRef<double>& G = *layer.G;
  Expected<Factored> factored =
      factor_hessian(layer.W.cols(), G, options.damp_fraction, options.desc_act, layer.name, layer.tokens, compute);
  if (!factored) return factored.error();
  result.lambda = factored->lambda;
  result.dead_columns = factored->dead_columns;
  result.effective_rank = effective_rank(G);
  std::optional<AsymmetricTerm> term;
  Expected<Matrix<float>> wanted = Matrix<float>();  // w*
  if (asymmetric_asked) {
    term.emplace(layer.W, G, *layer.inputs);
    wanted = term->target(layer.W, *factored, layer.name);
    if (!wanted) return wanted.error();
  }
  const AsymmetricTerm* const asymmetric = term ? &*term : nullptr;
  const MatrixRef<float>* const asked = term ? &layer.W : nullptr;
  const MatrixRef<float> aim = term ? MatrixRef<float>(*wanted) : layer.W;
  const UpperStrips<float> U(factored->factor.U);
  const auto widened = [&]() -> const LossModel& { return factored->widened(); };
  const FirstStage stage{U, widened};
  // Under the steps as they come to be: what is judged, and what a method rounds.
  const Target target{layer.W, options.grid, result.steps, factored->order, asymmetric};
  const Target rounds{aim, options.grid, result.steps, factored->order};
  const Selector selector = [&](const Target& by, std::vector<Proposal> of) {
    return select(factored->model, G, by, std::move(of), stage, compute);
  };
  const auto input = [&](const RecurrenceSink& sink, bool sums) {
    return MethodInput{rounds, &G, &U, layer.name, options, compute, sink, selector, &factored->model, sums, asked};
  };
  if (needed != Statistic::none) {
    const std::vector<double> weights = scale_weights(needed, G, *factored);
    const Expected<std::vector<double>> ratios = parse_ratios(options.ratios);
    if (!ratios) return ratios.error();
    const RecurrenceSink nobody;
    const BestSteps best = [&](std::vector<Steps> candidates) -> Expected<Steps> {
      Expected<Proposal> searched = search(input(nobody, true), candidates);
      if (!searched) return searched.error();
      return *std::move(searched->steps);
    };
    if (const Status made = make_steps({weights, &best, *ratios}); !made) return made.error();
  }
  RecurrenceSink sink;
  if (observer && !asymmetric && !corrects)
    sink = [&](const Matrix<Code>& codes, Index first, Index count, const float* u) {
      observer->rows({rounds, U, factored->factor.d, codes, first, count, u});
    };
  Expected<std::vector<Proposal>> proposals =
      rotated ? propose_rotated(layer, aim, options, method, compute)
              : method.propose(input(sink, options.guard || (observer && !observer->wants_binary64())));
  if (!proposals) return proposals.error();
  if (rotated && options.guard) {  // some rows are better off as they are
    const RecurrenceSink nobody;
    const Expected<const Method*> as_they_are = method.upright.empty() ? found : find_method(method.upright);
    if (!as_they_are) return as_they_are.error();
    Expected<std::vector<Proposal>> upright = (*as_they_are)->propose(input(nobody, true));
    if (!upright) return upright.error();
    for (Proposal& proposal : *upright) {
      if (!proposal.steps) proposal.steps = result.steps;
      proposals->push_back(std::move(proposal));
    }
  }
  for (Proposal& proposal : *proposals)
    if (asymmetric) proposal.sums.clear(), proposal.known = {};  // these speak of w*
  Expected<Proposal> best = best_of(*std::move(proposals), target, options, selector);
  if (!best) return best.error();
  if (corrects) best = corrected(*std::move(best), target, aim, options, *factored, layer.name, selector);
  if (!best) return best.error();
  if (rotated) result.rtn_steps = result.steps;  // of the rule, from the weights as they are
  else if (corrects) result.rtn_steps = best->steps->uncorrected();
  if (best->steps) result.steps = *std::move(best->steps);
  Rounded& proposal = best->rounded;

  Rounded nearest;
  if (options.guard || observer) nearest = round_to_nearest(layer.W, options.grid, result.steps_of_rtn());
  result.kept_rtn.assign(proposal.clipped.size(), 0);
  if (options.guard) {
    const Target of_nearest{layer.W, options.grid, result.steps_of_rtn(), factored->order, asymmetric};
    Expected<Contest> guarded = contest(factored->model, G, {target, proposal.codes, best->sums, &best->known},
                                        {of_nearest, nearest.codes}, &stage, &compute);
    if (!guarded) return guarded.error();
    take(*std::move(guarded), result);
  } else if (observer) {
    const Status enclosed =
        enclose_for(*observer, *factored, U, target, proposal, nearest, best->sums, compute, result);
    if (!enclosed) return enclosed.error();
  }
  keep_best(proposal, nearest, options.guard, result);
  if (observer)
    observer->tensor({layer.name, layer.W, options, result, nearest.codes, factored->order, &G, &factored->model,
                      &factored->factor.U, widened, layer.roundings, asymmetric});
  return result;
}

}  // namespace hallmark
