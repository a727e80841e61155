#include "pipeline/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "artifact/quantized_metadata.hpp"
#include "base/error_numbers.hpp"
#include "base/spelling.hpp"
#include "io/sha256.hpp"
#include "method/low_rank.hpp"
#include "method/method.hpp"
#include "method/quantize.hpp"
#include "method/search.hpp"

namespace hallmark {
namespace {

using Tensors = std::vector<const TensorInfo*>;

/// At most the first eight names, so that a message stays readable.
std::string name_list(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 8); ++i) text += (i ? "; " : "") + names[i];
  if (names.size() > 8) text += fmt::format("; and {} more", names.size() - 8);
  return text;
}

/// Names among `tensors` that one of the patterns finds; each pattern has to find one.
Expected<std::vector<bool>> matching(const std::vector<std::string>& patterns, const char* flag,
                                     const Tensors& tensors) {
  std::vector<bool> found(tensors.size(), false);
  for (const std::string& pattern : patterns) {
    const Expected<Pattern> expression = Pattern::compile(pattern, flag);
    if (!expression) return expression.error();
    bool used = false;
    for (std::size_t i = 0; i < tensors.size(); ++i)
      if (expression->finds(tensors[i]->name)) used = found[i] = true;
    if (!used)
      return Error{
          Exit::infeasible, error_number::pattern_unmatched, "a pattern matches no tensor of 2 or 3 dimensions",
          fmt::format("{} '{}' against {} tensors", flag, pattern, tensors.size()), "hallmark inspect lists the names"};
  }
  return found;
}

// The matrices of a tensor, with the options that all of them share.
std::vector<PlannedMatrix> matrices_of(const TensorInfo& tensor, const Resolved& resolved,
                                       const CalibrationFile* calibration, const std::string& file) {
  const bool stacked = tensor.shape.size() == 3;
  std::uint64_t rows = tensor.shape[stacked ? 1 : 0], cols = tensor.shape[stacked ? 2 : 1];
  if (resolved.transposed) std::swap(rows, cols);
  std::vector<PlannedMatrix> found;
  for (std::uint64_t i = 0; i < (stacked ? tensor.shape[0] : 1); ++i) {
    const std::string name = stacked ? detail::stacked_name(tensor.name, i) : tensor.name;
    const auto index = stacked ? std::optional(i) : std::nullopt;
    const CalibrationEntry* entry = calibration ? calibration->find(name) : nullptr;
    found.push_back(
        {&tensor, {name, tensor.name, index, resolved.transposed, rows, cols, resolved.options}, entry, file});
  }
  return found;
}

// What is wrong, by kind; one message names all offenders of the first kind that has any.
struct Offenders {
  std::vector<std::string> empty, unreadable, wide, zeros, mismatched, unscaled, no_token, uncalibrated, unturned,
      unmade, untargeted, uncrossed, uncorrected;
  std::string how_to_match, how_to_turn, how_to_make, how_to_target, how_to_correct;

  std::optional<Error> error(const std::string& calibration) const {
    const auto refuse = [&](Exit exit, int number, const std::vector<std::string>& names, std::string_view what,
                            std::string hint) {
      return Error{exit, number, fmt::format(fmt::runtime(what), names.size()), name_list(names), std::move(hint)};
    };
    if (!empty.empty())
      return refuse(Exit::infeasible, error_number::matrix_empty, empty, "{} selected matrices are empty",
                    "--exclude them, or a rule with \"skip\": true");
    if (!unreadable.empty())
      return refuse(Exit::input, error_number::dtype_unsupported, unreadable,
                    "{} selected tensors are not F32, BF16 or F16", "--exclude them");
    if (!wide.empty())
      return refuse(Exit::infeasible, error_number::group_too_wide, wide, "{} matrices have fewer columns than a group",
                    "a smaller --group-size, or a rule for them with \"group_size\": 0");
    if (!zeros.empty())
      return refuse(Exit::infeasible, error_number::zero_points_given, zeros,
                    "{} matrices and their given zero points do not fit",
                    "NAME.zero_point beside NAME.scale for grids with zero points, and for no others");
    if (!mismatched.empty())
      return Error{Exit::infeasible, error_number::calibration_shape,
                   fmt::format("calibration and weights disagree in {} tensors", mismatched.size()),
                   fmt::format("{}: {}", calibration, name_list(mismatched)), how_to_match};
    if (!unscaled.empty())
      return refuse(Exit::infeasible, error_number::calibration_missing, unscaled,
                    "{} selected matrices lack the calibration that their scale rule needs",
                    "--scale-rule absmax (minmax for zero points), a rule for them with \"scale_rule\", a calibration "
                    "file that knows them, or --exclude");
    if (!no_token.empty())
      return refuse(Exit::input, error_number::calibration_empty, no_token,
                    "{} selected matrices have calibration of no token",
                    "a rule for them with \"rtn\": true, --method rtn, or --exclude");
    if (!uncalibrated.empty())
      return refuse(
          Exit::infeasible, error_number::calibration_missing, uncalibrated, "{} selected matrices have no calibration",
          "--method rtn, a rule for them with \"rtn\": true, a calibration file that knows them, or --exclude");
    if (!untargeted.empty())
      return refuse(Exit::usage, error_number::target_refused, untargeted, "{} matrices cannot have this target",
                    how_to_target);
    if (!uncrossed.empty())
      return refuse(Exit::infeasible, error_number::calibration_missing, uncrossed,
                    "{} selected matrices lack the inputs of the float layer, which their target needs",
                    "NAME.cross_gram and NAME.float_gram beside NAME.gram, or --target plain");
    if (!unturned.empty())
      return refuse(Exit::usage, error_number::rotation_refused, unturned, "{} matrices cannot be rotated",
                    how_to_turn);
    if (!uncorrected.empty())
      return refuse(Exit::usage, error_number::low_rank_refused, uncorrected,
                    "{} matrices cannot have this correction of low rank", how_to_correct);
    if (!unmade.empty())
      return refuse(Exit::usage, error_number::method_refused, unmade,
                    "{} matrices and their methods do not go together", how_to_make);
    return std::nullopt;
  }
};

bool holds_weights(DType dtype) { return dtype == DType::F32 || dtype == DType::BF16 || dtype == DType::F16; }

// What the calibration of a matrix, or the want of it, makes of its options.
void settle(PlannedMatrix& planned, const Resolved& resolved, const RuleSet& rules) {
  Options& options = planned.matrix.options;
  const CalibrationEntry* entry = planned.calibration;
  const auto replace = [&](Options now, const char* why, const char* remedy) {
    planned.overrides.push_back({why, remedy, rules.lost(resolved, options, now)});
    options = std::move(now);
  };
  if (entry && !entry->scale.empty()) {
    Options now = options;
    now.scale_rule = given_scales;
    if (entry->scale.size() == 1) now.group_size = 0;
    replace(std::move(now), "scales from the calibration file", "NAME.scale out of the calibration file");
  }
  const bool calibrated = entry && !entry->no_token;
  if (resolved.rtn && !calibrated && planned.uses_gram() && statistic_of(options.scale_rule) == Statistic::none) {
    Options now = options;
    now.method = "rtn";
    now.rotation = no_rotation;  // without losses nothing says that it is worth its while
    now.target = plain_target;
    now.low_rank = 0;
    replace(std::move(now), "rounded to nearest for want of calibration", "calibrate its tensors");
  }
  if (options.low_rank == 0) {
    const Options defaults{options.grid};
    options.low_rank_weights = defaults.low_rank_weights;
    options.low_rank_storage = defaults.low_rank_storage;
  }
  if (options.rotation == no_rotation) options.rotation_seed = 0;
}

// The hint of check_entry; that of a matrix whose calibration fits it when it is turned.
std::string how_to_match(const PlannedMatrix& planned, const Error& mismatch) {
  const QuantizedMatrix& matrix = planned.matrix;
  const std::uint64_t cols = planned.calibration->cols;
  if (cols == matrix.cols || cols != matrix.rows) return mismatch.hint;
  return matrix.transposed ? "no \"transposed\" for a matrix that W holds as [out, in]"
                           : "a rule with \"transposed\": true where W holds the matrix as [in, out]";
}

// Whether its settled options go with one another and with the matrix, which is an offender otherwise.
bool goes(const PlannedMatrix& planned, Offenders& offenders) {
  const QuantizedMatrix& matrix = planned.matrix;
  const Options& options = matrix.options;
  const GridSpec& grid = options.grid.spec();
  const auto refuse = [](std::vector<std::string>& list, std::string offender) {
    list.push_back(std::move(offender));
    return false;
  };
  if (matrix.rows == 0 || matrix.cols == 0)
    return refuse(offenders.empty, fmt::format("{} {} x {}", matrix.name, matrix.rows, matrix.cols));
  const DType dtype = planned.tensor->dtype;
  if (!holds_weights(dtype)) return refuse(offenders.unreadable, fmt::format("{} {}", matrix.name, dtype_name(dtype)));
  const CalibrationEntry* entry = planned.calibration;
  if (entry && !entry->scale.empty() && entry->zero_point.empty() == grid.zero_points)
    return refuse(offenders.zeros, fmt::format("{}: {} zero points, grid {}", matrix.name,
                                               entry->zero_point.empty() ? "no" : "given", grid.name));
  if (options.group_size > planned.cols())
    return refuse(offenders.wide,
                  fmt::format("{}: {} columns, groups of {}", matrix.name, matrix.cols, options.group_size));
  if (entry)
    if (const Status fits = check_entry(*entry, matrix.name, matrix.rows, matrix.cols, options.group_size); !fits) {
      if (offenders.mismatched.empty()) offenders.how_to_match = how_to_match(planned, fits.error());
      return refuse(offenders.mismatched, fits.error().where);
    }
  const bool calibrated = entry && !entry->no_token;
  if (!calibrated && planned.uses_gram()) {
    if (statistic_of(options.scale_rule) != Statistic::none)
      return refuse(offenders.unscaled, fmt::format("{}: scale rule {}", matrix.name, options.scale_rule));
    return refuse(entry ? offenders.no_token : offenders.uncalibrated, matrix.name);
  }
  bool fine = true;
  const auto meet = [&](const std::optional<Obstacle>& obstacle, std::vector<std::string>& list, std::string& how,
                        const std::string& what = "") {
    if (!obstacle) return;
    fine = refuse(list, fmt::format("{}: {}{}", matrix.name, what, obstacle->where));
    how = obstacle->hint;
  };
  meet(low_rank_obstacle(options, static_cast<Index>(matrix.rows), planned.cols()), offenders.uncorrected,
       offenders.how_to_correct);
  meet(rotation_obstacle(options), offenders.unturned, offenders.how_to_turn);
  meet(method_obstacle(options), offenders.unmade, offenders.how_to_make, fmt::format("method {}, ", options.method));
  const auto target = target_obstacle(options);
  meet(target, offenders.untargeted, offenders.how_to_target);
  if (!target && options.target != plain_target && !entry->crossed) fine = refuse(offenders.uncrossed, matrix.name);
  return fine;
}

// Enters the settled matrix among those that read options. Of an offender it is not known yet what it will read.
void enter_settled(const PlannedMatrix& planned, const Resolved& resolved, RuleSet& rules, Offenders& offenders) {
  if (goes(planned, offenders)) rules.enter_use(resolved, planned.name(), planned.matrix.options, planned.overrides);
  else rules.enter_use(resolved, planned.name(), resolved.options, {});
}

// Every entry of the calibration has a matrix in W, quantized or not: a misspelt name is not to pass as "no
// calibration".
Status check_entries(const CalibrationFile& calibration, const std::set<std::string>& matrices) {
  std::vector<std::string> unused;
  for (const auto& [weight, entry] : calibration.entries())
    if (!matrices.contains(weight)) unused.push_back(weight);
  if (unused.empty()) return ok();
  const bool few = matrices.size() <= 10'000;  // the search looks at each of them
  const std::string guess = few ? nearest_spelling(unused.front(), {matrices.begin(), matrices.end()}) : "";
  return Error{
      Exit::infeasible, error_number::calibration_unused,
      fmt::format("{} calibration {} no weight", unused.size(), unused.size() == 1 ? "entry fits" : "entries fit"),
      fmt::format("{}: {}", calibration.path(), name_list(unused)),
      guess.empty() ? "give entries the names of the weights, and of tied weights the one that the file holds: "
                      "hallmark inspect shows both"
                    : fmt::format("did you mean '{}'? hallmark inspect shows the names of both files", guess)};
}

std::string why_not(const TensorInfo& tensor, const Resolved& resolved, const RuleSet& rules, bool included,
                    bool excluded, const CalibrationFile* calibration) {
  if (excluded) return "excluded";
  if (!included) return "not included";
  if (resolved.skip) return fmt::format("skipped by {}", rules.rules()[*resolved.skipped_by].place);
  if (calibration) return "no calibration";
  if (!holds_weights(tensor.dtype)) return fmt::format("numbers of dtype {}", dtype_name(tensor.dtype));
  return "3 dimensions need --include or a rule";  // those of 2 are taken
}

Error nothing_to_quantize(std::size_t tensors, const CalibrationFile* calibration, std::size_t excluded,
                          std::size_t skipped) {
  const std::size_t entries = calibration ? calibration->entries().size() : 0;
  return {
      Exit::infeasible, error_number::nothing_selected, "nothing to quantize",
      fmt::format("{} tensors of 2 or 3 dimensions, {} calibration entries, {} tensors excluded, {} skipped by rules",
                  tensors, entries, excluded, skipped),
      tensors == 0   ? "only tensors of 2 or 3 dimensions are quantized: hallmark inspect lists the shapes"
      : skipped > 0  ? "narrower patterns in the rules with \"skip\": true"
      : excluded > 0 ? "a narrower --exclude"
      : calibration  ? "the calibration names must be those of the weights: hallmark inspect shows both"
                     : "--include, or a rule, for tensors of 3 dimensions; their numbers are F32, BF16 or F16"};
}

}  // namespace

bool PlannedMatrix::uses_gram() const { return reads_gram(matrix.options); }

std::span<const std::byte> PlannedMatrix::bytes() const {
  if (!matrix.index) return tensor->data;
  const std::size_t size = tensor->data.size() / tensor->shape[0];
  return tensor->data.subspan(static_cast<std::size_t>(*matrix.index) * size, size);
}

double PlannedMatrix::work() const {
  const auto r = static_cast<double>(matrix.rows), c = static_cast<double>(matrix.cols);
  return uses_gram() ? r * c * c + c * c * c / 3 : r * c;
}

double PlannedMatrix::working_set() const {
  const auto r = static_cast<double>(matrix.rows), c = static_cast<double>(matrix.cols);
  const auto piece = static_cast<double>(mapped_piece);
  // Its pages in the file, and of a stack those that a digest is at.
  const double stored = std::min(static_cast<double>(tensor->data.size()),
                                 r * c * static_cast<double>(dtype_bits(tensor->dtype)) / 8 + piece);
  // Beside W and its pages: two proposals, what waits to be written and its bytes, and turning it. Then u'
  // and the errors of the rows under work; G, its pages or its sums, the factor and its packed copies in binary32 and
  // binary64; tokens.
  // Steps are in the proposal, the result, round-to-nearest and what waits to be written.
  const double steps = r * static_cast<double>(groups_of(cols(), matrix.options.group_size)) *
                       (matrix.options.grid.spec().zero_points ? 4 + 2 : 4);
  const double of_rows = stored + r * c * (4 + 2 + 2 + 2 + 2 + (matrix.transposed ? 4 : 0)) + 4 * steps;
  // The digest of C needs its pages, also where nothing else does.
  if (!uses_gram()) return of_rows + (calibration ? std::min(c * c * 8, piece) : 0);
  // W and G turned, and the factor of the latter.
  const double turned = matrix.options.rotation == no_rotation ? 0 : r * c * 4 + c * c * (8 + 8 + 2);
  const double tokens = calibration && !calibration->is_gram ? 2 * 1024 * c * 4 : 0;
  // A search has its candidates' steps, in all and in those of the rows at hand, and their codes where other proposals,
  // u' and errors come later.
  const std::size_t candidates = most_candidates(matrix.options);
  const double searched =
      candidates < 2 ? 0
                     : 2 * static_cast<double>(candidates) * steps +
                           std::max(searched_bytes(candidates, rows(), cols()) - r * c * (2 + 2 + 2 + 4 + 4), 0.0);
  // Methods that fit steps: two proposals more, and the scaled Gram matrix.
  const double fitting = steps_depend_on(matrix.options) == Statistic::losses ? r * c * (2 + 2) + c * c * 4 : 0;
  // C and K, their differences, w*, the slope and a product.
  const double asymmetric = matrix.options.target == plain_target ? 0 : r * c * (4 + 8 + 8) + c * c * 4 * 8;
  // What a method works on waits until all proposals but one, the errors, the factor and its copies are free.
  const auto method = find_method(matrix.options.method);
  const double worked_on =
      method ? std::max((*method)->bytes_per_weight * r * c - r * c * (2 + 2 + 4 + 4) - c * c * (8 + 2 + 4), 0.0) : 0;
  // Beside what is free by then: Q and E, or E and E L.
  const double corrected = matrix.options.low_rank == 0 ? 0 : r * c * (4 + 8);
  return of_rows + r * c * (4 + 4) + c * c * (8 + 8 + 8 + 2 + 4) + searched + fitting + worked_on + turned +
         asymmetric + corrected + tokens;
}

const char* PlannedMatrix::calibration_kind() const {
  if (!uses_gram() || !calibration) return "none";
  return calibration->is_gram ? "gram" : "activations";
}

double Plan::work() const {
  return std::accumulate(matrices.begin(), matrices.end(), 0.0,
                         [](double sum, const PlannedMatrix& matrix) { return sum + matrix.work(); });
}

double Plan::peak() const {
  double largest = 0;
  for (const PlannedMatrix& matrix : matrices) largest = std::max(largest, matrix.working_set());
  return largest + 4e6;  // what allocators and threads hold back, from run to run
}

Expected<PlannedMatrix> plan_matrix(const TensorInfo& tensor, const CalibrationEntry* entry, RuleSet& rules) {
  Expected<Resolved> resolved = rules.resolve(tensor.name);
  if (!resolved) return resolved.error();
  PlannedMatrix planned = matrices_of(tensor, *resolved, nullptr, in_memory).front();
  planned.calibration = entry;
  Offenders offenders;
  settle(planned, *resolved, rules);
  enter_settled(planned, *resolved, rules, offenders);
  if (const Status used = rules.check_used(1); !used) return used.error();
  if (const auto error = offenders.error(in_memory)) return *error;
  return planned;
}

Expected<Plan> make_plan(const SafeTensors& weights, const CalibrationFile* calibration, RuleSet& rules,
                         const Selection& selection) {
  Tensors tensors;
  for (const TensorInfo& tensor : weights.tensors())
    if (tensor.shape.size() == 2 || tensor.shape.size() == 3) tensors.push_back(&tensor);
  const auto included = matching(selection.include, "--include", tensors);
  if (!included) return included.error();
  const auto excluded = matching(selection.exclude, "--exclude", tensors);
  if (!excluded) return excluded.error();

  Plan plan;
  Offenders offenders;
  std::set<std::string> names;
  std::size_t skipped = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorInfo& tensor = *tensors[i];
    Expected<Resolved> resolved = rules.resolve(tensor.name);
    if (!resolved) return resolved.error();
    std::vector<PlannedMatrix> matrices = matrices_of(tensor, *resolved, calibration, weights.paths().front());
    for (const PlannedMatrix& matrix : matrices) names.insert(matrix.name());
    const bool known = std::ranges::any_of(matrices, [](const PlannedMatrix& m) { return m.calibration != nullptr; });
    const bool by_rule =
        std::ranges::any_of(resolved->rules, [&](std::size_t k) { return !rules.rules()[k].match.empty(); });
    const bool in = selection.include.empty() || (*included)[i];
    const bool named = !selection.include.empty() && (*included)[i];
    const bool eligible =
        named || known || by_rule || (!calibration && tensor.shape.size() == 2 && holds_weights(tensor.dtype));
    if (!in || (*excluded)[i] || resolved->skip || !eligible) {
      skipped += in && !(*excluded)[i] && resolved->skip;
      plan.left_out.push_back({&tensor, why_not(tensor, *resolved, rules, in, (*excluded)[i], calibration)});
      continue;
    }
    for (PlannedMatrix& matrix : matrices) {
      settle(matrix, *resolved, rules);
      enter_settled(matrix, *resolved, rules, offenders);
      plan.matrices.push_back(std::move(matrix));
    }
  }
  if (const Status used = rules.check_used(tensors.size()); !used) return used.error();
  if (calibration)
    if (const Status fits = check_entries(*calibration, names); !fits) return fits.error();
  if (const auto error = offenders.error(calibration ? calibration->path() : "")) return *error;
  if (plan.matrices.empty()) {
    const auto out = static_cast<std::size_t>(std::count(excluded->begin(), excluded->end(), true));
    return nothing_to_quantize(tensors.size(), calibration, out, skipped);
  }
  return plan;
}

}  // namespace hallmark
