#include "method/code_rates.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "method/code_rates.cpp"
#include "base/highway.hpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef HALLMARK_METHOD_CODE_RATES_TABLE
#define HALLMARK_METHOD_CODE_RATES_TABLE
namespace hallmark {

// What the kernel reads of a grid and its costs.
struct RatedCodes {
  std::span<const std::int32_t> codes;
  const float *points, *below, *none, *above;  // points: null where each row has its zero point
};

}  // namespace hallmark
#endif

HWY_BEFORE_NAMESPACE();
namespace hallmark::HWY_NAMESPACE {

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
bool ChooseCodes(const RatedCodes&, float, float, const RoundedColumn&) { return false; }
#else
namespace hn = hwy::HWY_NAMESPACE;

bool ChooseCodes(const RatedCodes& rated, float weight, float unit, const RoundedColumn& column) {
  using F = hn::ScalableTag<float>;
  constexpr F df{};
  constexpr hn::RebindToSigned<F> di{};
  const auto n = static_cast<Index>(hn::Lanes(df));
  const auto d = hn::Set(df, weight), none = hn::Zero(df);
  for (Index i = 0; i < kLanes<float>; i += n) {
    const auto s = hn::LoadU(df, column.s + i);
    const auto scale = hn::Mul(s, hn::Set(df, unit)), u = hn::Mul(hn::LoadU(df, column.u + i), hn::Set(df, unit));
    const auto nearest = hn::LoadU(di, column.code + i), zero = hn::LoadU(di, column.zero + i),
               before = hn::LoadU(di, column.memory + i);
    const auto below = hn::RebindMask(df, hn::Lt(before, hn::Zero(di))),
               above = hn::RebindMask(df, hn::Gt(before, hn::Zero(di)));
    auto least = hn::Set(df, std::numeric_limits<float>::infinity()), point = none;
    auto chosen = nearest;
    for (std::size_t k = 0; k < rated.codes.size(); ++k) {
      const auto code = hn::Set(di, rated.codes[k]);
      const auto g = rated.points ? hn::Set(df, rated.points[k]) : hn::ConvertTo(df, hn::Sub(code, zero));
      const auto bits = hn::IfThenElse(below, hn::Set(df, rated.below[k]),
                                       hn::IfThenElse(above, hn::Set(df, rated.above[k]), hn::Set(df, rated.none[k])));
      const auto r = hn::NegMulAdd(scale, g, u);
      const auto cost = hn::Add(hn::Mul(hn::Mul(d, r), r), bits);
      const auto tie = hn::And(hn::Eq(cost, least), hn::RebindMask(df, hn::Eq(code, nearest)));
      const auto better = hn::Or(hn::Lt(cost, least), tie);
      least = hn::IfThenElse(better, cost, least);
      point = hn::IfThenElse(better, g, point);
      chosen = hn::IfThenElse(hn::RebindMask(di, better), code, chosen);
    }
    const auto one = hn::Set(di, 1);
    hn::StoreU(chosen, di, column.code + i);
    hn::StoreU(hn::NegMulAdd(s, point, hn::LoadU(df, column.w + i)), df, column.e + i);
    hn::StoreU(hn::Sub(hn::IfThenElseZero(hn::RebindMask(di, hn::Gt(point, none)), one),
                       hn::IfThenElseZero(hn::RebindMask(di, hn::Lt(point, none)), one)),
               di, column.memory + i);
  }
  return true;
}
#endif

}  // namespace hallmark::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hallmark {

HWY_EXPORT(ChooseCodes);

namespace {

// log2 n in units of 2^-16, rounded down but for what squares of 32 bits lose: squaring doubles a logarithm.
std::int64_t log2_units(std::uint64_t n) {
  const auto whole = static_cast<int>(std::bit_width(n)) - 1;
  std::uint64_t x = whole <= 31 ? n << (31 - whole) : n >> (whole - 31);  // n / 2^whole in [1, 2), 31 bits behind
  std::int64_t units = whole;
  for (int bit = 0; bit < 16; ++bit) {
    x = (x * x) >> 31;
    const bool two = x >> 32 != 0;
    units = 2 * units + two;
    if (two) x >>= 1;
  }
  return units;
}

std::int32_t widened(const Grid& grid, Code code) { return grid.is_integer() ? static_cast<std::int16_t>(code) : code; }

// The mean s^2 over rows and groups that have a weight other than 0; 0 where none has.
double mean_square_step(const Target& target) {
  const Steps& steps = target.steps;
  const Index width = steps.group_size == 0 ? target.W.cols() : steps.group_size;
  double sum = 0, count = 0;
  for (Index i = 0; i < steps.scales.rows(); ++i)
    for (Index g = 0; g < steps.scales.cols(); ++g) {
      const Index first = g * width, size = std::min(width, target.W.cols() - first);
      if ((target.W.row(i).segment(first, size).array() == 0).all()) continue;
      const double s = steps.scales(i, g);
      sum += s * s;
      count += 1;
    }
  return count > 0 ? sum / count : 0;
}

}  // namespace

RatedUnits::RatedUnits(const Target& target, const Vector<double>& pivots, double rate) : d(pivots.size()) {
  double mean = 0;
  for (Index p = 0; p < pivots.size(); ++p) mean += pivots[p] / static_cast<double>(pivots.size());
  for (Index p = 0; p < pivots.size(); ++p) d[p] = static_cast<float>(pivots[p] / mean);
  const double square = mean_square_step(target);
  unit = square > 0 ? std::ldexp(1.0F, -std::ilogb(std::sqrt(square))) : 1.0F;
  mu = rate * square * unit * unit;
}

std::int64_t rate_units(std::uint64_t n, std::uint64_t N) { return log2_units(N) - log2_units(n); }

CodeRates::CodeRates(const Grid& grid) : grid_(grid) {
  std::vector<Code> codes;
  for (std::uint32_t code = 0; code <= std::numeric_limits<Code>::max(); ++code)
    if (grid.contains(static_cast<Code>(code))) codes.push_back(static_cast<Code>(code));
  std::ranges::stable_sort(codes, [&](Code a, Code b) { return grid.value(a) < grid.value(b); });
  for (const Code code : codes) {
    codes_.push_back(widened(grid, code));
    if (!grid.spec().zero_points) points_.push_back(static_cast<float>(grid.value(code)));
  }
  costs_.fill(std::vector<float>(codes_.size(), 0.0F));
}

void CodeRates::count(const Target& target, const Matrix<Code>& codes, double mu) {
  std::vector<std::size_t> place(std::size_t{1} << 16);
  for (std::size_t k = 0; k < codes_.size(); ++k) place[static_cast<Code>(codes_[k])] = k;
  std::array<std::vector<std::uint64_t>, kContexts> counts;
  counts.fill(std::vector<std::uint64_t>(codes_.size(), 1));
  std::array<std::uint64_t, kContexts> totals;
  totals.fill(codes_.size());
  for (Index i = 0; i < codes.rows(); ++i) {
    std::size_t context = context_after(0);
    for (const Index column : target.order) {
      const Code code = codes(i, column);
      ++counts[context][place[code]];
      ++totals[context];
      context = context_after(grid_.value(code, target.steps.zero(i, column)));
    }
  }
  for (std::size_t c = 0; c < kContexts; ++c)
    for (std::size_t k = 0; k < codes_.size(); ++k)
      costs_[c][k] = static_cast<float>(mu * (static_cast<double>(rate_units(counts[c][k], totals[c])) * 0x1p-16));
}

void CodeRates::choose(float d, float unit, const RoundedColumn& column) const {
  const RatedCodes rated{codes_, points_.empty() ? nullptr : points_.data(), costs_[0].data(), costs_[1].data(),
                         costs_[2].data()};
  if (!HWY_DYNAMIC_DISPATCH(ChooseCodes)(rated, d, unit, column)) choose_ref(d, unit, column);
}

void CodeRates::choose_ref(float d, float unit, const RoundedColumn& column) const {
  for (Index i = 0; i < kLanes<float>; ++i) {
    const float u = unit * column.u[i], scale = unit * column.s[i];
    const std::int32_t nearest = column.code[i];
    const std::vector<float>& bits = costs_[context_after(column.memory[i])];
    float least = std::numeric_limits<float>::infinity(), chosen = 0;
    for (std::size_t k = 0; k < codes_.size(); ++k) {
      const float g = point(k, column.zero[i]);
      const float r = std::fma(-scale, g, u), cost = d * r * r + bits[k];
      if (!(cost < least || (cost == least && codes_[k] == nearest))) continue;
      least = cost;
      chosen = g;
      column.code[i] = codes_[k];
    }
    column.e[i] = std::fma(-column.s[i], chosen, column.w[i]);
    column.memory[i] = static_cast<std::int32_t>(context_after(chosen)) - 1;
  }
}

}  // namespace hallmark
#endif
