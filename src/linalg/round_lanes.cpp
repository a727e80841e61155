#include "linalg/round_lanes.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "format/extent.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "linalg/round_lanes.cpp"
#include "base/highway.hpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hallmark::HWY_NAMESPACE {

// What these do not do is left to plain code: RoundLanes says whether it did the step, the others how many entries they
// did.
#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
bool RoundLanes(const LaneRounder::Layout&, const Lanes&, LanesSeen&) { return false; }
bool CountClipped(const LaneRounder::Layout&, const float*, const float*, const std::int32_t*, std::int32_t*) {
  return false;
}
Index RoundRow(const LaneRounder::Layout&, const float*, float, std::int32_t, Index, Code*, bool&) { return 0; }
Index Errors(const LaneRounder::Layout&, const float*, const Code*, float, std::int32_t, Index, float*) { return 0; }
#else
namespace hn = hwy::HWY_NAMESPACE;
using F = hn::ScalableTag<float>;
using I = hn::RebindToSigned<F>;
constexpr F df{};
constexpr I di{};
using VF = hn::VFromD<F>;
using VI = hn::VFromD<I>;
using Kind = GridSpec::Kind;

// The magnitude of the point of a golden grid's word without sign.
HWY_INLINE VF GoldenPoint(const LaneRounder::Layout& layout, VI word) {
  const auto small = hn::Lt(word, hn::Set(di, layout.smallest_normal > 0 ? 1 << layout.fraction_bits : 0));
  const auto normal = hn::ShiftLeftSame(hn::Add(word, hn::Set(di, layout.rebias)), 23 - layout.fraction_bits);
  return hn::IfThenElse(hn::RebindMask(df, small), hn::Mul(hn::ConvertTo(df, word), hn::Set(df, layout.lowest)),
                        hn::BitCast(df, normal));
}

// With |u| >= 2^-100 the exact remainder is a multiple of 2^-149 (24 bits each in y and s), or u is 0.
HWY_INLINE bool AnyTiny(VF u) {
  return !hn::AllFalse(df, hn::And(hn::Lt(hn::Abs(u), hn::Set(df, 0x1p-100F)), hn::Ne(u, hn::Zero(df))));
}

// The signed point nearest to u / s and its code; `last` is set where the code is one of the grid's ends.
HWY_INLINE VF Nearest(const LaneRounder::Layout& layout, VF u, VF s, VI zero, VI& code, bool& last) {
  const auto none = hn::Zero(df);
  const int shift = 23 - layout.fraction_bits;
  const auto magnitude = hn::Abs(u), size = hn::Abs(s);
  const auto sign = hn::ShiftLeft<31>(hn::ShiftRight<31>(hn::BitCast(hn::RebindToUnsigned<F>(), hn::Xor(u, s))));
  const auto sign_i = hn::BitCast(di, sign);
  const auto sign_f = hn::BitCast(df, sign);
  const auto y = hn::Div(magnitude, size);
  const auto remainder = hn::NegMulAdd(y, size, magnitude);
  auto bits = hn::BitCast(di, y);
  const auto one = hn::Set(di, 1);
  bits = hn::Sub(bits, hn::IfThenElseZero(hn::RebindMask(di, hn::Lt(remainder, none)), one));
  bits = hn::Or(bits, hn::IfThenElseZero(hn::RebindMask(di, hn::Ne(remainder, none)), one));
  if (layout.kind == Kind::integer) {
    // 2^23 + y rounds y to an integer; above the end everything is clipped, so y is cut before it could pass 2^23.
    const auto magic = hn::Set(df, 0x1p23F);
    const auto cut = hn::Min(hn::BitCast(df, bits), hn::Set(df, 1024.0F));
    const auto k = hn::Sub(hn::BitCast(di, hn::Add(cut, magic)), hn::BitCast(di, magic));
    const auto ends_low = hn::Set(di, layout.first), ends_high = hn::Set(di, layout.last);
    const auto value = hn::IfThenElse(hn::Lt(sign_i, hn::Zero(di)), hn::Neg(k), k);
    code = hn::Min(hn::Max(hn::Add(value, zero), ends_low), ends_high);
    last |= !hn::AllFalse(di, hn::Or(hn::Eq(code, ends_high), hn::Eq(code, ends_low)));
    return hn::ConvertTo(df, hn::Sub(code, zero));
  }
  if (layout.kind == Kind::table) {
    const auto at = hn::Xor(hn::BitCast(df, bits), sign_f);
    auto point = hn::Set(df, layout.points[0]);
    auto index = hn::Zero(di);
    for (std::int32_t k = 0; k < layout.last; ++k) {
      const auto above = hn::Ge(at, hn::Set(df, layout.from[static_cast<std::size_t>(k)]));
      point = hn::IfThenElse(above, hn::Set(df, layout.points[static_cast<std::size_t>(k) + 1]), point);
      index = hn::Add(index, hn::IfThenElseZero(hn::RebindMask(di, above), one));
    }
    code = index;
    last |= !hn::AllFalse(di, hn::Or(hn::Eq(index, hn::Set(di, layout.last)), hn::Eq(index, hn::Zero(di))));
    return point;
  }
  const auto end = hn::Set(di, layout.last);
  const auto half = hn::Set(di, (1 << (shift - 1)) - 1);
  const auto odd = hn::And(hn::ShiftRightSame(bits, shift), one);
  const auto normal = hn::Sub(hn::ShiftRightSame(hn::Add(bits, hn::Add(half, odd)), shift), hn::Set(di, layout.rebias));
  const auto magic = hn::Set(df, layout.magic);
  const auto subnormal = hn::Sub(hn::BitCast(di, hn::Add(hn::BitCast(df, bits), magic)), hn::BitCast(di, magic));
  const auto is_small = hn::RebindMask(di, hn::Lt(hn::BitCast(df, bits), hn::Set(df, layout.smallest_normal)));
  const auto k = hn::Min(hn::IfThenElse(is_small, subnormal, normal), end);
  last |= !hn::AllFalse(di, hn::Eq(k, end));
  code = hn::Or(k, hn::BitCast(di, hn::ShiftRightSame(sign, layout.sign_shift)));
  return hn::Xor(GoldenPoint(layout, k), sign_f);
}

bool RoundLanes(const LaneRounder::Layout& layout, const Lanes& lanes, LanesSeen& seen) {
  const auto n = static_cast<Index>(hn::Lanes(df));
  for (Index i = 0; i < kLanes<float>; i += n) {
    const auto w = hn::LoadU(df, lanes.w + i), s = hn::LoadU(df, lanes.s + i);
    const auto u = hn::Add(w, hn::LoadU(df, lanes.r + i));
    if (AnyTiny(u)) return false;
    seen.infinite |= !hn::AllTrue(df, hn::Lt(hn::Abs(u), hn::Set(df, std::numeric_limits<float>::infinity())));
    auto code = hn::Zero(di);
    const auto point = Nearest(layout, u, s, hn::LoadU(di, lanes.zero + i), code, seen.last);
    hn::StoreU(u, df, lanes.u + i);
    hn::StoreU(code, di, lanes.code + i);
    hn::StoreU(hn::NegMulAdd(s, point, w), df, lanes.e + i);
  }
  return true;
}

// fl(s end - u) has the sign of the exact number: one that is small beside u is a multiple of 2^-137, and beside u = 0
// an end on its own side of 0 cannot change sides.
bool CountClipped(const LaneRounder::Layout& layout, const float* u, const float* s, const std::int32_t* zero,
                  std::int32_t* counts) {
  const auto n = static_cast<Index>(hn::Lanes(df));
  const bool integer = layout.kind == Kind::integer;
  const float first = integer ? static_cast<float>(layout.first) - 0.5F : layout.points[0],
              last = integer ? static_cast<float>(layout.last) + 0.5F
                             : layout.points[static_cast<std::size_t>(layout.last) % layout.points.size()];
  if (layout.kind == Kind::golden || first > 0 || last < 0) return false;
  for (Index i = 0; i < kLanes<float>; i += n)
    if (AnyTiny(hn::LoadU(df, u + i))) return false;
  for (Index i = 0; i < kLanes<float>; i += n) {
    const auto scale = hn::LoadU(df, s + i), size = hn::Abs(scale), none = hn::Zero(df);
    const auto x = hn::LoadU(df, u + i), y = hn::IfThenElse(hn::Lt(scale, none), hn::Neg(x), x);
    const auto at = hn::ConvertTo(df, hn::LoadU(di, zero + i));  // 0 without zero points
    const auto low = hn::Sub(hn::Set(df, first), at), high = hn::Sub(hn::Set(df, last), at);
    const auto inside = hn::And(hn::Le(hn::MulSub(size, low, y), none), hn::Ge(hn::MulSub(size, high, y), none));
    const auto outside = hn::IfThenZeroElse(hn::RebindMask(di, inside), hn::Set(di, 1));
    hn::StoreU(hn::Add(hn::LoadU(di, counts + i), outside), di, counts + i);
  }
  return true;
}

Index RoundRow(const LaneRounder::Layout& layout, const float* HWY_RESTRICT w, float scale, std::int32_t zero_point,
               Index count, Code* HWY_RESTRICT codes, bool& last) {
  const auto n = static_cast<Index>(hn::Lanes(df));
  const auto s = hn::Set(df, scale);
  const auto zero = hn::Set(di, zero_point);
  Index i = 0;
  for (; i + n <= count; i += n) {
    const auto u = hn::Add(hn::LoadU(df, w + i), hn::Zero(df));
    if (AnyTiny(u)) return i;
    auto code = hn::Zero(di);
    Nearest(layout, u, s, zero, code, last);
    hn::StoreU(hn::TruncateTo(hn::Rebind<Code, F>(), hn::BitCast(hn::RebindToUnsigned<F>(), code)),
               hn::Rebind<Code, F>(), codes + i);
  }
  return i;
}

Index Errors(const LaneRounder::Layout& layout, const float* HWY_RESTRICT w, const Code* HWY_RESTRICT codes,
             float scale, std::int32_t zero_point, Index count, float* HWY_RESTRICT e) {
  const hn::Rebind<Code, F> dc;
  const hn::RebindToSigned<decltype(dc)> ds;
  const auto n = static_cast<Index>(hn::Lanes(df));
  const auto s = hn::Set(df, scale);
  const auto zero = hn::Set(di, zero_point);
  Index i = 0;
  for (; i + n <= count; i += n) {
    const auto code = hn::LoadU(dc, codes + i);
    auto point = hn::Zero(df);
    if (layout.kind == Kind::integer) {
      point = hn::ConvertTo(df, hn::Sub(hn::PromoteTo(di, hn::BitCast(ds, code)), zero));
    } else if (layout.kind == Kind::table) {
      const auto index = hn::PromoteTo(di, code);
      point = hn::Set(df, layout.points[0]);
      for (std::int32_t k = 1; k <= layout.last; ++k)
        point = hn::IfThenElse(hn::RebindMask(df, hn::Gt(index, hn::Set(di, k - 1))),
                               hn::Set(df, layout.points[static_cast<std::size_t>(k)]), point);
    } else {
      const auto wide = hn::PromoteTo(di, code);
      const auto word = hn::And(wide, hn::Set(di, (1 << (31 - layout.sign_shift)) - 1));
      const auto sign = hn::ShiftLeftSame(hn::Sub(wide, word), layout.sign_shift);
      point = hn::Or(GoldenPoint(layout, word), hn::BitCast(df, sign));
    }
    hn::StoreU(hn::NegMulAdd(s, point, hn::LoadU(df, w + i)), df, e + i);
  }
  return i;
}
#endif

}  // namespace hallmark::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hallmark {

HWY_EXPORT(RoundLanes);
HWY_EXPORT(CountClipped);
HWY_EXPORT(RoundRow);
HWY_EXPORT(Errors);

LaneRounder::LaneRounder(const Grid& grid) : grid_(grid) {
  const GridSpec& spec = grid.spec();
  layout_.kind = spec.kind;
  switch (spec.kind) {
    case GridSpec::Kind::integer:
      layout_.first = spec.first;
      layout_.last = spec.last;
      vector_ = true;
      return;
    case GridSpec::Kind::table: vector_ = lay_out_table(); return;
    case GridSpec::Kind::golden: break;
  }
  const int E = spec.exponent_bits, M = spec.fraction_bits, bias = (1 << (E - 1)) - 1;
  layout_.last = ((((1 << E) - 1) << M) - 1);
  layout_.fraction_bits = M;
  layout_.sign_shift = 31 - (E + M);
  layout_.rebias = (127 - bias) << M;
  if (E < 8) {
    layout_.smallest_normal = std::ldexp(1.0F, 1 - bias);
    layout_.magic = std::ldexp(1.0F, spec.lowest_bit + 23);
    layout_.lowest = std::ldexp(1.0F, spec.lowest_bit);
  }
  vector_ = true;
}

// Whether the vector form serves: few points, and midpoints of at most 23 bits, which a nudged quotient never equals.
bool LaneRounder::lay_out_table() {
  const std::vector<float>& points = grid_.spec().points;
  if (points.size() > layout_.points.size() || grid_.spec().lowest_bit < -100) return false;
  layout_.last = static_cast<std::int32_t>(points.size()) - 1;
  std::copy(points.begin(), points.end(), layout_.points.begin());
  for (std::size_t k = 0; k + 1 < points.size(); ++k) {
    const double middle = (static_cast<double>(points[k]) + points[k + 1]) / 2;
    const auto narrow = static_cast<float>(middle);
    if (narrow != middle || extent_of(narrow).significant > 23) return false;
    // On the midpoint itself the even index is taken.
    layout_.from[k] = k % 2 == 0 ? std::nextafter(narrow, std::numeric_limits<float>::infinity()) : narrow;
  }
  return true;
}

LanesSeen LaneRounder::round(const Lanes& lanes) const {
  LanesSeen seen;
  return vector_ && HWY_DYNAMIC_DISPATCH(RoundLanes)(layout_, lanes, seen) ? seen : round_ref(lanes);
}

LanesSeen LaneRounder::round_ref(const Lanes& lanes) const {
  LanesSeen seen{false, true};
  for (Index r = 0; r < kLanes<float>; ++r) {
    const float u = lanes.u[r] = lanes.w[r] + lanes.r[r];
    seen.infinite |= !std::isfinite(u);
    const Code code = grid_.nearest(u, {lanes.s[r], lanes.zero[r]});
    lanes.code[r] = grid_.is_integer() ? static_cast<std::int16_t>(code) : code;
    lanes.e[r] = std::fma(-lanes.s[r], static_cast<float>(grid_.value(code, lanes.zero[r])), lanes.w[r]);
  }
  return seen;
}

void LaneRounder::count_clipped(const float* u, const float* s, const std::int32_t* zero, std::int32_t* counts) const {
  if (vector_ && HWY_DYNAMIC_DISPATCH(CountClipped)(layout_, u, s, zero, counts)) return;
  for (Index r = 0; r < kLanes<float>; ++r) counts[r] += grid_.clipped(u[r], {s[r], zero[r]});
}

Index LaneRounder::round_row(const float* w, Step step, Index count, Code* codes) const {
  constexpr Index kTogether = 256, kFew = 16;  // plain: the rest of a row, or a vector with a tiny weight
  const auto s = static_cast<float>(step.scale);
  Index clipped = 0, end = 0;
  for (Index i = 0; i < count;) {
    bool last = false;
    end = vector_ ? i + HWY_DYNAMIC_DISPATCH(RoundRow)(layout_, w + i, s, step.zero, std::min(kTogether, count - i),
                                                       codes + i, last)
                  : i;
    if (last) clipped += std::count_if(w + i, w + end, [&](float x) { return grid_.clipped(x, step); });
    if (end < std::min(i + kTogether, count))
      for (i = end, end = std::min(count, end + kFew); i < end; ++i) {
        codes[i] = grid_.nearest(w[i] + 0.0F, step);
        clipped += grid_.clipped(w[i], step);
      }
    i = end;
  }
  return clipped;
}

void LaneRounder::errors(const float* w, const Code* codes, Step step, Index count, float* e) const {
  const auto s = static_cast<float>(step.scale);
  Index done = vector_ ? HWY_DYNAMIC_DISPATCH(Errors)(layout_, w, codes, s, step.zero, count, e) : 0;
  for (; done < count; ++done) e[done] = std::fma(-s, static_cast<float>(grid_.value(codes[done], step.zero)), w[done]);
}

}  // namespace hallmark
#endif
