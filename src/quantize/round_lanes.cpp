#include "quantize/round_lanes.hpp"

#include <bit>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quantize/round_lanes.cpp"
#include "base/highway.hpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hallmark::HWY_NAMESPACE {

// Rounds all lanes and returns true, or returns false and leaves them to the plain twin. `top` is set when a code is the
// grid's last one, where clipping has to be looked at.
#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
bool RoundLanes(const LaneRounder::Layout&, Lanes&, bool&) { return false; }
#else
namespace hn = hwy::HWY_NAMESPACE;

bool RoundLanes(const LaneRounder::Layout& layout, Lanes& lanes, bool& top) {
  const hn::ScalableTag<float> df;
  const hn::RebindToSigned<decltype(df)> di;
  const auto n = hn::Lanes(df);
  const auto zero = hn::Zero(df);
  // With |u| >= 2^-100 the exact remainder is a multiple of 2^-149 (24 bits each in y and s), or u is 0.
  const auto tiny = hn::Set(df, 0x1p-100F);
  const auto last = hn::Set(di, layout.last);
  const int shift = 23 - layout.fraction_bits;
  for (std::size_t i = 0; i < static_cast<std::size_t>(kLanes<float>); i += n) {
    const auto u = hn::Load(df, &lanes.u[i]), s = hn::Load(df, &lanes.s[i]), w = hn::Load(df, &lanes.w[i]);
    const auto magnitude = hn::Abs(u);
    if (!hn::AllFalse(df, hn::And(hn::Lt(magnitude, tiny), hn::Ne(u, zero)))) return false;
    const auto sign = hn::ShiftLeft<31>(hn::ShiftRight<31>(hn::BitCast(hn::RebindToUnsigned<decltype(df)>(), u)));
    const auto sign_i = hn::BitCast(di, sign);
    const auto y = hn::Div(magnitude, s);
    const auto remainder = hn::NegMulAdd(y, s, magnitude);
    auto bits = hn::BitCast(di, y);
    const auto one = hn::Set(di, 1);
    bits = hn::Sub(bits, hn::IfThenElseZero(hn::RebindMask(di, hn::Lt(remainder, zero)), one));
    bits = hn::Or(bits, hn::IfThenElseZero(hn::RebindMask(di, hn::Ne(remainder, zero)), one));
    auto code = bits;
    auto point = zero;
    if (layout.integer) {
      // 2^23 + y rounds y to an integer; above `last` everything is clipped, so y is cut before it could pass 2^23.
      const auto magic = hn::Set(df, 0x1p23F);
      const auto cut = hn::Min(hn::BitCast(df, bits), hn::Set(df, 1024.0F));
      code = hn::Min(hn::Sub(hn::BitCast(di, hn::Add(cut, magic)), hn::BitCast(di, magic)), last);
      point = hn::ConvertTo(df, code);
      top |= !hn::AllFalse(di, hn::Eq(code, last));
      const auto negative = hn::Lt(sign_i, hn::Zero(di));
      hn::Store(hn::IfThenElse(negative, hn::Neg(code), code), di, &lanes.code[i]);
    } else {
      const auto half = hn::Set(di, (1 << (shift - 1)) - 1);
      const auto odd = hn::And(hn::ShiftRightSame(bits, shift), one);
      const auto normal = hn::Sub(hn::ShiftRightSame(hn::Add(bits, hn::Add(half, odd)), shift), hn::Set(di, layout.rebias));
      const auto magic = hn::Set(df, layout.magic);
      const auto subnormal = hn::Sub(hn::BitCast(di, hn::Add(hn::BitCast(df, bits), magic)), hn::BitCast(di, magic));
      const auto is_small = hn::RebindMask(di, hn::Lt(hn::BitCast(df, bits), hn::Set(df, layout.smallest_normal)));
      code = hn::Min(hn::IfThenElse(is_small, subnormal, normal), last);
      top |= !hn::AllFalse(di, hn::Eq(code, last));
      const auto code_small = hn::Lt(code, hn::Set(di, layout.smallest_normal > 0 ? 1 << layout.fraction_bits : 0));
      point = hn::IfThenElse(hn::RebindMask(df, code_small), hn::Mul(hn::ConvertTo(df, code), hn::Set(df, layout.lowest)),
                             hn::BitCast(df, hn::ShiftLeftSame(hn::Add(code, hn::Set(di, layout.rebias)), shift)));
      const auto word_sign = hn::ShiftRightSame(sign, layout.sign_shift);
      hn::Store(hn::Or(code, hn::BitCast(di, word_sign)), di, &lanes.code[i]);
    }
    const auto signed_point = hn::Xor(point, hn::BitCast(df, sign_i));
    hn::Store(hn::NegMulAdd(s, signed_point, w), df, &lanes.e[i]);
  }
  return true;
}
#endif

}  // namespace hallmark::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hallmark {

HWY_EXPORT(RoundLanes);

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
                                std::countr_zero(static_cast<std::uint64_t>(std::ldexp(mantissa, 53)))) - 1;
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

void LaneRounder::round(Lanes& lanes) const {
  bool top = false;
  if (!vector_ || !HWY_DYNAMIC_DISPATCH(RoundLanes)(layout_, lanes, top)) {
    round_ref(lanes);
    return;
  }
  lanes.clipped.fill(0);
  if (!top) return;
  for (std::size_t r = 0; r < lanes.u.size(); ++r) lanes.clipped[r] = grid_.clipped(lanes.u[r], lanes.s[r]);
}

void LaneRounder::round_ref(Lanes& lanes) const {
  for (std::size_t r = 0; r < lanes.u.size(); ++r) {
    const double u = lanes.u[r], s = lanes.s[r];
    const Code code = grid_.nearest(u, s);
    lanes.code[r] = grid_.is_integer() ? static_cast<std::int16_t>(code) : code;
    lanes.clipped[r] = grid_.clipped(u, s);
    lanes.e[r] = std::fma(-lanes.s[r], static_cast<float>(grid_.value(code)), lanes.w[r]);
  }
}

}  // namespace hallmark
#endif
