#include "certify/row_group.hpp"

#include <algorithm>
#include <cmath>

#include "certify/column_squares.hpp"
#include "linalg/hessian.hpp"

namespace hallmark {
namespace {

using contracts::kRowsAtOnce;
using contracts::LaneMask;
using contracts::Lanes;
using contracts::magnitude;

Lanes root_of(Lanes x) {
  for (std::size_t lane = 0; lane < kRowsAtOnce; ++lane) x[lane] = std::sqrt(x[lane]);
  return x;
}

// A bound of |x - q| where q is the nearest point: half a gap, or the distance itself where x lies beyond the last
// point.
Lanes gap_of(const Grid& grid, const GapRule& rule, const RowGroup::Position& p) {
  const Lanes relative = rule.relative * magnitude(p.x), absolute = rule.absolute * magnitude(p.s);
  Lanes gap = relative > absolute ? relative : absolute;
  for (std::size_t lane = 0; !rule.known && lane < kRowsAtOnce; ++lane) gap[lane] = grid.half_gap(p.x[lane], p.s[lane]);
  // slack: 1 / (1 - 2 * u) <= 1 + 2^-50 for u = 2^-53
  const Lanes distance = magnitude(p.x - p.q) * (1 + 0x1p-50);
  const LaneMask measured = ((p.below == p.q) | (p.above == p.q)) & (distance > gap);
  return measured ? distance : gap;
}

}  // namespace

GapRule::GapRule(const Grid& grid) : known(!grid.is_table()) {
  if (!grid.is_golden()) return;
  absolute = std::ldexp(1.0, grid.spec().lowest_bit - 1);
  relative = std::ldexp(1.0, -grid.spec().precision);
}

units::PointRule point_rule(const Grid& grid) {
  const GridSpec& spec = grid.spec();
  if (grid.is_integer()) return {true, spec.first, spec.last, 0, 0, 0};
  const int E = spec.exponent_bits, M = spec.fraction_bits;
  return {false, 0, (((1 << E) - 1) << M) - 1, 1 << (E + M), 23 - M, std::ldexp(1.0F, spec.lowest_bit + 126 + M)};
}

GridPoints::GridPoints(const Grid& grid) : entry(1 << 16, {std::nanf(""), std::nanf(""), std::nanf("")}) {
  std::vector<std::pair<float, Code>> points;
  for (std::uint32_t code = 0; code < 1 << 16; ++code)
    if (grid.contains(static_cast<Code>(code)))
      points.emplace_back(static_cast<float>(grid.value(static_cast<Code>(code))), static_cast<Code>(code));
  std::sort(points.begin(), points.end());
  for (std::size_t k = 0; k < points.size(); ++k) {
    const auto [x, code] = points[k];
    std::size_t low = k, high = k;  // both zeros of a golden grid are one point
    while (low > 0 && points[low].first == x) --low;
    while (high + 1 < points.size() && points[high].first == x) ++high;
    entry[code] = {x, points[low].first, points[high].first};
  }
}

std::shared_ptr<const GridPoints> GridPoints::of(const Grid& grid) {
  static std::mutex mutex;
  static std::optional<Grid> last;
  static std::shared_ptr<const GridPoints> points;
  const std::scoped_lock lock(mutex);
  if (!last || !(*last == grid)) {
    points = std::make_shared<const GridPoints>(grid);
    last = grid;
  }
  return points;
}

RowColumns::RowColumns(const Evidence& evidence)
    : column(evidence.order.begin(), evidence.order.end()), n(std::ssize(column)) {
  std::vector<bool> ordered(at(evidence.W.cols()), false);
  for (const Index j : evidence.order) ordered[at(j)] = true;
  for (Index j = 0; j < evidence.W.cols(); ++j)
    if (!ordered[at(j)]) column.push_back(j);
  if (!evidence.model) return;
  const std::vector<double> squares = column_squares(*evidence.U);
  const double lambda = damping(*evidence.G, evidence.options.damp_fraction);  // whatever was factored
  for (Index p = 0; p < n; ++p) {
    twice_G.push_back(2 * (*evidence.G)(column[at(p)], column[at(p)]));
    H.push_back(twice_G.back() + lambda);
    // slack: 1 / (1 - 2 * u) <= 1 + 2^-50 for u = 2^-53
    root.push_back(std::sqrt(H.back()) * (1 + 0x1p-50));
    // slack: 1 / (1 - (n + 8) * u) <= 1 + 2^-20 for n <= 2^24, u = 2^-53
    // slack: n * (2^-150)^2 <= (2^-138)^2 for n <= 2^24
    const double norm = std::sqrt(squares[at(p)]) * (1 + 0x1p-20) + 0x1p-138, terms = static_cast<double>(p + 1);
    // k v (1 + k v) and 2^-148: Coq `T11_recurrence_closed`, `T30_bound`
    // slack: 1 / (1 - 3 * u) <= 1 + 2^-40 for u = 2^-53
    chain.push_back(terms * 0x1p-24 * (1 + terms * 0x1p-24) * norm * (1 + 0x1p-40));
    underflow.push_back(0x1p-148 * terms * (1 + norm));
  }
}

void RowGroup::load(const Evidence& evidence, const Compensated& u, const GridPoints& points, const RowColumns& columns,
                    std::span<const Index> rows_to_load, bool from_u) {
  rows = rows_to_load;
  at.resize(columns.column.size());
  const Matrix<Code>& codes = evidence.result.codes;
  const Steps& steps = evidence.result.steps;
  for (std::size_t lane = 0; lane < kRowsAtOnce; ++lane) {
    const Index i = row(lane);
    for (std::size_t p = 0; p < at.size(); ++p) {
      const Index j = columns.column[p];
      const Step step = steps.at(i, j);
      const double s = step.scale;
      const Code code = codes(i, j);
      Position& position = at[p];
      position.w[lane] = evidence.W(i, j);
      position.x[lane] = from_u && static_cast<Index>(p) < columns.n ? u(i, static_cast<Index>(p)) : evidence.W(i, j);
      position.s[lane] = s;
      const auto point = [&](float value) { return s * (static_cast<double>(value) - step.zero); };
      const GridPoints::Entry& entry = points.entry[code];
      position.q[lane] = point(entry.value);
      position.below[lane] = point(s < 0 ? entry.above : entry.below);
      position.above[lane] = point(s < 0 ? entry.below : entry.above);
    }
  }
}

void RowGroup::add_bounds(const Grid& grid, const RowColumns& columns) {
  const GapRule rule(grid);
  const auto n = static_cast<std::size_t>(columns.n);
  Lanes squares{};
  for (std::size_t p = 0; p < n; ++p) squares += (at[p].w - at[p].q) * (at[p].w - at[p].q);
  // slack: 1 / (1 - (n + 8) * u) <= 1 + 2^-20 for n <= 2^24, u = 2^-53
  // slack: n * (2^-150)^2 <= (2^-138)^2 for n <= 2^24
  const Lanes norm = root_of(squares) * (1 + 0x1p-20) + 0x1p-138;
  for (std::size_t p = 0; p < n; ++p) {
    at[p].gap = gap_of(grid, rule, at[p]);
    // slack: 1 / (1 - 4 * u) <= 1 + 2^-40 for u = 2^-53
    at[p].delta = (columns.chain[p] * norm + 0x1p-24 * magnitude(at[p].x)) * (1 + 0x1p-40) + columns.underflow[p];
  }
}

}  // namespace hallmark
