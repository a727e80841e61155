// The first stage of the losses: enclosures in the format of the recurrence (loss.hpp).
#include <omp.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "quantize/loss.hpp"

namespace hallmark {
namespace {

constexpr Index kRows = kLanes<float>;
constexpr Index kTogether = 8;         // blocks of rows that share a strip of U while it is in the cache
constexpr Index kStripsTogether = 16;  // 128 columns

constexpr std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// kRows rows of errors, [position][kRows], and their sums.
struct RowBlock {
  std::vector<float> e;
  LossLanes sums;
};

// fl(w - s g) of the given rows. Where s g is exact in binary32 a subtraction is the one rounding; elsewhere an fma is.
void load_errors(const Target& target, const std::vector<float>& points, const Matrix<Code>& codes,
                 std::span<const Index> rows, RowBlock& block) {
  const auto n = static_cast<Index>(target.order.size());
  constexpr Index together = 64;  // columns whose [position][kRows] stays in the first-level cache
  for (Index p0 = 0; p0 < n; p0 += together)
    for (std::size_t r = 0; r < rows.size(); ++r)
      for (Index p = p0; p < std::min(n, p0 + together); ++p) {
        const Index column = target.order[at(p)];
        const float s = scale_at(target.scales, target.group_size, rows[r], column), w = target.W(rows[r], column);
        const float point = points[codes(rows[r], column)], product = s * point;
        const bool exact = static_cast<double>(product) == static_cast<double>(s) * static_cast<double>(point);
        block.e[at(p * kRows) + r] = exact ? w - product : std::fma(-s, point, w);
      }
}

}  // namespace

Loss enclose_binary32(const LossModel& model, const LossSums& sums) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto n = static_cast<double>(model.d.size());
  const double value = 0.5 * (sums.squares - sums.excess);
  // No error at all, as far as binary32 can tell: binary64 can tell more.
  if (!model.in_range || !(n <= 0x1p20) || !(sums.size > 0)) return {value, -infinity, infinity};
  const double x = (n + 1) * 0x1p-24, g = 0x1p-23 + 0x1p-46 + (n + 2) * 0x1p-53, top = std::sqrt(model.largest);
  const double size = sums.size + n * 0x1p-149 * top;
  const double rho = x * (1 + x) * (1 + g) * size + n * n * 0x1p-147 * top;
  const double bound = (n + 8) * 0x1p-52 * (sums.squares + sums.excess) + 2 * std::sqrt(sums.squares) * rho + rho * rho +
                       g * size * size + 0x1p-21 * sums.excess + 0x1p-148 * top * size;
  const double width = 0.5 * bound * (1 + 0x1p-20) + 0x1p-300;
  const Loss loss{value, value - width, value + width};
  if (std::isfinite(loss.lo) && std::isfinite(loss.hi)) return loss;
  return {value, -infinity, infinity};
}

std::vector<Loss> enclose_losses_binary32(const LossModel& model, const UpperStrips<float>& U, const Target& target,
                                          const Matrix<Code>& codes, std::span<const Index> rows) {
  const auto count = static_cast<Index>(rows.size());
  const Index blocks = (count + kRows - 1) / kRows, strips = U.count();
  std::vector<float> points(std::size_t{std::numeric_limits<Code>::max()} + 1);
  for (std::size_t code = 0; code < points.size(); ++code)
    points[code] = static_cast<float>(target.grid.value(static_cast<Code>(code)));
  std::vector<Loss> losses(rows.size());
  const Index threads = omp_get_max_threads();
  const Index groups = std::min(blocks, threads * ((blocks + threads * kTogether - 1) / (threads * kTogether)));
#pragma omp parallel for schedule(dynamic) if (count * U.columns() * U.columns() > Index{1} << 18)
  for (Index group = 0; group < groups; ++group) {
    const Index first = group * blocks / groups, last = (group + 1) * blocks / groups;
    std::vector<RowBlock> together(at(last - first));
    for (Index b = first; b < last; ++b) {
      RowBlock& block = together[at(b - first)];
      block.e.assign(at(strips * kStrip * kRows), 0.0F);
      load_errors(target, points, codes, rows.subspan(at(b * kRows), at(std::min(kRows, count - b * kRows))), block);
    }
    for (Index s0 = 0; s0 < strips; s0 += kStripsTogether)
      for (RowBlock& block : together)
        for (Index s = s0; s < std::min(strips, s0 + kStripsTogether); ++s) {
          const Index begin = s * kStrip, columns = std::min(kStrip, U.columns() - begin);
          alignas(64) std::array<float, at(kStrip * kRows)> t{};
          accumulate_strip(block.e.data(), U.strip(s), begin + kStrip, t.data(), kRows);
          block.sums.add(model, begin, columns, &block.e[at(begin * kRows)], t.data());
        }
    for (Index i = first * kRows; i < std::min(count, last * kRows); ++i)
      losses[at(i)] = enclose_binary32(model, together[at(i / kRows - first)].sums.row(i % kRows));
  }
  return losses;
}

}  // namespace hallmark
