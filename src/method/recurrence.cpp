#include "method/recurrence.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <span>

#include "linalg/buffer.hpp"
#include "linalg/transpose.hpp"
#include "linalg/round_lanes.hpp"
#include "method/row_groups.hpp"

namespace hallmark {
namespace {

constexpr Index kRows = kLanes<float>;

void report(std::optional<Entry>& first, Entry found) {
  if (!first || found.row < first->row) first = found;
}

template <class T>
using Tile = std::array<T, at(kStrip* kRows)>;  // [column of a strip][kRows]

// One block of kRows rows: its errors so far, [position][kRows].
struct RowBlock {
  Index first, rows;
  float *e, *u;  // u only where somebody wants to see it
  Index group = -1;
  alignas(64) std::array<float, at(kRows)> s{};  // the steps of that group
  alignas(64) std::array<std::int32_t, at(kRows)> zero{};
  alignas(64) std::array<std::int32_t, at(kRows)> memory{};  // of a chooser
  alignas(64) std::array<std::int32_t, at(kRows)> clipped{};
  std::optional<Entry> overflow{};
  LossLanes sums{};
};

// The weights of a strip's columns.
void load_weights(const Target& target, std::span<const Index> columns, bool adjacent, const RowBlock& block,
                  Tile<float>& w) {
  if (block.rows < kRows) w.fill(0);
  if (adjacent) {
    const float* first = target.W.data() + block.first * target.W.outerStride() + columns[0];
    return transpose(first, target.W.outerStride(), block.rows, std::ssize(columns), w.data(), kRows);
  }
  for (std::size_t c = 0; c < columns.size(); ++c)
    for (Index r = 0; r < block.rows; ++r) w[c * at(kRows) + at(r)] = target.W(block.first + r, columns[c]);
}

void store_codes(std::span<const Index> columns, bool adjacent, const RowBlock& block, const Tile<std::int32_t>& code,
                 Matrix<Code>& codes) {
  alignas(64) Tile<std::int32_t> row{};
  if (adjacent) transpose(code.data(), kRows, std::ssize(columns), block.rows, row.data(), kStrip);
  for (Index r = 0; r < block.rows; ++r)
    for (std::size_t c = 0; c < columns.size(); ++c)
      codes(block.first + r, columns[c]) =
          static_cast<Code>(adjacent ? row[at(r * kStrip) + c] : code[c * at(kRows) + at(r)]);
}

// The columns of one strip: the sums over all earlier strips at once, then column by column.
void round_strip(const Target& target, const UpperStrips<float>& U, Index strip, const LaneRounder& rounder,
                 RowBlock& block, Rounded& rounded, const RowSums* row_sums, const CodeChooser& choose) {
  const Index begin = strip * kStrip, count = std::min(kStrip, U.columns() - begin);
  const std::span<const Index> columns = target.order.subspan(at(begin), at(count));
  bool adjacent = true;
  for (std::size_t c = 1; c < columns.size(); ++c) adjacent &= columns[c] == columns[c - 1] + 1;
  const float* u = U.strip(strip);
  alignas(64) Tile<float> acc{}, w;
  alignas(64) Tile<std::int32_t> code;
  alignas(64) std::array<float, at(kRows)> unseen;
  accumulate_strip(block.e, u, begin, acc.data(), kRows);
  load_weights(target, columns, adjacent, block, w);
  for (Index c = 0; c < count; ++c) {
    const Index column = columns[at(c)], group = target.steps.group(column);
    if (group != block.group) {
      block.group = group;
      block.s.fill(1);
      for (Index r = 0; r < block.rows; ++r) {
        block.s[at(r)] = target.steps.scale(block.first + r, column);
        block.zero[at(r)] = target.steps.zero(block.first + r, column);
      }
    }
    float* compensated = block.u ? block.u + (begin + c) * kRows : unseen.data();
    float* e = block.e + (begin + c) * kRows;
    float* sum = &acc[at(c * kRows)];
    const LanesSeen seen = rounder.round(
        {&w[at(c * kRows)], sum, block.s.data(), block.zero.data(), compensated, &code[at(c * kRows)], e});
    if (seen.last) rounder.count_clipped(compensated, block.s.data(), block.zero.data(), block.clipped.data());
    for (Index r = 0; seen.infinite && r < block.rows; ++r)
      if (!std::isfinite(compensated[r])) report(block.overflow, {block.first + r, column});
    if (choose)
      choose({block.first, begin + c, count - c, &w[at(c * kRows)], sum, block.s.data(), block.zero.data(), compensated,
              &code[at(c * kRows)], e, block.memory.data()});
    accumulate_column(e, u + (begin + c) * kStrip + c + 1, count - c - 1, sum + kRows);
    for (Index r = 0; row_sums && r < kRows; ++r) sum[r] += e[r];
  }
  store_codes(columns, adjacent, block, code, rounded.codes);
  if (row_sums) block.sums.add(row_sums->weights, begin, count, block.e + begin * kRows, acc.data());
}

}  // namespace

std::optional<Entry> run_recurrence(const Target& target, const UpperStrips<float>& U, Index block_size,
                                    Rounded& rounded, const RowSink& sink, const RowSums* row_sums,
                                    const CodeChooser& choose) {
  const Index rows = target.W.rows();
  const Index strips_per_block = std::max<Index>(1, block_size / kStrip);
  const RowGroups groups(rows, kRows);
  const Index length = U.columns() * kRows;
  const LaneRounder rounder(target.grid);
  std::optional<Entry> overflow;
  if (row_sums) row_sums->sums.resize(at(rows));
#pragma omp parallel if (worth_threads(rows, U.columns()))
  {
    constexpr Index together_at_most = RowGroups::kTogether;
    Buffer<float> e(at(together_at_most * length)), u(sink ? at(together_at_most * length) : 0);
#pragma omp for schedule(dynamic)
    for (Index group = 0; group < groups.count(); ++group) {
      std::vector<RowBlock> together;
      for (Index b = groups.first(group); b < groups.first(group + 1); ++b) {
        const Index offset = std::ssize(together) * length;
        together.push_back(
            {b * kRows, std::min(kRows, rows - b * kRows), e.data() + offset, sink ? u.data() + offset : nullptr});
      }
      each_strip(U.count(), strips_per_block, together, [&](RowBlock& block, Index s) {
        round_strip(target, U, s, rounder, block, rounded, row_sums, choose);
      });
      for (const RowBlock& block : together) {
        for (Index r = 0; r < block.rows; ++r) rounded.clipped[at(block.first + r)] += block.clipped[at(r)];
        for (Index r = 0; row_sums && r < block.rows; ++r) row_sums->sums[at(block.first + r)] = block.sums.row(r);
        if (block.overflow) {
#pragma omp critical(hallmark_recurrence_overflow)
          report(overflow, *block.overflow);
        } else if (sink) {
          sink(block.first, block.rows, block.u);
        }
      }
    }
  }
  return overflow;
}

std::optional<Entry> run_recurrence_ref(const Target& target, const Matrix<float>& U, Rounded& rounded,
                                        const RowSink& sink) {
  std::optional<Entry> overflow;
  std::vector<float> e(target.order.size()), shown(sink ? at(U.cols() * kRows) : 0);
  for (Index i = 0; i < target.W.rows(); ++i) {
    for (Index p = 0; p < U.cols(); ++p) {
      const Index column = target.order[at(p)];
      const float w = target.W(i, column);
      const Step step = target.steps.at(i, column);
      float r = 0;
      for (Index k = 0; k < p; ++k) r = std::fma(e[at(k)], U(k, p), r);
      const float u = w + r;
      if (!std::isfinite(u)) report(overflow, {i, column});
      if (sink) shown[at(p * kRows)] = u;
      const Code q = target.grid.nearest(u, step);
      rounded.codes(i, column) = q;
      rounded.clipped[at(i)] += target.grid.clipped(u, step);
      e[at(p)] = std::fma(-static_cast<float>(step.scale), static_cast<float>(target.grid.value(q, step.zero)), w);
    }
    if (sink && !overflow) sink(i, 1, shown.data());
  }
  return overflow;
}

}  // namespace hallmark
