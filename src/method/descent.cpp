#include "method/descent.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "method/row_groups.hpp"
#include "method/row_lanes.hpp"
#include "method/rtn.hpp"
#include "scale/storage.hpp"

namespace hallmark {
namespace {

constexpr Index kRows = kLanes<float>;
constexpr Index kStripsTogether = 4;

using LaneFloats = std::array<float, at(kRows)>;

// The number of `bits` significant bits nearest to v != 0; none is finer than 2^-149.
float nearest_scale(double v, int bits) {
  const int unit = std::max(std::ilogb(v) - (bits - 1), -149);
  return static_cast<float>(std::ldexp(std::nearbyint(std::ldexp(v, -unit)), unit));
}

}  // namespace

std::optional<float> fitted_scale(double best, float s, const Grid& grid, ScaleStorage storage) {
  if (!std::isfinite(best) || best == 0) return std::nullopt;
  const float rounded = nearest_scale(best, scale_precision(storage));
  const bool usable = grid.takes_scale(rounded) && holds(storage, rounded) && grid.exact_in_binary32(rounded);
  if (!usable || !(std::fabs(rounded - best) < std::fabs(s - best))) return std::nullopt;
  return rounded;
}

ScaledGram::ScaledGram(MatrixRef<double> G) {
  for (Index j = 0; j < G.cols(); ++j)
    if (G(j, j) > 0) columns_.push_back(j);
  const Index n = std::ssize(columns_);
  diagonal_.resize(n);
  for (Index p = 0; p < n; ++p) diagonal_[p] = G(columns_[at(p)], columns_[at(p)]);
  data_.resize(at(count() * positions() * kStrip));
#pragma omp parallel for schedule(dynamic) if (n * n > 1 << 16)
  for (Index s = 0; s < count(); ++s) {
    float* to = &data_[at(s * positions() * kStrip)];
    for (Index k = 0; k < positions(); ++k)
      for (Index c = 0; c < kStrip; ++c, ++to) {
        const Index p = s * kStrip + c;
        *to =
            k >= n || p >= n || k == p ? 0.0F : static_cast<float>(G(columns_[at(k)], columns_[at(p)]) / diagonal_[p]);
      }
  }
}

namespace {

// kRows rows at most: [position][kRows] of weights, errors and codes.
struct RowBlock {
  Index first, rows;
  float *w, *e;
  Code* code;
  std::array<std::int32_t, at(kRows)> clipped{};
  Index sweeps = 0;
  bool changed = true;  // some code in the sweep under way
};

class Descending {
 public:
  Descending(const Target& target, ScaleStorage storage, const ScaledGram& gram, Descended& out)
      : target_(target), storage_(storage), gram_(gram), rounder_(target.grid), out_(out) {}

  Index size() const { return gram_.positions() * kRows; }

  void load(RowBlock& block, const Matrix<Code>& codes) const {
    std::array<Index, at(kRows)> rows{};
    std::iota(rows.begin(), rows.end(), block.first);
    load_errors(target_, rounder_, codes, std::span(rows).first(at(block.rows)), gram_.positions(), block.e);
    std::fill(block.w, block.w + size(), 0.0F);
    std::fill(block.code, block.code + size(), Code{0});
    for (std::size_t p = 0; p < target_.order.size(); ++p)
      for (Index r = 0; r < block.rows; ++r) {
        block.w[p * at(kRows) + at(r)] = target_.W(block.first + r, target_.order[p]);
        block.code[p * at(kRows) + at(r)] = codes(block.first + r, target_.order[p]);
      }
  }

  // Columns of one strip: the sums over all columns at once, then column by column with what has changed since.
  void sweep(RowBlock& block, Index strip) const {
    const Index begin = strip * kStrip, count = std::min(kStrip, std::ssize(target_.order) - begin);
    const float* scaled = gram_.strip(strip);
    alignas(64) std::array<float, at(kStrip * kRows)> sum{};
    alignas(64) LaneFloats s, t, e, moved;
    alignas(64) std::array<std::int32_t, at(kRows)> code, zero;
    accumulate_strip(block.e, scaled, gram_.positions(), sum.data(), kRows);
    Index group = -1;
    for (Index c = 0; c < count; ++c) {
      const Index p = begin + c, column = target_.order[at(p)];
      if (target_.steps.group(column) != group) {
        group = target_.steps.group(column);
        load_steps(block, column, s, zero);
      }
      const LanesSeen seen = rounder_.round(
          {block.w + p * kRows, &sum[at(c * kRows)], s.data(), zero.data(), t.data(), code.data(), e.data()});
      if (seen.last) rounder_.count_clipped(t.data(), s.data(), zero.data(), block.clipped.data());
      bool changed = false;
      for (std::size_t r = 0; r < at(kRows); ++r)
        changed |= static_cast<Code>(code[r]) != block.code[at(p * kRows) + r];
      if (!changed) continue;
      block.changed = true;
      for (std::size_t r = 0; r < at(kRows); ++r) {
        float& old = block.e[at(p * kRows) + r];
        moved[r] = e[r] - old;
        old = e[r];
        block.code[at(p * kRows) + r] = static_cast<Code>(code[r]);
      }
      accumulate_column(moved.data(), scaled + p * kStrip + c + 1, count - c - 1, &sum[at((c + 1) * kRows)]);
    }
  }

  // The sums of a refit over the columns of one strip, increasing: w G q and q G q, q = w - e.
  struct Fit {
    std::array<double, at(kRows)> wGq{}, qGq{};
  };
  void add_fit(const RowBlock& block, const float* q, Index strip, Fit& fit) const {
    const Index begin = strip * kStrip, count = std::min(kStrip, std::ssize(target_.order) - begin);
    alignas(64) std::array<float, at(kStrip * kRows)> sum{};
    accumulate_strip(q, gram_.strip(strip), gram_.positions(), sum.data(), kRows);
    for (Index c = 0; c < count; ++c)
      for (std::size_t r = 0; r < at(kRows); ++r) {
        const std::size_t k = at((begin + c) * kRows) + r;
        const double Gq = gram_.diagonal()[begin + c] * (static_cast<double>(sum[at(c * kRows) + r]) + q[k]);
        fit.wGq[r] += block.w[k] * Gq;
        fit.qGq[r] += q[k] * Gq;
      }
  }

  // The scale nearest to s* where it is strictly nearer than the one that is; errors follow. Whether one changed.
  bool refit(RowBlock& block, float* q, const Fit& fit) const {
    bool changed = false;
    alignas(64) LaneFloats before, after;
    before.fill(1);
    after.fill(1);
    for (Index r = 0; r < block.rows; ++r) {
      float& s = out_.steps.scales(block.first + r, 0);
      before[at(r)] = s;
      const double best = fit.qGq[at(r)] > 0 ? s * (fit.wGq[at(r)] / fit.qGq[at(r)]) : 0;
      if (const auto fitted = fitted_scale(best, s, target_.grid, storage_)) s = *fitted, changed = true;
      after[at(r)] = s;
    }
    for (std::size_t k = 0; changed && k < at(size()); k += at(kRows))
      for (std::size_t r = 0; r < at(kRows); ++r)  // q = s g exactly, and so is the quotient
        block.e[k + r] = std::fma(-after[r], q[k + r] / before[r], block.w[k + r]);
    return changed;
  }

  void points(const RowBlock& block, float* q) const {
    for (Index p = 0; p < gram_.positions(); ++p)
      for (Index r = 0; r < kRows; ++r) q[p * kRows + r] = 0;
    for (std::size_t p = 0; p < target_.order.size(); ++p)
      for (Index r = 0; r < block.rows; ++r) {
        const Step step = target_.steps.at(block.first + r, target_.order[p]);
        q[p * at(kRows) + at(r)] =
            static_cast<float>(step.scale * target_.grid.value(block.code[p * at(kRows) + at(r)], step.zero));
      }
  }

  void store(const RowBlock& block) const {
    for (std::size_t p = 0; p < target_.order.size(); ++p)
      for (Index r = 0; r < block.rows; ++r)
        out_.rounded.codes(block.first + r, target_.order[p]) = block.code[p * at(kRows) + at(r)];
    for (Index r = 0; r < block.rows; ++r) out_.rounded.clipped[at(block.first + r)] = block.clipped[at(r)];
  }

 private:
  void load_steps(const RowBlock& block, Index column, LaneFloats& s, std::array<std::int32_t, at(kRows)>& zero) const {
    s.fill(1);
    zero.fill(0);
    for (Index r = 0; r < block.rows; ++r) {
      s[at(r)] = target_.steps.scale(block.first + r, column);
      zero[at(r)] = target_.steps.zero(block.first + r, column);
    }
  }

  const Target& target_;
  ScaleStorage storage_;
  const ScaledGram& gram_;
  LaneRounder rounder_;
  Descended& out_;
};

}  // namespace

Descended descend(MatrixRef<float> W, const Grid& grid, ScaleStorage storage, const ScaledGram& gram,
                  const Matrix<Code>& codes, const Steps& steps, Index sweeps, bool fit) {
  Descended out{{codes, std::vector<Index>(at(W.rows()), 0)}, steps, 0};
  const Target target{W, grid, out.steps, gram.columns()};
  const Descending work(target, storage, gram, out);
  const RowGroups groups(W.rows(), kRows);
  const bool fits = fit && steps.scales.cols() == 1;
  Index most = 0;
#pragma omp parallel if (worth_threads(W.rows(), gram.positions())) reduction(max : most)
  {
    constexpr Index together_at_most = RowGroups::kTogether;
    Buffer<float> w(at(together_at_most * work.size())), e(w.size()), q(fits ? w.size() : 0);
    Buffer<Code> code(w.size());
#pragma omp for schedule(dynamic)
    for (Index group = 0; group < groups.count(); ++group) {
      std::vector<RowBlock> together;
      for (Index b = groups.first(group); b < groups.first(group + 1); ++b) {
        const Index offset = std::ssize(together) * work.size();
        together.push_back({b * kRows, std::min(kRows, W.rows() - b * kRows), w.data() + offset, e.data() + offset,
                            code.data() + offset});
        work.load(together.back(), codes);
      }
      for (Index n = 0; n < sweeps && !together.empty(); ++n) {
        for (RowBlock& block : together) block.changed = false, block.clipped.fill(0), ++block.sweeps;
        each_strip(gram.count(), kStripsTogether, together, [&](RowBlock& block, Index s) { work.sweep(block, s); });
        std::vector<Descending::Fit> sums(together.size());
        if (fits) {
          for (std::size_t b = 0; b < together.size(); ++b) work.points(together[b], q.data() + b * at(work.size()));
          each_strip(gram.count(), kStripsTogether, together, [&](RowBlock& block, Index s) {
            const auto b = at(&block - together.data());
            work.add_fit(block, q.data() + b * at(work.size()), s, sums[b]);
          });
        }
        std::vector<RowBlock> left;
        for (std::size_t b = 0; b < together.size(); ++b) {
          const bool moved = fits && work.refit(together[b], q.data() + b * at(work.size()), sums[b]);
          most = std::max(most, together[b].sweeps);
          if (moved || together[b].changed) left.push_back(together[b]);
          else work.store(together[b]);
        }
        together = std::move(left);
      }
      for (const RowBlock& block : together) work.store(block);
    }
  }
  round_left_out(target, out.rounded);
  out.sweeps = most;
  return out;
}

Proposal descended(const MethodInput& input, const ScaledGram& gram, const Proposal& start, Index sweeps) {
  const Target& target = input.target;
  Descended end = descend(target.W, target.grid, input.options.scale_storage, gram, start.rounded.codes,
                          start.steps ? *start.steps : target.steps, sweeps, input.options.scale_rule != given_scales);
  return {std::move(end.rounded), std::move(end.steps)};
}

bool sweep_ref(MatrixRef<float> W, const Grid& grid, const Steps& steps, const ScaledGram& gram, Matrix<Code>& codes,
               Index row) {
  const std::span<const Index> columns = gram.columns();
  std::vector<float> e(at(gram.positions()), 0.0F);
  const auto error = [&](std::size_t p) {
    const Step step = steps.at(row, columns[p]);
    return std::fma(-static_cast<float>(step.scale), static_cast<float>(grid.value(codes(row, columns[p]), step.zero)),
                    W(row, columns[p]));
  };
  for (std::size_t p = 0; p < columns.size(); ++p) e[p] = error(p);
  bool changed = false;
  for (Index strip = 0; strip < gram.count(); ++strip) {
    const float* scaled = gram.strip(strip);
    std::array<float, at(kStrip)> sum{};
    for (Index k = 0; k < gram.positions(); ++k)
      for (Index c = 0; c < kStrip; ++c) sum[at(c)] = std::fma(e[at(k)], scaled[k * kStrip + c], sum[at(c)]);
    for (Index c = 0; c < kStrip && strip * kStrip + c < std::ssize(columns); ++c) {
      const auto p = at(strip * kStrip + c);
      const Code code = grid.nearest(W(row, columns[p]) + sum[at(c)], steps.at(row, columns[p]));
      if (code == codes(row, columns[p])) continue;
      changed = true;
      codes(row, columns[p]) = code;
      const float moved = error(p) - e[p];
      e[p] = error(p);
      for (Index d = c + 1; d < kStrip; ++d)
        sum[at(d)] = std::fma(moved, scaled[static_cast<Index>(p) * kStrip + d], sum[at(d)]);
    }
  }
  return changed;
}

}  // namespace hallmark
