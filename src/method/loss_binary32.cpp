// The first stage of the losses: enclosures in the format of the recurrence (loss.hpp).
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "linalg/buffer.hpp"
#include "method/asymmetric.hpp"
#include "method/loss.hpp"
#include "method/row_groups.hpp"
#include "method/row_lanes.hpp"

namespace hallmark {
namespace {

constexpr Index kRows = kLanes<float>;
constexpr Index kStripsTogether = 16;  // 128 columns

// kRows rows of errors, [position][kRows], and their sums.
struct RowBlock {
  float* e;
  LossLanes sums{};
};

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
  // As in enclose_binary64; and |e_j| is at most 1 + 2^-23 times the rounded one, squared in the sum over the excess.
  // slack: (1 + 2^-23)^2 <= 1 + 2^-21
  // slack: 1 / (1 - (2 * (n + 5) + 32) * u) <= 1 + 2^-20 for n <= 2^20, u = 2^-53
  // What underflows in binary64 is as there; rho has what does in binary32.
  // slack: 16 * 2^551 * n * 2^-1075 <= 2^-300 for n <= 2^20
  const double width = 0.5 * bound * (1 + 0x1p-20) + 0x1p-300;
  const Loss loss{value, value - width, value + width};
  if (std::isfinite(loss.lo) && std::isfinite(loss.hi)) return loss;
  return {value, -infinity, infinity};
}

std::vector<Loss> enclose_losses_binary32(const LossModel& model, const UpperStrips<float>& U, const Target& target,
                                          const Matrix<Code>& codes, std::span<const Index> rows) {
  const auto count = static_cast<Index>(rows.size());
  const Index positions = U.count() * kStrip;
  const LaneRounder rounder(target.grid);
  std::vector<Loss> losses(rows.size());
  const RowGroups groups(count, kRows);
#pragma omp parallel if (worth_threads(count, U.columns()))
  {
    Buffer<float> e(at(RowGroups::kTogether * positions * kRows));
#pragma omp for schedule(dynamic)
    for (Index group = 0; group < groups.count(); ++group) {
      const Index first = groups.first(group), last = groups.first(group + 1);
      std::vector<RowBlock> together;
      for (Index b = first; b < last; ++b) {
        together.push_back({e.data() + (b - first) * positions * kRows});
        load_errors(target, rounder, codes, rows.subspan(at(b * kRows), at(std::min(kRows, count - b * kRows))),
                    positions, together.back().e);
      }
      each_strip(U.count(), kStripsTogether, together, [&](RowBlock& block, Index s) {
        const Index begin = s * kStrip, columns = std::min(kStrip, U.columns() - begin);
        alignas(64) std::array<float, at(kStrip * kRows)> t{};
        accumulate_strip(block.e, U.strip(s), begin + kStrip, t.data(), kRows);
        block.sums.add(model, begin, columns, block.e + begin * kRows, t.data());
      });
      for (Index i = first * kRows; i < std::min(count, last * kRows); ++i)
        losses[at(i)] = enclose_binary32(model, together[at(i / kRows - first)].sums.row(i % kRows));
    }
  }
  if (target.asymmetric) target.asymmetric->add(target, codes, rows, losses);
  return losses;
}

}  // namespace hallmark
