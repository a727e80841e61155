#include "pipeline/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/error_numbers.hpp"
#include "certify/one_opt.hpp"
#include "certify/two_of_four.hpp"
#include "linalg/hessian.hpp"
#include "method/method.hpp"
#include "method/rtn.hpp"

namespace hallmark {
namespace {

Error differs(const std::string& name, const std::string& what) {
  return {Exit::mismatch, error_number::tensor_differs, "a tensor is not what its source and its certificate give",
          fmt::format("tensor '{}': {}", name, what),
          "get the files again; if they are right, quantize the weights again"};
}

Error not_those(const std::string& what) {
  return {Exit::mismatch, error_number::certificate_differs, "the files are not those of the certificate", what,
          "name the files that this output was made from"};
}

// The first place where stored and computed numbers differ.
template <class T>
std::optional<std::string> first_difference_of(const char* what, const Matrix<T>& stored, const Matrix<T>& computed) {
  if (stored.rows() != computed.rows() || stored.cols() != computed.cols())
    return fmt::format("{}s are {} x {}, computed {} x {}", what, stored.rows(), stored.cols(), computed.rows(),
                       computed.cols());
  for (Index i = 0; i < computed.rows(); ++i)
    for (Index j = 0; j < computed.cols(); ++j) {
      const T a = stored(i, j), b = computed(i, j);
      if constexpr (std::is_same_v<T, float>) {
        if (std::bit_cast<std::uint32_t>(a) != std::bit_cast<std::uint32_t>(b))
          return fmt::format("row {}: the {} of group {} is {:a}, computed {:a}", i, what, j, a, b);
      } else if (a != b) {
        return fmt::format("row {}, column {}: the {} is {:#06x}, computed {:#06x}", i, j, what, a, b);
      }
    }
  return std::nullopt;
}

std::optional<std::string> first_difference_of(const Steps& stored, const Steps& computed) {
  if (const auto scale = first_difference_of("scale", stored.scales, computed.scales)) return scale;
  if (const auto zero = first_difference_of("zero point", stored.zeros, computed.zeros)) return zero;
  const auto &a = stored.rotation.rows, &b = computed.rotation.rows;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    if (a[i] != b[i])
      return fmt::format("row {} is {}rotated, computed it is {}", i, a[i] ? "" : "not ", a[i] ? "not" : "");
  const LowRank &mine = stored.low_rank, &other = computed.low_rank;
  if (!mine.any() || !other.any()) return std::nullopt;  // a rule makes none
  if (const auto factor = first_difference_of("factor A", mine.A, other.A)) return factor;
  return first_difference_of("factor B", mine.B, other.B);
}

// What a model stores of one matrix.
struct Stored {
  Matrix<Code> codes;
  Steps steps;
};

Expected<Stored> load_stored(const QuantizedModel& model, const QuantizedMatrix& matrix) {
  Expected<Matrix<Code>> codes = model.codes(matrix);
  if (!codes) return codes.error();
  Expected<Steps> steps = model.steps(matrix);
  if (!steps) return steps.error();
  return Stored{*std::move(codes), *std::move(steps)};
}

// The digests of the matrix's inputs and of what is stored.
void enter_digests(const PlannedMatrix& planned, const LoadedMatrix& loaded, const Stored& stored,
                   const InputDigests& digests, CertifiedTensor& tensor) {
  tensor.weights_sha256 = digests.of_weights(planned);
  tensor.gram_sha256 = digests.of_gram(planned);
  if (tensor.gram_sha256.empty() && loaded.G) tensor.gram_sha256 = gram_sha256(loaded.G->view());
  enter_cross_digests(loaded, tensor);
  const StoredDigests of_stored = stored_digests(planned.matrix, stored.codes, stored.steps);
  tensor.codes_sha256 = of_stored.codes;
  tensor.scales_sha256 = of_stored.scales;
  tensor.zeros_sha256 = of_stored.zeros;
  tensor.rotated_sha256 = of_stored.rotated;
  tensor.low_rank_sha256 = of_stored.low_rank;
}

constexpr const char* other_codes = "its codes are not those of the certificate";

// What the certificate says and what the files do, where they differ.
std::optional<std::string> same(const char* what, const auto& claimed, const auto& found) {
  if (claimed == found) return std::nullopt;
  return fmt::format("{} is {} by the certificate, {} by the files", what, claimed, found);
}

// What a claim says beside codes and rows, against the files.
std::optional<std::string> first_false_fact(const CertifiedTensor& claim, const CertifiedTensor& found) {
  if (auto text = same("the number of rows", claim.rows, found.rows)) return text;
  if (auto text = same("the number of columns", claim.cols, found.cols)) return text;
  if (std::string option = first_difference(claim.options, found.options); !option.empty()) return "option " + option;
  if (auto text = same("calibration", claim.calibration, found.calibration)) return text;
  if (auto text = same("tokens", claim.tokens, found.tokens)) return text;
  if (claim.weights_sha256 != found.weights_sha256) return "its bytes in W are not those of the certificate";
  if (claim.gram_sha256 != found.gram_sha256) return "its Gram matrix is not that of the certificate";
  if (claim.cross_sha256 != found.cross_sha256 || claim.float_sha256 != found.float_sha256)
    return "its float inputs are not those of the certificate";
  if (claim.scales_sha256 != found.scales_sha256) return "its scales are not those of the certificate";
  if (claim.zeros_sha256 != found.zeros_sha256) return "its zero points are not those of the certificate";
  if (claim.rotated_sha256 != found.rotated_sha256) return "its rotated rows are not those of the certificate";
  if (claim.low_rank_sha256 != found.low_rank_sha256) return "its correction is not that of the certificate";
  const std::size_t rows = found.gram_sha256.empty() ? 0 : static_cast<std::size_t>(found.rows);
  return same("the number of rows with values", claim.values.size(), rows);
}

// Which codes stand for the smallest or the largest point: only there can a number lie beyond the grid.
std::vector<std::uint8_t> codes_at_ends(const Grid& grid) {
  std::vector<std::uint8_t> ends(std::size_t{1} << 16);
  double smallest = 0, largest = 0;
  const auto each_value = [&](const auto& visit) {
    for (std::size_t code = 0; code < ends.size(); ++code)
      if (grid.contains(static_cast<Code>(code))) visit(ends[code], grid.value(static_cast<Code>(code), 0));
  };
  each_value([&](auto&, double x) { smallest = std::min(smallest, x), largest = std::max(largest, x); });
  each_value([&](std::uint8_t& end, double x) { end = x == smallest || x == largest; });
  return ends;
}

// The counts of a claim whose codes are those of the files, and whether the codes leave one `open`. What was clipped is
// told in rows of round-to-nearest; in the others only a code at an end of the grid can be. A row of another method
// that has the codes of round-to-nearest need not have been kept by the guard.
std::optional<std::string> first_false_count(const CertifiedTensor& claim, const LoadedMatrix& loaded,
                                             const Stored& stored, const Rounded& rtn, const Steps& rtn_steps,
                                             bool& open) {
  const Matrix<Code>& codes = stored.codes;
  const bool all_nearest = claim.options.method == "rtn";
  const double lambda = loaded.G ? damping(loaded.G->view(), claim.options.damp_fraction) : 0;
  const auto dead = static_cast<std::uint64_t>(loaded.G ? (loaded.G->view().diagonal().array() == 0.0).count() : 0);
  const auto kept_rtn = static_cast<std::uint64_t>(std::ranges::count_if(claim.values, &CertifiedRow::kept_rtn));
  if (auto text = same("lambda", claim.lambda, lambda)) return text;
  if (auto text = same("the number of dead columns", claim.dead_columns, dead)) return text;
  if (auto text = same("the number of rows in which the guard kept round-to-nearest", claim.guard_rows, kept_rtn))
    return text;
  if (kept_rtn > 0 && (!claim.options.guard || all_nearest))
    return fmt::format("the guard kept {} rows, where it had none to keep", kept_rtn);
  const std::vector<std::uint8_t> ends = codes_at_ends(claim.options.grid);
  std::uint64_t least = 0, most = 0;
  for (Index i = 0; i < codes.rows(); ++i) {
    const auto row = static_cast<std::size_t>(i);
    const bool nearest = row_is_rtn(claim.options.method, !claim.values.empty() && claim.values[row].kept_rtn);
    const auto clipped = static_cast<std::uint64_t>(nearest ? rtn.clipped[row] : 0);
    least += clipped;
    most += clipped;
    for (Index j = 0; j < codes.cols() && !nearest; ++j) most += ends[codes(i, j)];
    open |= claim.options.guard && !all_nearest && stored.steps.same_row(i, rtn_steps) &&
            (codes.row(i).array() == rtn.codes.row(i).array()).all();
  }
  open |= least < most;
  if (least <= claim.clipped && claim.clipped <= most) return std::nullopt;
  return fmt::format("the number of clipped codes is {} by the certificate, from {} to {} by the files", claim.clipped,
                     least, most);
}

// The steps that a rule gives W [rows, cols], without gaps between rows.
Expected<Steps> steps_of_rule(const Options& options, std::string_view rule, MatrixRef<float> W,
                              const ScaleStatistics& statistics = {}) {
  return steps_for(options.grid, rule, options.scale_storage, W.data(), W.rows(), W.cols(), options.group_size,
                   statistics);
}

// The rule that the options name gives the stored steps, of a rotated row from its rotated weights; steps that were
// given have to be those of C.
std::optional<std::string> first_foreign_step(const PlannedMatrix& planned, const LoadedMatrix& loaded,
                                              const Steps& stored, const ScaleStatistics& statistics = {}) {
  const Options& options = planned.matrix.options;
  if (options.scale_rule == given_scales)
    return loaded.given ? first_difference_of(stored, *loaded.given) : std::nullopt;
  Expected<Steps> again = steps_of_rule(options, options.scale_rule, loaded.W.view(), statistics);
  if (again && stored.rotation.any()) {
    const Matrix<float> turned = rotated_weights(loaded.W.view(), stored.rotation.signs);
    const Expected<Steps> rotated = steps_of_rule(options, options.scale_rule, turned);
    if (!rotated) return fmt::format("scale rule {} gives no steps: {}", options.scale_rule, rotated.error().what);
    for (Index i = 0; i < stored.scales.rows(); ++i)
      if (stored.rotation.of_row(i)) again->take_row(i, *rotated);
  }
  if (!again) return fmt::format("scale rule {} gives no steps: {}", options.scale_rule, again.error().what);
  return first_difference_of(stored, *again);
}

// The steps of round-to-nearest, which is neither rotated nor corrected: where some row is rotated, those of the rule.
Expected<std::optional<Steps>> nearest_steps(const Options& options, MatrixRef<float> W, const Steps& stored) {
  if (!stored.rotation.any()) return stored.low_rank.any() ? std::optional(stored.uncorrected()) : std::nullopt;
  Expected<Steps> steps = steps_of_rule(options, options.scale_rule, W);
  if (!steps) return steps.error();
  return std::optional(*std::move(steps));
}

// What searched steps have to be as good as: round-to-nearest under the steps of the rule from which the search began.
Expected<std::optional<std::string>> first_above_rule(const PlannedMatrix& planned, const LoadedMatrix& loaded,
                                                      LossVerifier& judge, const Matrix<Code>& codes) {
  using Found = std::optional<std::string>;
  const Options& options = planned.matrix.options;
  const std::optional<std::string> before = rule_before_search(options);
  if (!before) return Found();
  const std::string& rule = *before;
  const Statistic needed = statistic_of(rule);
  std::vector<double> weights;
  if (needed != Statistic::none) weights = judge.scale_weights(needed);
  const Expected<Steps> steps = steps_of_rule(options, rule, loaded.W.view(), {weights});
  if (!steps) return Found(fmt::format("scale rule {} gives no steps: {}", rule, steps.error().what));
  const Rounded nearest = round_to_nearest(loaded.W.view(), options.grid, *steps);
  const Expected<std::optional<Index>> worse = judge.first_worse(codes, nearest.codes, *steps);
  if (!worse) return worse.error();
  if (!*worse) return Found();
  return Found(
      fmt::format("row {}: the codes lose more than round-to-nearest with the scales of rule {}", **worse, rule));
}

// The first row whose optimality is more than is proved here again; a smaller lower bound is true as well, but an
// optimum is one number.
std::optional<std::string> first_unproved(const LoadedMatrix& loaded, const Options& options, const Steps& steps,
                                          const std::vector<CertifiedRow>& rows) {
  if (std::ranges::none_of(rows, [](const CertifiedRow& row) { return row.optimality.has_value(); }))
    return std::nullopt;
  const std::vector<Optimality> proved = optimality(loaded.W.view(), loaded.G->view(), options, steps);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].optimality || rows[i].optimality == proved[i]) continue;
    const auto& [lower, by] = *rows[i].optimality;
    if (by == optimality_by::diagonal && lower && proved[i].lower && *lower <= *proved[i].lower) continue;
    const auto said = [](const Optimality& of) {
      return of.lower ? fmt::format("{:a} by {}", *of.lower, of.by) : fmt::format("none: {}", of.by.substr(0, 80));
    };
    return fmt::format("row {}: its optimality is {}, by the certificate {}", i, said(proved[i]),
                       said(*rows[i].optimality));
  }
  return std::nullopt;
}

// The first row in which more than two of four codes stand for a number other than 0, of a method that promises two.
std::optional<std::string> first_dense_row(const Options& options, const Matrix<Code>& codes, const Steps& steps) {
  if (!promises_two_of_four(options)) return std::nullopt;
  contracts::Report report;
  judge_two_of_four(options.grid, codes, steps, "", contracts::Policy::on, report);
  if (report.failed() == 0) return std::nullopt;
  return fmt::format("row {}: contract {}: more than two of four numbers are not 0", *report.violations().front().row,
                     report.violations().front().contract);
}

// The first row that says otherwise whether one of its codes can be changed for the better.
std::optional<std::string> first_not_one_opt(const LoadedMatrix& loaded, const Options& options, const Steps& steps,
                                             const Matrix<Code>& codes, const std::vector<CertifiedRow>& rows) {
  if (one_opt_rows(rows).rows == 0) return std::nullopt;
  const auto found = one_opt(loaded.W.view(), loaded.G->view(), options, steps, codes);
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i].one_opt && rows[i].one_opt != found[i])
      return fmt::format("row {}: {}", i,
                         !found[i]   ? "nothing is judged of changes of one code, the certificate does"
                         : *found[i] ? "no change of one code lowers the loss, the certificate says that one does"
                                     : "a change of one code lowers the loss, the certificate says that none does");
  return std::nullopt;
}

CertifiedTensor blank(const PlannedMatrix& planned) {
  CertifiedTensor out(planned.matrix.options);
  out.name = planned.name();
  out.rows = planned.matrix.rows;
  out.cols = planned.matrix.cols;
  out.calibration = planned.calibration_kind();
  out.tokens = planned.uses_gram() && planned.calibration ? planned.calibration->tokens : 0;
  return out;
}

// The losses of codes of which nothing is claimed.
Status compute_values(LossVerifier& judge, const Matrix<Code>& codes, Verified& out) {
  const Expected<std::vector<Loss>> final = judge.losses(codes), rtn = judge.losses_of_rtn(out.codes_rtn);
  if (!final) return final.error();
  if (!rtn) return rtn.error();
  out.tensor.lambda = judge.lambda();
  for (std::size_t i = 0; i < final->size(); ++i) {
    const Loss &a = (*final)[i], &b = (*rtn)[i];
    out.tensor.values.push_back({false, {{a.lo, a.hi}, {}}, {{b.lo, b.hi}, {}}, {}, {}});
    out.worse_rows += a.lo > b.hi;
  }
  return ok();
}

}  // namespace

std::optional<std::string> rule_before_search(const Options& options) {
  if (!options.guard || options.rotation != no_rotation || options.target != plain_target ||
      steps_depend_on(options) != Statistic::losses)
    return std::nullopt;
  const Expected<const Method*> method = find_method(options.method);
  const bool searched = statistic_of(options.scale_rule) == Statistic::losses;
  // Round-to-nearest under the rule's steps is among what the search chooses from, and GPTQ never loses that again.
  if (!method || !((*method)->fits_steps || options.method == "gptq")) return std::nullopt;
  return searched ? std::string(default_scale_rule(options.grid)) : options.scale_rule;
}

Expected<Plan> plan_of(const QuantizedModel& model, const SafeTensors& weights, const CalibrationFile* calibration) {
  Plan plan;
  for (const QuantizedMatrix& matrix : model.header().matrices) {
    const TensorInfo* const tensor = weights.find(matrix.tensor);
    if (!tensor) return not_those(fmt::format("the weights have no tensor '{}'", matrix.tensor));
    PlannedMatrix planned{tensor, matrix, calibration ? calibration->find(matrix.name) : nullptr,
                          weights.paths().front()};
    if (planned.uses_gram() && !calibration)
      return Error{Exit::usage, error_number::command_line, "losses are judged on the calibration that they speak of",
                   fmt::format("tensor '{}' was calibrated, and no calibration file is named", matrix.name),
                   "--calibration FILE; hallmark inspect judges codes and steps alone"};
    if (planned.uses_gram() && !planned.calibration)
      return not_those(fmt::format("no calibration for tensor '{}'", matrix.name));
    if (matrix.options.target != plain_target && !planned.calibration->crossed)
      return not_those(fmt::format("no cross-Gram matrix for tensor '{}'", matrix.name));
    if (planned.calibration)
      if (const Status fits =
              calibration->check_weight(matrix.name, matrix.rows, matrix.cols, matrix.options.group_size);
          !fits)
        return not_those(fits.error().where);
    plan.matrices.push_back(std::move(planned));
  }
  return plan;
}

// Long because it is the judgements of one matrix in their order, each of which may end it.
Expected<Verified> judge_stored(const PlannedMatrix& planned, const CalibrationFile* calibration,
                                const QuantizedModel& model, const CertifiedTensor* claim, ExactRows exact,
                                const InputDigests& digests, const TellRows& tell) {
  const Expected<Stored> stored = load_stored(model, planned.matrix);
  if (!stored) return stored.error();
  const auto& [codes, steps] = *stored;
  if (const Status sound = check_values(model, planned.matrix, codes, steps); !sound) return sound.error();
  Expected<LoadedMatrix> loaded = load_matrix(planned, calibration, contracts::Policy::off);
  if (!loaded) return loaded.error();
  Verified out{*std::move(loaded), blank(planned), {}, {}, {}};
  enter_digests(planned, out.loaded, *stored, digests, out.tensor);
  if (claim) {
    if (const auto text = first_false_fact(*claim, out.tensor)) {
      out.differs = differs(planned.name(), *text);
      return out;
    }
    if (claim->codes_sha256 != out.tensor.codes_sha256) out.differs = differs(planned.name(), other_codes);
    out.tensor = *claim;
  }
  const Options& options = planned.matrix.options;
  const Expected<std::optional<Steps>> of_rule = nearest_steps(options, out.loaded.W.view(), steps);
  if (!of_rule) return of_rule.error();
  const Steps& rtn_steps = *of_rule ? **of_rule : steps;
  const Rounded rtn = round_to_nearest(out.loaded.W.view(), options.grid, rtn_steps);
  out.codes_rtn = rtn.codes;
  const Statistic needed = steps_depend_on(options);
  if (claim) {
    auto text = first_dense_row(options, codes, steps);
    if (!text) text = needed == Statistic::none ? first_foreign_step(planned, out.loaded, steps) : std::nullopt;
    if (!text && options.method == "rtn") text = first_difference_of("code", codes, out.codes_rtn);
    if (!text && !out.differs)
      text = first_false_count(*claim, out.loaded, *stored, rtn, rtn_steps, out.unjudged_counts);
    if (text) {
      out.differs = differs(planned.name(), *text);
      return out;
    }
  }
  if (!out.loaded.G) return out;
  const std::optional<FloatInputs> inputs = float_inputs(out.loaded);
  Expected<LossVerifier> judge = LossVerifier::make(out.loaded.W.view(), out.loaded.G->view(), options, steps,
                                                    planned.name(), nullptr, &rtn_steps, inputs ? &*inputs : nullptr);
  if (!judge) return judge.error();
  if (!claim) {
    if (const Status computed = compute_values(*judge, codes, out); !computed) return computed.error();
    return out;
  }
  out.unjudged_scales = needed == Statistic::losses;  // they are those of codes that only a run makes
  if (needed == Statistic::diagonal || needed == Statistic::pivots)
    if (const auto text = first_foreign_step(planned, out.loaded, steps, {judge->scale_weights(needed)})) {
      out.differs = differs(planned.name(), *text);
      return out;
    }
  auto found = judge->first_false(codes, out.codes_rtn, claim->values, options.guard, exact, tell);
  if (found && !*found) found = first_above_rule(planned, out.loaded, *judge, codes);
  if (found && !*found) found = first_unproved(out.loaded, options, steps, claim->values);
  if (found && !*found) found = first_not_one_opt(out.loaded, options, steps, codes, claim->values);
  if (!found) return found.error();
  if (*found && out.differs) out.differs = differs(planned.name(), fmt::format("{}; {}", other_codes, **found));
  else if (*found)
    out.differs = Error{Exit::mismatch, error_number::oracle_contradicts, "a promise of the certificate is broken",
                        fmt::format("tensor '{}': {}", planned.name(), **found),
                        "do not use this file; quantize the weights again"};
  out.judged = judge->judged();
  return out;
}

Expected<Verified> reproduce(const PlannedMatrix& planned, const CalibrationFile* calibration,
                             const QuantizedModel& model, const CertifiedTensor& claim, const Demands& demands,
                             const InputDigests& digests, bool sources_differ, cuda::EngineBackend* device) {
  const std::string& name = planned.name();
  Expected<QuantizedTensor> again = quantize_planned(planned, calibration, demands, device);
  if (!again) {
    if (!sources_differ) return again.error();
    return differs(
        name, fmt::format("its source cannot be quantized any more: {}: {}", again.error().what, again.error().where));
  }
  CertifiedTensor computed = certified_tensor(planned, *again);
  const Expected<Stored> stored = load_stored(model, planned.matrix);
  if (!stored) return stored.error();
  enter_digests(planned, again->loaded, *stored, digests, computed);
  const CertificateObserver& seen = *again->judged.seen;
  Verified out{std::move(again->loaded), std::move(computed), seen.codes_rtn, {}, {}};
  out.exact_elements = seen.exact_elements;
  out.largest_ratio = seen.largest_ratio;
  const Quantized& result = again->judged.result;
  const auto refuse = [&](std::string what) {
    if (claim.weights_sha256 != out.tensor.weights_sha256) what += "; its bytes in W are not those of the certificate";
    if (claim.gram_sha256 != out.tensor.gram_sha256) what += "; its Gram matrix is not that of the certificate";
    if (claim.cross_sha256 != out.tensor.cross_sha256 || claim.float_sha256 != out.tensor.float_sha256)
      what += "; its float inputs are not those of the certificate";
    out.differs = differs(name, what);
  };
  if (const auto step = first_difference_of(stored->steps, result.steps)) refuse(*step);
  else if (const auto code = first_difference_of("code", stored->codes, result.codes)) refuse(*code);
  else if (const auto text = first_difference(claim, out.tensor)) refuse(*text);
  else if (const Status held = again->judged.contracts.status(); !held) out.differs = held.error();
  else if (seen.offence)
    out.differs = Error{Exit::mismatch, error_number::oracle_contradicts, "exact arithmetic finds a promise broken",
                        fmt::format("tensor '{}': {}", name, *seen.offence),
                        "do not use this file, and report this with the files"};
  return out;
}

}  // namespace hallmark
