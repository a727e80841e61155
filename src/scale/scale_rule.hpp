// Scale rules: the steps of a tensor from its weights, fixed before the first column is rounded. A rule is one file in
// scale/rules/ and one line in scale_rule.cpp.
//
//   unit        s = 1
//   row-pow2    s = 2^floor(log2 max|w_i|)        per row or group (golden grids)
//   matrix-max  s = max|W|                        the largest weight goes to +-1 (golden grids)
//   absmax      s = max|w_i| / largest(grid)      per row or group; intB: the weight of largest magnitude goes to the
//   code
//                                                 -2^(B-1), by a scale of the other sign
//   minmax      s = (max w - min w) / last, z = -min w / s to nearest, 0 among both; grids with zero points
//   search      the default rule's times one of the ratios, of either sign for intB: row by row that whose codes lose
//   least given       the user's, not computed here
//
// A computed s is rounded up in magnitude to 11 significant bits (8 where bf16 stores it), so that s g has at most 24
// bits and is exact in binary32; a row or group of zeros has s = 1.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "scale/steps.hpp"
#include "scale/storage.hpp"

namespace hallmark {

/// What a rule reads of the calibration beside W: nothing; G_jj; the pivots d_j of the factor; the losses of codes.
enum class Statistic { none, diagonal, pivots, losses };

/// Row by row the candidate whose codes lose least, the first of equals. Errors: those of whoever judges.
using BestSteps = std::function<Expected<Steps>(std::vector<Steps> candidates)>;

/// The statistics, as far as the rule needs them.
struct ScaleStatistics {
  /// Per column of W, finite, >= 0: G_jj for `diagonal`; d_j for `pivots`, 0 in a column that was not factored.
  std::span<const double> weights = {};
  const BestSteps* best = nullptr;      ///< for `losses`
  std::span<const double> ratios = {};  ///< for `losses`: those of the options
};

/// W [rows, cols], row-major and finite, what its steps are for, and the statistics that the rule needs.
struct ScaleInput {
  const Grid& grid;
  const float* w;
  Index rows, cols, group_size;
  ScaleStorage storage;
  std::span<const double> weights;
  const BestSteps* best;
  std::span<const double> ratios;
};

struct ScaleRule {
  std::string_view name;
  bool (*takes)(const GridSpec& grid);
  Statistic needs;
  /// Before rounding: one step a row and group. Total for finite weights, but for errors of `best`.
  Expected<Steps> (*fit)(const ScaleInput& input);
};

std::span<const ScaleRule* const> scale_rules();
std::span<const std::string_view> scale_rule_names();

/// The rule of this name. Errors: E0222 (usage).
Expected<const ScaleRule*> find_scale_rule(std::string_view name);

/// What the rule of this name needs; none for `given` and for a name that is no rule's.
Statistic statistic_of(std::string_view rule);

/// The first of: unit for bf16 and fp16 (a number on the grid stays), matrix-max for other golden grids, minmax for
/// zero points, absmax.
std::string_view default_scale_rule(const Grid& grid);

/// The rule of files that carry their steps.
inline constexpr std::string_view given_scales = "given";

/// The number of at most `bits` significant bits, and none finer than 2^-149, that is nearest to v != 0 and not below
/// it in magnitude; infinity where there is none in binary32.
float round_up(double v, int bits);

/// Steps of w [rows, cols], row-major. Every scale is finite and not 0, `storage` holds it, and s g is exact in
/// binary32 for every point g of the grid. Errors: E0350 a weight is NaN or infinite (names row and column); E0420
/// empty matrix or negative group size; E0421 some s g would not be exact in binary32, or the storage has no such scale
/// (weights too large or too small for the rule); E0223 a rule that the grid does not take, or `given`; E0222; E0214 a
/// rule without the statistic that it needs; those of `best`.
Expected<Steps> steps_for(const Grid& grid, std::string_view rule, ScaleStorage storage, const float* w, Index rows,
                          Index cols, Index group_size, const ScaleStatistics& statistics = {});

/// For rules: one step for each row and group, from its weights.
Steps per_group(const ScaleInput& input, const std::function<Step(std::span<const float>)>& step);

}  // namespace hallmark
