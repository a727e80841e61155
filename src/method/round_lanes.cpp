#include "method/round_lanes.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "method/round_lanes.cpp"
#include "base/highway.hpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hallmark::HWY_NAMESPACE {

// What these do not do is left to plain code: RoundLanes says whether it did the step, the others how many entries they
// did.
#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
bool RoundLanes(const LaneRounder::Layout&, const Lanes&, LanesSeen&) { return false; }
Index RoundRow(const LaneRounder::Layout&, const float*, float, Index, Code*, bool&) { return 0; }
Index Errors(const LaneRounder::Layout&, const float*, const Code*, float, Index, float*) { return 0; }
#else
namespace hn = hwy::HWY_NAMESPACE;
using F = hn::ScalableTag<float>;
using I = hn::RebindToSigned<F>;
constexpr F df{};
constexpr I di{};
using VF = hn::VFromD<F>;
using VI = hn::VFromD<I>;

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

// The point nearest to u / s and its code; `last` is set where the code is the grid's last one.
HWY_INLINE VF Nearest(const LaneRounder::Layout& layout, VF u, VF s, VI& code, bool& last) {
  const auto zero = hn::Zero(df);
  const auto end = hn::Set(di, layout.last);
  const int shift = 23 - layout.fraction_bits;
  const auto magnitude = hn::Abs(u);
  const auto sign = hn::ShiftLeft<31>(hn::ShiftRight<31>(hn::BitCast(hn::RebindToUnsigned<F>(), u)));
  const auto sign_i = hn::BitCast(di, sign);
  const auto y = hn::Div(magnitude, s);
  const auto remainder = hn::NegMulAdd(y, s, magnitude);
  auto bits = hn::BitCast(di, y);
  const auto one = hn::Set(di, 1);
  bits = hn::Sub(bits, hn::IfThenElseZero(hn::RebindMask(di, hn::Lt(remainder, zero)), one));
  bits = hn::Or(bits, hn::IfThenElseZero(hn::RebindMask(di, hn::Ne(remainder, zero)), one));
  auto point = zero;
  if (layout.integer) {
    // 2^23 + y rounds y to an integer; above the end everything is clipped, so y is cut before it could pass 2^23.
    const auto magic = hn::Set(df, 0x1p23F);
    const auto cut = hn::Min(hn::BitCast(df, bits), hn::Set(df, 1024.0F));
    const auto k = hn::Min(hn::Sub(hn::BitCast(di, hn::Add(cut, magic)), hn::BitCast(di, magic)), end);
    last |= !hn::AllFalse(di, hn::Eq(k, end));
    point = hn::ConvertTo(df, k);
    code = hn::IfThenElse(hn::Lt(sign_i, hn::Zero(di)), hn::Neg(k), k);
  } else {
    const auto half = hn::Set(di, (1 << (shift - 1)) - 1);
    const auto odd = hn::And(hn::ShiftRightSame(bits, shift), one);
    const auto normal =
        hn::Sub(hn::ShiftRightSame(hn::Add(bits, hn::Add(half, odd)), shift), hn::Set(di, layout.rebias));
    const auto magic = hn::Set(df, layout.magic);
    const auto subnormal = hn::Sub(hn::BitCast(di, hn::Add(hn::BitCast(df, bits), magic)), hn::BitCast(di, magic));
    const auto is_small = hn::RebindMask(di, hn::Lt(hn::BitCast(df, bits), hn::Set(df, layout.smallest_normal)));
    const auto k = hn::Min(hn::IfThenElse(is_small, subnormal, normal), end);
    last |= !hn::AllFalse(di, hn::Eq(k, end));
    point = GoldenPoint(layout, k);
    code = hn::Or(k, hn::BitCast(di, hn::ShiftRightSame(sign, layout.sign_shift)));
  }
  return hn::Xor(point, hn::BitCast(df, sign_i));
}

bool RoundLanes(const LaneRounder::Layout& layout, const Lanes& lanes, LanesSeen& seen) {
  const auto n = static_cast<Index>(hn::Lanes(df));
  for (Index i = 0; i < kLanes<float>; i += n) {
    const auto w = hn::LoadU(df, lanes.w + i), s = hn::LoadU(df, lanes.s + i);
    const auto u = hn::Add(w, hn::LoadU(df, lanes.r + i));
    if (AnyTiny(u)) return false;
    seen.infinite |= !hn::AllTrue(df, hn::Lt(hn::Abs(u), hn::Set(df, std::numeric_limits<float>::infinity())));
    auto code = hn::Zero(di);
    const auto point = Nearest(layout, u, s, code, seen.last);
    hn::StoreU(u, df, lanes.u + i);
    hn::StoreU(code, di, lanes.code + i);
    hn::StoreU(hn::NegMulAdd(s, point, w), df, lanes.e + i);
  }
  return true;
}

Index RoundRow(const LaneRounder::Layout& layout, const float* HWY_RESTRICT w, float scale, Index count,
               Code* HWY_RESTRICT codes, bool& last) {
  const auto n = static_cast<Index>(hn::Lanes(df));
  const auto s = hn::Set(df, scale);
  Index i = 0;
  for (; i + n <= count; i += n) {
    const auto u = hn::Add(hn::LoadU(df, w + i), hn::Zero(df));
    if (AnyTiny(u)) return i;
    auto code = hn::Zero(di);
    Nearest(layout, u, s, code, last);
    hn::StoreU(hn::TruncateTo(hn::Rebind<Code, F>(), hn::BitCast(hn::RebindToUnsigned<F>(), code)),
               hn::Rebind<Code, F>(), codes + i);
  }
  return i;
}

Index Errors(const LaneRounder::Layout& layout, const float* HWY_RESTRICT w, const Code* HWY_RESTRICT codes,
             float scale, Index count, float* HWY_RESTRICT e) {
  const hn::Rebind<Code, F> dc;
  const hn::RebindToSigned<decltype(dc)> ds;
  const auto n = static_cast<Index>(hn::Lanes(df));
  const auto s = hn::Set(df, scale);
  Index i = 0;
  for (; i + n <= count; i += n) {
    const auto code = hn::LoadU(dc, codes + i);
    auto point = hn::ConvertTo(df, hn::PromoteTo(di, hn::BitCast(ds, code)));
    if (!layout.integer) {
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
HWY_EXPORT(RoundRow);
HWY_EXPORT(Errors);

LaneRounder::LaneRounder(const Grid& grid) : grid_(grid) {
  vector_ = grid.is_golden() || grid.is_integer();
  if (!vector_) return;
  layout_.integer = grid.is_integer();
  if (layout_.integer) {
    layout_.last = static_cast<std::int32_t>(grid.max_value());
    return;
  }
  // max_value = (2^(M+1) - 1) 2^k has M + 1 significant bits.
  int exponent = 0;
  const double mantissa = std::frexp(grid.max_value(), &exponent);
  const int M = std::countr_one(static_cast<std::uint64_t>(std::ldexp(mantissa, 53)) >>
                                std::countr_zero(static_cast<std::uint64_t>(std::ldexp(mantissa, 53)))) -
                1;
  const int E = grid.bits() - 1 - M, bias = (1 << (E - 1)) - 1, lowest_bit = 1 - bias - M;
  layout_.last = ((((1 << E) - 1) << M) - 1);
  layout_.fraction_bits = M;
  layout_.sign_shift = 31 - (E + M);
  layout_.rebias = (127 - bias) << M;
  if (E < 8) {
    layout_.smallest_normal = std::ldexp(1.0F, 1 - bias);
    layout_.magic = std::ldexp(1.0F, lowest_bit + 23);
    layout_.lowest = std::ldexp(1.0F, lowest_bit);
  }
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
    const Code code = grid_.nearest(u, lanes.s[r]);
    lanes.code[r] = grid_.is_integer() ? static_cast<std::int16_t>(code) : code;
    lanes.e[r] = std::fma(-lanes.s[r], static_cast<float>(grid_.value(code)), lanes.w[r]);
  }
  return seen;
}

Index LaneRounder::round_row(const float* w, float s, Index count, Code* codes) const {
  constexpr Index kTogether = 256, kFew = 16;  // plain: the rest of a row, or a vector with a tiny weight
  Index clipped = 0, end = 0;
  for (Index i = 0; i < count;) {
    bool last = false;
    end = vector_
              ? i + HWY_DYNAMIC_DISPATCH(RoundRow)(layout_, w + i, s, std::min(kTogether, count - i), codes + i, last)
              : i;
    if (last) clipped += std::count_if(w + i, w + end, [&](float x) { return grid_.clipped(x, s); });
    if (end < std::min(i + kTogether, count))
      for (i = end, end = std::min(count, end + kFew); i < end; ++i) {
        codes[i] = grid_.nearest(w[i] + 0.0F, s);
        clipped += grid_.clipped(w[i], s);
      }
    i = end;
  }
  return clipped;
}

void LaneRounder::errors(const float* w, const Code* codes, float s, Index count, float* e) const {
  Index done = vector_ ? HWY_DYNAMIC_DISPATCH(Errors)(layout_, w, codes, s, count, e) : 0;
  for (; done < count; ++done) e[done] = std::fma(-s, static_cast<float>(grid_.value(codes[done])), w[done]);
}

}  // namespace hallmark
#endif
