#include "scale/scale.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "format/codec_lanes.hpp"

namespace hallmark {
namespace {

constexpr std::array<std::pair<ScaleRule, std::string_view>, 5> names{{{ScaleRule::unit, "unit"},
                                                                       {ScaleRule::row_pow2, "row-pow2"},
                                                                       {ScaleRule::matrix_max, "matrix-max"},
                                                                       {ScaleRule::absmax, "absmax"},
                                                                       {ScaleRule::given, "given"}}};

/// The scale of a row, group or matrix whose largest |w| is m.
float scale_of(const Grid& grid, ScaleRule rule, float m) {
  if (m == 0 || rule == ScaleRule::unit) return 1;
  if (rule == ScaleRule::row_pow2) return std::ldexp(1.0f, std::ilogb(m));
  if (rule == ScaleRule::matrix_max) return round_up_11(m);
  // The binary64 quotient is as good as the exact one here: m and max_value have at most 24 and 13 bits, so an inexact
  // quotient differs from every number of 11 bits by more than 2^-40 of itself, and rounding cannot carry it across
  // one.
  return round_up_11(m / grid.max_value());
}

Error wrong_rule(const Grid& grid, ScaleRule rule) {
  return {Exit::usage, 223, fmt::format("scale rule {} is not for grid {}", to_string(rule), grid.short_name()),
          "golden grids take unit, row-pow2, matrix-max; integers take unit, absmax",
          fmt::format("--scale-rule {}", to_string(default_scale_rule(grid)))};
}

}  // namespace

Expected<ScaleRule> parse_scale_rule(std::string_view name) {
  for (const auto& [rule, text] : names)
    if (text == name) return rule;
  return Error{Exit::usage, 222, fmt::format("unknown scale rule '{}'", name),
               "rules: unit, row-pow2, matrix-max, absmax", "matrix-max (gf16) or absmax (integers)"};
}

std::string_view to_string(ScaleRule rule) {
  for (const auto& [known, text] : names)
    if (known == rule) return text;
  return "unknown";
}

ScaleRule default_scale_rule(const Grid& grid) { return grid.is_golden() ? ScaleRule::matrix_max : ScaleRule::absmax; }

float round_up_11(double v) {
  if (!(v <= 0x1p128)) return std::numeric_limits<float>::infinity();
  // Multiples of 2^unit; binary32 has none finer than 2^-149. All steps but ceil are exact.
  const int unit = std::max(std::ilogb(v) - 10, -149);
  const double rounded = std::ldexp(std::ceil(std::ldexp(v, -unit)), unit);
  return rounded < 0x1p128 ? static_cast<float>(rounded) : std::numeric_limits<float>::infinity();
}

Expected<std::vector<float>> scales_for(const Grid& grid, ScaleRule rule, const float* w, std::ptrdiff_t rows,
                                        std::ptrdiff_t cols, std::ptrdiff_t group_size) {
  const bool float_rule = rule == ScaleRule::row_pow2 || rule == ScaleRule::matrix_max;
  if (rule == ScaleRule::given || (grid.is_integer() && float_rule) || (grid.is_golden() && rule == ScaleRule::absmax))
    return wrong_rule(grid, rule);
  if (w == nullptr || rows <= 0 || cols <= 0 || group_size < 0)
    return Error{Exit::infeasible, 420, "no scales for an empty matrix or a negative group size",
                 fmt::format("{} rows, {} columns, group size {}", rows, cols, group_size), "exclude the tensor"};
  const std::ptrdiff_t groups = groups_of(cols, group_size), width = group_size == 0 ? cols : group_size;
  std::vector<float> scales(static_cast<std::size_t>(rows * groups));  // first the largest magnitudes
#pragma omp parallel for schedule(static) if (rows * cols > 1 << 16)
  for (std::ptrdiff_t i = 0; i < rows; ++i)
    for (std::ptrdiff_t g = 0; g < groups; ++g)
      scales[static_cast<std::size_t>(i * groups + g)] =
          largest_magnitude({w + i * cols + g * width, static_cast<std::size_t>(std::min(width, cols - g * width))});
  const float largest = largest_magnitude(scales);
  for (std::ptrdiff_t i = 0; i < rows && !std::isfinite(largest); ++i)
    for (std::ptrdiff_t j = 0; j < cols; ++j)
      if (!std::isfinite(w[i * cols + j]))
        return Error{Exit::input, 350, "a weight is not a finite number",
                     fmt::format("row {}, column {}: {}", i, j, w[i * cols + j]),
                     "repair the checkpoint or exclude the tensor"};

  const bool whole_matrix = rule == ScaleRule::unit || rule == ScaleRule::matrix_max;
  const float matrix_scale = whole_matrix ? scale_of(grid, rule, largest) : 0;
  for (std::ptrdiff_t i = 0; i < rows; ++i)
    for (std::ptrdiff_t g = 0; g < groups; ++g) {
      float& s = scales[static_cast<std::size_t>(i * groups + g)];
      s = whole_matrix ? matrix_scale : scale_of(grid, rule, s);
      if (!grid.exact_in_binary32(s))
        return Error{Exit::infeasible, 421,
                     fmt::format("scaled points of {} would not be exact in binary32", grid.short_name()),
                     fmt::format("row {}, columns {} to {}: scale {} by rule {}", i, g * width,
                                 std::min(cols, (g + 1) * width) - 1, s, to_string(rule)),
                     "--scale-rule unit, or rescale the tensor"};
    }
  return scales;
}

}  // namespace hallmark
