#include "quantize/recurrence.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>

#include "quantize/round_lanes.hpp"

namespace hallmark {
namespace {

constexpr Index kRows = kLanes<float>;
constexpr Index kTogether = 8;  // blocks of rows that share a block of columns of U while it is in the cache

constexpr std::size_t at(Index i) { return static_cast<std::size_t>(i); }

void report(std::optional<Entry>& first, Entry found) {
  if (!first || found.row < first->row) first = found;
}

// One block of kRows rows: its errors so far, [position][kRows].
struct RowBlock {
  Index first = 0, rows = 0;
  std::vector<float> e, u;  // u only where somebody wants to see it
  std::optional<Entry> overflow;
  LossLanes sums;
};

// The columns of one strip: the sums over all earlier strips at once, then column by column.
void round_strip(const Target& target, const UpperStrips<float>& U, Index strip, const LaneRounder& rounder, RowBlock& block,
                 Rounded& rounded, const RowSums* row_sums) {
  const Index begin = strip * kStrip, columns = std::min(kStrip, U.columns() - begin);
  const float* u = U.strip(strip);
  alignas(64) std::array<float, kStrip * kRows> acc{};
  accumulate_strip(block.e.data(), u, begin, acc.data(), kRows);
  Lanes lanes{};
  for (Index c = 0; c < columns; ++c) {
    const Index column = target.order[at(begin + c)];
    bool finite = true;
    for (Index r = 0; r < kRows; ++r) {
      const bool used = r < block.rows;
      lanes.w[at(r)] = used ? target.W(block.first + r, column) : 0.0F;
      lanes.s[at(r)] = used ? scale_at(target.scales, target.group_size, block.first + r, column) : 1.0F;
      lanes.u[at(r)] = used ? lanes.w[at(r)] + acc[at(c * kRows + r)] : 0.0F;
      finite &= std::isfinite(lanes.u[at(r)]);
    }
    rounder.round(lanes);
    for (Index r = 0; r < block.rows; ++r) {
      rounded.codes(block.first + r, column) = static_cast<Code>(lanes.code[at(r)]);
      rounded.clipped[at(block.first + r)] += lanes.clipped[at(r)];
      if (!finite && !std::isfinite(lanes.u[at(r)])) report(block.overflow, {block.first + r, column});
    }
    if (!block.u.empty()) std::copy(lanes.u.begin(), lanes.u.end(), &block.u[at((begin + c) * kRows)]);
    std::copy(lanes.e.begin(), lanes.e.end(), &block.e[at((begin + c) * kRows)]);
    for (Index later = c + 1; later < columns; ++later)
      multiply_add(lanes.e.data(), u[(begin + c) * kStrip + later], &acc[at(later * kRows)], kRows);
    if (row_sums)
      for (Index r = 0; r < kRows; ++r) acc[at(c * kRows + r)] += lanes.e[at(r)];
  }
  if (row_sums) block.sums.add(row_sums->weights, begin, columns, &block.e[at(begin * kRows)], acc.data());
}

}  // namespace

std::optional<Entry> run_recurrence(const Target& target, const UpperStrips<float>& U, Index block_size, Rounded& rounded,
                                    const RowSink& sink, const RowSums* row_sums) {
  const Index rows = target.W.rows(), blocks = (rows + kRows - 1) / kRows;
  const Index strips_per_block = std::max<Index>(1, block_size / kStrip);
  // As many groups of blocks for each thread, as even as possible.
  const Index threads = omp_get_max_threads();
  const Index groups = std::min(blocks, threads * ((blocks + threads * kTogether - 1) / (threads * kTogether)));
  const LaneRounder rounder(target.grid);
  std::optional<Entry> overflow;
  if (row_sums) row_sums->sums.resize(at(rows));
#pragma omp parallel for schedule(dynamic) if (rows * U.columns() * U.columns() > Index{1} << 18)
  for (Index group = 0; group < groups; ++group) {
    std::vector<RowBlock> together;
    for (Index b = group * blocks / groups; b < (group + 1) * blocks / groups; ++b)
      together.push_back({b * kRows, std::min(kRows, rows - b * kRows),
                          std::vector<float>(at(U.count() * kStrip * kRows)),
                          std::vector<float>(sink ? at(U.columns() * kRows) : 0), std::nullopt, {}});
    for (Index s0 = 0; s0 < U.count(); s0 += strips_per_block)
      for (RowBlock& block : together)
        for (Index s = s0; s < std::min(U.count(), s0 + strips_per_block); ++s)
          round_strip(target, U, s, rounder, block, rounded, row_sums);
    for (const RowBlock& block : together) {
      for (Index r = 0; row_sums && r < block.rows; ++r) row_sums->sums[at(block.first + r)] = block.sums.row(r);
      if (block.overflow) {
#pragma omp critical(hallmark_recurrence_overflow)
        report(overflow, *block.overflow);
      } else if (sink) {
        sink(block.first, block.rows, block.u.data());
      }
    }
  }
  return overflow;
}

std::optional<Entry> run_recurrence_ref(const Target& target, const Matrix<float>& U, Rounded& rounded, const RowSink& sink) {
  std::optional<Entry> overflow;
  std::vector<float> e(target.order.size()), shown(sink ? at(U.cols() * kRows) : 0);
  for (Index i = 0; i < target.W.rows(); ++i) {
    for (Index p = 0; p < U.cols(); ++p) {
      const Index column = target.order[at(p)];
      const float w = target.W(i, column), s = scale_at(target.scales, target.group_size, i, column);
      float r = 0;
      for (Index k = 0; k < p; ++k) r = std::fma(e[at(k)], U(k, p), r);
      const float u = w + r;
      if (!std::isfinite(u)) report(overflow, {i, column});
      if (sink) shown[at(p * kRows)] = u;
      const Code q = target.grid.nearest(u, s);
      rounded.codes(i, column) = q;
      rounded.clipped[at(i)] += target.grid.clipped(u, s);
      e[at(p)] = std::fma(-s, static_cast<float>(target.grid.value(q)), w);
    }
    if (sink && !overflow) sink(i, 1, shown.data());
  }
  return overflow;
}

}  // namespace hallmark
