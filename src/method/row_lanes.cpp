#include "method/row_lanes.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "linalg/transpose.hpp"

namespace hallmark {
namespace {

constexpr Index kRows = kLanes<float>;

}  // namespace

std::vector<float> decoded_rows(const Target& target, const Matrix<Code>& codes, std::span<const Index> rows) {
  if (target.steps.plain()) return {};
  const std::size_t cols = at(codes.cols());
  std::vector<float> decoded(rows.size() * cols);
  for (std::size_t r = 0; r < rows.size(); ++r)
    decode_row(target.grid, target.steps, {&codes(rows[r], 0), cols}, rows[r], {decoded.data() + r * cols, cols});
  return decoded;
}

// Row by row in tiles that the first-level cache holds.
void load_errors(const Target& target, const LaneRounder& rounder, const Matrix<Code>& codes,
                 std::span<const Index> rows, Index positions, float* e) {
  constexpr Index together = 64;
  const Index n = std::ssize(target.order);
  const std::vector<float> decoded = decoded_rows(target, codes, rows);
  alignas(64) std::array<float, at(kRows * together)> tile{};
  for (Index p0 = 0; p0 < n; p0 += together) {
    const Index count = std::min(together, n - p0);
    const std::span<const Index> columns = target.order.subspan(at(p0), at(count));
    for (std::size_t r = 0; !decoded.empty() && r < rows.size(); ++r)
      for (std::size_t p = 0; p < columns.size(); ++p)
        tile[r * at(together) + p] = target.W(rows[r], columns[p]) - decoded[r * at(codes.cols()) + at(columns[p])];
    const auto group = [&](Index p) { return target.steps.group(columns[at(p)]); };
    for (Index p = 0, end = 0; decoded.empty() && p < count;
         p = end) {  // as far as columns are adjacent and one scale goes
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

}  // namespace hallmark
