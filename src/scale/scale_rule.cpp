#include "base/error_numbers.hpp"
#include "scale/scale_rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "base/names.hpp"
#include "format/codec_lanes.hpp"
// Every rule: the name of its ScaleRule in namespace rules.
#define HALLMARK_SCALE_RULES(RULE) \
  RULE(unit)                       \
  RULE(row_pow2)                   \
  RULE(matrix_max)                 \
  RULE(absmax)                     \
  RULE(minmax)                     \
  RULE(search)                     \
  RULE(mse)                        \
  RULE(diag)                       \
  RULE(pivot)                      \
  RULE(percentile)                 \
  RULE(sdclip)                     \
  RULE(sdclip_hessian)             \
  RULE(sdclip_adaptive)            \
  RULE(awq_lite)

namespace hallmark {

#define DECLARE(rule) extern const ScaleRule rule;
namespace rules {
HALLMARK_SCALE_RULES(DECLARE)
}
#undef DECLARE

namespace {

#define ENTRY(rule) &rules::rule,
constexpr std::array registered = {HALLMARK_SCALE_RULES(ENTRY)};
#undef ENTRY

std::string names_where(const auto& wanted) {
  std::string names;
  for (const ScaleRule* rule : registered)
    if (wanted(*rule)) names += (names.empty() ? "" : ", ") + std::string(rule->name);
  return names;
}

}  // namespace

std::span<const ScaleRule* const> scale_rules() { return registered; }

std::span<const std::string_view> scale_rule_names() {
  static const std::vector names = names_of(scale_rules(), &ScaleRule::name);
  return names;
}

Expected<const ScaleRule*> find_scale_rule(std::string_view name) {
  const auto found = std::ranges::find(registered, name, &ScaleRule::name);
  if (found != registered.end()) return *found;
  return Error{Exit::usage, error_number::scale_rule_unknown, fmt::format("unknown scale rule '{}'", name),
               "rules: " + names_where([](const ScaleRule&) { return true; }),
               "leave it out: every grid has a default"};
}

Statistic statistic_of(std::string_view rule) {
  const auto found = std::ranges::find(registered, rule, &ScaleRule::name);
  return found == registered.end() ? Statistic::none : (*found)->needs;
}

std::string_view default_scale_rule(const Grid& grid) {
  if (grid.spec().unit_by_default) return "unit";
  if (grid.is_golden()) return "matrix-max";
  return grid.spec().zero_points ? "minmax" : "absmax";
}

float round_up(double v, int bits) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  if (!(std::fabs(v) <= 0x1p128)) return std::copysign(infinity, static_cast<float>(v));
  // Multiples of 2^unit; binary32 has none finer than 2^-149. All steps but ceil are exact.
  const int unit = std::max(std::ilogb(v) - (bits - 1), -149);
  const double rounded = std::ldexp(std::ceil(std::ldexp(std::fabs(v), -unit)), unit);
  return std::copysign(rounded < 0x1p128 ? static_cast<float>(rounded) : infinity, static_cast<float>(v));
}

Steps per_group(const ScaleInput& input, const std::function<Step(std::span<const float>)>& step) {
  const Index groups = groups_of(input.cols, input.group_size),
              width = input.group_size == 0 ? input.cols : input.group_size;
  Steps steps{Matrix<float>(input.rows, groups), {}, input.group_size};
  if (input.grid.spec().zero_points) steps.zeros.resize(input.rows, groups);
#pragma omp parallel for schedule(static) if (input.rows * input.cols > 1 << 16)
  for (Index i = 0; i < input.rows; ++i)
    for (Index g = 0; g < groups; ++g) {
      const auto count = static_cast<std::size_t>(std::min(width, input.cols - g * width));
      const Step found = step({input.w + i * input.cols + g * width, count});
      steps.scales(i, g) = std::isfinite(found.scale) && found.scale != 0
                               ? round_up(found.scale, scale_precision(input.storage))
                               : static_cast<float>(found.scale);
      if (steps.zeros.size() != 0) steps.zeros(i, g) = static_cast<std::int16_t>(found.zero);
    }
  return steps;
}

Expected<Steps> steps_for(const Grid& grid, std::string_view rule, ScaleStorage storage, const float* w, Index rows,
                          Index cols, Index group_size, const ScaleStatistics& statistics) {
  const auto not_for = [&](std::string_view name) {
    return Error{
        Exit::usage, error_number::scale_rule_refused,
        fmt::format("scale rule {} is not for grid {}", name, grid.name()),
        fmt::format("{} takes {}", grid.name(), names_where([&](const ScaleRule& r) { return r.takes(grid.spec()); })),
        fmt::format("--scale-rule {}", default_scale_rule(grid))};
  };
  if (rule == given_scales) return not_for(rule);
  const Expected<const ScaleRule*> found = find_scale_rule(rule);
  if (!found) return found.error();
  if (!(*found)->takes(grid.spec())) return not_for(rule);
  if (w == nullptr || rows <= 0 || cols <= 0 || group_size < 0)
    return Error{Exit::infeasible, error_number::matrix_empty, "no scales for an empty matrix or a negative group size",
                 fmt::format("{} rows, {} columns, group size {}", rows, cols, group_size), "exclude the tensor"};
  bool finite = true;
#pragma omp parallel for schedule(static) reduction(&& : finite) if (rows * cols > 1 << 16)
  for (Index i = 0; i < rows; ++i)
    finite = finite && std::isfinite(largest_magnitude({w + i * cols, static_cast<std::size_t>(cols)}));
  for (Index i = 0; i < rows && !finite; ++i)
    for (Index j = 0; j < cols; ++j)
      if (!std::isfinite(w[i * cols + j]))
        return Error{Exit::input, error_number::not_finite, "a weight is not a finite number",
                     fmt::format("row {}, column {}: {}", i, j, w[i * cols + j]),
                     "repair the checkpoint or exclude the tensor"};
  const Statistic needs = (*found)->needs;
  const bool weighted = needs == Statistic::diagonal || needs == Statistic::pivots;
  if ((weighted && std::ssize(statistics.weights) != cols) || (needs == Statistic::losses && !statistics.best))
    return Error{Exit::usage, error_number::no_calibration, fmt::format("scale rule {} needs calibration", rule),
                 "no Gram matrix for its weights",
                 fmt::format("--calibration C.safetensors, or --scale-rule {}", default_scale_rule(grid))};
  Expected<Steps> made =
      (*found)->fit({grid, w, rows, cols, group_size, storage, statistics.weights, statistics.best, statistics.ratios});
  if (!made) return made.error();
  Steps steps = *std::move(made);
  const Index width = group_size == 0 ? cols : group_size;
  for (Index i = 0; i < rows; ++i)
    for (Index g = 0; g < steps.scales.cols(); ++g) {
      const float s = steps.scales(i, g);
      const bool exact = grid.exact_in_binary32(s);
      if (exact && holds(storage, s)) continue;
      return Error{Exit::infeasible, error_number::no_exact_scale,
                   exact ? fmt::format("a scale is none of {}", to_string(storage))
                         : fmt::format("scaled points of {} would not be exact in binary32", grid.name()),
                   fmt::format("row {}, columns {} to {}: scale {} by rule {}", i, g * width,
                               std::min(cols, (g + 1) * width) - 1, s, rule),
                   exact ? "--scale-storage f32, or rescale the tensor" : "--scale-rule unit, or rescale the tensor"};
    }
  return steps;
}

}  // namespace hallmark
