#include "method/loss.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "method/asymmetric.hpp"
#include "method/row_groups.hpp"
#include "method/row_lanes.hpp"

namespace hallmark {
namespace {

constexpr Index kRows = kLanes<double>;
constexpr Index kStripsTogether = 16;  // 128 columns

using LaneSums = std::array<double, at(kRows)>;

// kRows rows of errors, [position][kRows], and the sums over the columns, increasing.
struct RowBlock {
  std::vector<double> e;
  LaneSums squares{};   // sum d_j t_j^2
  LaneSums size{};      // A = sum |e_j| sqrt(H_jj)
  LaneSums absolute{};  // sum |e_j|
  LaneSums excess{};    // sum (H_jj - 2 G_jj) e_j^2
};

// e = fl(w - q) of the given rows: s g is exact, so one fma rounds once.
void load_errors(const LossModel& model, const Target& target, const Matrix<Code>& codes, std::span<const Index> rows,
                 RowBlock& block) {
  const Index n = model.U.columns();
  block.e.assign(at(model.U.count() * kStrip * kRows), 0.0);
  const std::vector<float> decoded = decoded_rows(target, codes, rows);
  for (Index p = 0; p < n; ++p) {
    const Index column = target.order[at(p)];
    double* e = &block.e[at(p * kRows)];
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const Step step = target.steps.at(rows[r], column);
      const auto w = static_cast<double>(target.W(rows[r], column));
      e[r] = decoded.empty() ? std::fma(-step.scale, target.grid.value(codes(rows[r], column), step.zero), w)
                             : w - static_cast<double>(decoded[r * at(codes.cols()) + at(column)]);
    }
    for (std::size_t r = 0; r < at(kRows); ++r) {
      const double a = std::fabs(e[r]);
      block.size[r] += a * model.root[p];
      block.absolute[r] += a;
      block.excess[r] += model.excess[p] * (a * a);
    }
  }
}

void add_strip(const LossModel& model, Index strip, RowBlock& block) {
  const Index begin = strip * kStrip, columns = std::min(kStrip, model.U.columns() - begin);
  alignas(64) std::array<double, at(kStrip * kRows)> t{};
  accumulate_strip(block.e.data(), model.U.strip(strip), begin + kStrip, t.data(), kRows);
  for (Index c = 0; c < columns; ++c)
    for (std::size_t r = 0; r < at(kRows); ++r) {
      const double x = t[at(c * kRows) + r];
      block.squares[r] += model.d[begin + c] * x * x;
    }
}

}  // namespace

double residual_constant(Index n) { return static_cast<double>(n + 2) * 0x1p-53; }

Loss enclose_binary64(const LossModel& model, const LossSums& sums, double absolute) {
  const auto [squares, size, excess] = sums;
  if (absolute == 0) return {};  // e = 0: every term is exactly 0
  const auto n = static_cast<double>(model.d.size());
  const double g = residual_constant(model.d.size());
  const double rho = (n + 2) * 0x1p-53 * size * (1 + g);  // Coq `product64`
  const double bound =
      (n + 8) * 0x1p-52 * (squares + excess) + 2 * std::sqrt(squares) * rho + rho * rho + g * size * size;
  // Sums of n terms of at most 5 roundings each, A squared; fewer than 32 operations of the bound itself.
  // slack: (n + 5) * u / (1 - (n + 5) * u) <= (n + 8) * 2^-52 for n <= 2^24, u = 2^-53
  // slack: 1 / (1 - (2 * (n + 5) + 32) * u) <= 1 + 2^-20 for n <= 2^24, u = 2^-53
  // What underflows, 2^-1075 at a time: n of these in t_j, each of which moves N(t)^2 by 2 N(t) sqrt(trace H), where
  // N(t) < 2^351; and a few products that are still to be multiplied by t_j < 2^551 or A < 2^351.
  // slack: (2 * 2^351 * 2^201 + 16 * 2^551) * n * 2^-1075 <= 2^-300 for n <= 2^24
  const double width = 0.5 * bound * (1 + 0x1p-20) + 0x1p-300;
  const double value = 0.5 * (squares - excess);
  const Loss loss{value, value - width, value + width};
  if (model.in_range && absolute <= 0x1p149 /* rounded; the theorem asks 2^150 of the exact sum */ &&
      std::isfinite(loss.lo) && std::isfinite(loss.hi))
    return loss;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return {value, -infinity, infinity};
}

LossModel loss_weights(const Vector<double>& d, const Vector<double>& diag_H, const Vector<double>& diag_2G) {
  LossModel model{{d, diag_H.cwiseSqrt(), diag_H - diag_2G}, {}, 0, true};
  if (diag_H.size() == 0) return model;
  model.largest = diag_H.maxCoeff();
  const double smallest = diag_H.minCoeff();
  // Coq `sane_diagonal`; then the range of the underflow term, where d_j <= H_jj (1 + g') and the trace is n terms at
  // most.
  model.in_range = diag_H.size() <= Index{1} << 24 && 0x1p-64 * model.largest <= smallest && smallest >= 0x1p-900 &&
                   d.minCoeff() >= 0x1p-400 && model.largest <= 0x1p375;
  return model;
}

LossModel loss_model(const Factor& factor, const Vector<double>& diag_H, const Vector<double>& diag_2G) {
  LossModel model = loss_weights(factor.d, diag_H, diag_2G);
  model.U = UpperStrips<double>(factor.U);
  return model;
}

std::vector<Loss> enclose_losses(const LossModel& model, const Target& target, const Matrix<Code>& codes,
                                 std::span<const Index> rows) {
  const auto count = static_cast<Index>(rows.size());
  std::vector<Loss> losses(rows.size());
  const RowGroups groups(count, kRows);
#pragma omp parallel for schedule(dynamic) if (worth_threads(count, model.U.columns()))
  for (Index group = 0; group < groups.count(); ++group) {
    const Index first = groups.first(group), last = groups.first(group + 1);
    std::vector<RowBlock> together(at(last - first));
    for (Index b = first; b < last; ++b)
      load_errors(model, target, codes, rows.subspan(at(b * kRows), at(std::min(kRows, count - b * kRows))),
                  together[at(b - first)]);
    each_strip(model.U.count(), kStripsTogether, together,
               [&](RowBlock& block, Index s) { add_strip(model, s, block); });
    for (Index i = first * kRows; i < std::min(count, last * kRows); ++i) {
      const RowBlock& block = together[at(i / kRows - first)];
      const auto r = at(i % kRows);
      losses[at(i)] = enclose_binary64(model, {block.squares[r], block.size[r], block.excess[r]}, block.absolute[r]);
    }
  }
  if (target.asymmetric) target.asymmetric->add(target, codes, rows, losses);
  return losses;
}

}  // namespace hallmark
