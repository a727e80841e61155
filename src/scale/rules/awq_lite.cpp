// 8 bits for the group of columns that matters most, 6 for the others: AWQ-lite. All codes are of 8 bits; those of the
// others lie 4 times as coarse and seldom leave the 6 bits in the middle, which is what a compressor makes of them.
//
//   score of a group = sum over its columns of sqrt(G_jj) mean_i |w_ij|
//   |s| = 12.85 std_i / 127 in the group of the largest score, the first of equals; 12.85 std_i / 31 in the others
//
// std_i is that of the whole row; where it is 0 the step is that of absmax. Published is one group for a model; a rule
// sees one tensor, and rules by name
// (--config) give it to one tensor alone.
#include <algorithm>
#include <cmath>
#include <vector>

#include "format/codec_lanes.hpp"
#include "scale/candidates.hpp"
#include "scale/deviation.hpp"

namespace hallmark::rules {
namespace {

// The sums over rows and columns in increasing order.
Index best_group(const ScaleInput& input) {
  std::vector<double> sums(at(input.cols), 0.0), score(at(groups_of(input.cols, input.group_size)), 0.0);
  for (Index i = 0; i < input.rows; ++i)
    for (Index j = 0; j < input.cols; ++j) sums[at(j)] += std::fabs(static_cast<double>(input.w[i * input.cols + j]));
  for (Index j = 0; j < input.cols; ++j)
    score[at(input.group_size == 0 ? 0 : j / input.group_size)] +=
        std::sqrt(input.weights[at(j)]) * (sums[at(j)] / static_cast<double>(input.rows));
  return std::max_element(score.begin(), score.end()) - score.begin();
}

Expected<Steps> fit(const ScaleInput& input) {
  const Index best = best_group(input);
  std::vector<double> clip(at(input.rows));
#pragma omp parallel for schedule(static) if (input.rows * input.cols > 1 << 16)
  for (Index i = 0; i < input.rows; ++i)
    clip[at(i)] = sdclip_k(6) * deviation({input.w + i * input.cols, at(input.cols)});
  return per_group(input, [&](std::span<const float> w) {
    const Index from = w.data() - input.w, column = from % input.cols;
    const Index group = input.group_size == 0 ? 0 : column / input.group_size;
    if (const double c = clip[at(from / input.cols)]; c > 0) return Step(c / (group == best ? 127 : 31));
    const float m = largest_magnitude(w);
    return Step(m == 0 ? 1 : scale_to_largest(input.grid.spec(), w, m));
  });
}

}  // namespace

extern const ScaleRule awq_lite;
const ScaleRule awq_lite{
    "awq-lite",
    [](const GridSpec& grid) { return grid.kind == GridSpec::Kind::integer && grid.bits == 8 && !grid.zero_points; },
    Statistic::diagonal, fit};

}  // namespace hallmark::rules
