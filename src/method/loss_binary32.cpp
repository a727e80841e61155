// The first stage of the losses: enclosures in the format of the recurrence (loss.hpp).
#include <omp.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <span>

#include "linalg/buffer.hpp"
#include "linalg/transpose.hpp"
#include "method/loss.hpp"
#include "method/round_lanes.hpp"

namespace hallmark {
namespace {

constexpr Index kRows = kLanes<float>;
constexpr Index kTogether = 8;         // blocks of rows that share a strip of U while it is in the cache
constexpr Index kStripsTogether = 16;  // 128 columns

constexpr std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// kRows rows of errors, [position][kRows], and their sums.
struct RowBlock {
  float* e;
  LossLanes sums{};
};

// e = fl(w - s g) of the given rows, row by row in tiles that the first-level cache holds; zeros beyond rows and
// columns.
void load_errors(const Target& target, const LaneRounder& rounder, const Matrix<Code>& codes,
                 std::span<const Index> rows, Index positions, float* e) {
  constexpr Index together = 64;
  const Index n = std::ssize(target.order);
  alignas(64) std::array<float, at(kRows * together)> tile{};
  for (Index p0 = 0; p0 < n; p0 += together) {
    const Index count = std::min(together, n - p0);
    const std::span<const Index> columns = target.order.subspan(at(p0), at(count));
    const auto group = [&](Index p) { return target.steps.group(columns[at(p)]); };
    for (Index p = 0, end = 0; p < count; p = end) {  // as far as columns are adjacent and one scale goes
      for (end = p + 1; end < count && columns[at(end)] == columns[at(end - 1)] + 1 && group(end) == group(p);) ++end;
      const Index first = columns[at(p)];
      for (std::size_t r = 0; r < rows.size(); ++r)
        rounder.errors(&target.W.coeffRef(rows[r], first), &codes(rows[r], first), target.steps.at(rows[r], first),
                       end - p, &tile[r * at(together) + at(p)]);
    }
    transpose(tile.data(), together, kRows, count, e + p0 * kRows, kRows);
  }
  std::fill(e + n * kRows, e + positions * kRows, 0.0F);
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
  const double bound = (n + 8) * 0x1p-52 * (sums.squares + sums.excess) + 2 * std::sqrt(sums.squares) * rho +
                       rho * rho + g * size * size + 0x1p-21 * sums.excess + 0x1p-148 * top * size;
  const double width = 0.5 * bound * (1 + 0x1p-20) + 0x1p-300;
  const Loss loss{value, value - width, value + width};
  if (std::isfinite(loss.lo) && std::isfinite(loss.hi)) return loss;
  return {value, -infinity, infinity};
}

std::vector<Loss> enclose_losses_binary32(const LossModel& model, const UpperStrips<float>& U, const Target& target,
                                          const Matrix<Code>& codes, std::span<const Index> rows) {
  const auto count = static_cast<Index>(rows.size());
  const Index blocks = (count + kRows - 1) / kRows, strips = U.count(), positions = strips * kStrip;
  const LaneRounder rounder(target.grid);
  std::vector<Loss> losses(rows.size());
  const Index threads = omp_get_max_threads();
  const Index groups = std::min(blocks, threads * ((blocks + threads * kTogether - 1) / (threads * kTogether)));
#pragma omp parallel if (count * U.columns() * U.columns() > Index{1} << 18)
  {
    Buffer<float> e(at(kTogether * positions * kRows));
#pragma omp for schedule(dynamic)
    for (Index group = 0; group < groups; ++group) {
      const Index first = group * blocks / groups, last = (group + 1) * blocks / groups;
      std::vector<RowBlock> together;
      for (Index b = first; b < last; ++b) {
        together.push_back({e.data() + (b - first) * positions * kRows});
        load_errors(target, rounder, codes, rows.subspan(at(b * kRows), at(std::min(kRows, count - b * kRows))),
                    positions, together.back().e);
      }
      for (Index s0 = 0; s0 < strips; s0 += kStripsTogether)
        for (RowBlock& block : together)
          for (Index s = s0; s < std::min(strips, s0 + kStripsTogether); ++s) {
            const Index begin = s * kStrip, columns = std::min(kStrip, U.columns() - begin);
            alignas(64) std::array<float, at(kStrip * kRows)> t{};
            accumulate_strip(block.e, U.strip(s), begin + kStrip, t.data(), kRows);
            block.sums.add(model, begin, columns, block.e + begin * kRows, t.data());
          }
      for (Index i = first * kRows; i < std::min(count, last * kRows); ++i)
        losses[at(i)] = enclose_binary32(model, together[at(i / kRows - first)].sums.row(i % kRows));
    }
  }
  return losses;
}

}  // namespace hallmark
