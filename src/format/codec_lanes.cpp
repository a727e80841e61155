#include "base/error_numbers.hpp"
#include "format/codec_lanes.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>

#include <hwy/cache_control.h>

#include "base/simd.hpp"
#include "format/golden_float.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "format/codec_lanes.cpp"
#include "base/highway.hpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hallmark::HWY_NAMESPACE {

std::int64_t RunningTarget() { return HWY_TARGET; }

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR

void Encode(const float* values, std::uint16_t* words, std::size_t count, bool) {
  encode_gf16_ref({values, count}, {words, count});
}
void Decode(const std::uint16_t* words, float* values, std::size_t count, bool) {
  decode_gf16_ref({words, count}, {values, count});
}
float Largest(const float* x, std::size_t count) { return largest_magnitude_ref({x, count}); }

#else

namespace hn = hwy::HWY_NAMESPACE;
using F = hn::ScalableTag<float>;
using I = hn::RebindToSigned<F>;
using W = hn::Rebind<std::uint16_t, F>;  // half a vector of words
constexpr F kF{};
constexpr I kI{};
constexpr W kW{};

constexpr int kShift = 23 - GF16::fraction_bits;
constexpr std::int32_t kRebias = 127 - GF16::bias;  // of exponent fields
constexpr std::int32_t kInfinity = GF16::infinity;

// The words of one vector, widened. A normal result is binary32's pattern rounded at kShift (a carry into the exponent
// is what rounding up means) and rebased; a subnormal one is counted by adding 2^(emin_subnormal + 23), whose last
// place is GF16's smallest value.
HWY_INLINE hn::VFromD<I> EncodeLanes(hn::VFromD<F> x) {
  const auto bits = hn::BitCast(kI, x);
  const auto absolute = hn::And(bits, hn::Set(kI, 0x7FFF'FFFF));
  const auto odd = hn::And(hn::ShiftRight<kShift>(absolute), hn::Set(kI, 1));
  constexpr std::int32_t half = (1 << (kShift - 1)) - 1 - (kRebias << 23);  // modulo 2^32
  const auto normal = hn::ShiftRight<kShift>(hn::Add(hn::Add(absolute, odd), hn::Set(kI, half)));
  const auto magic = hn::Set(kF, std::bit_cast<float>((127 + GF16::emin_subnormal + 23) << 23));
  const auto subnormal = hn::Sub(hn::BitCast(kI, hn::Add(hn::BitCast(kF, absolute), magic)), hn::BitCast(kI, magic));
  const auto small = hn::Lt(absolute, hn::Set(kI, (kRebias + 1) << 23));
  const auto magnitude = hn::Min(hn::IfThenElse(small, subnormal, normal), hn::Set(kI, kInfinity));
  const auto sign = hn::And(hn::ShiftRight<16>(bits), hn::Set(kI, GF16::sign_bit));
  const auto nan = hn::Gt(absolute, hn::Set(kI, 0x7F80'0000));
  return hn::IfThenElse(nan, hn::Set(kI, GF16::nan), hn::Or(magnitude, sign));
}

// Infinities and NaN, which no file of weights holds, cost the others one comparison.
HWY_INLINE hn::VFromD<F> DecodeLanes(hn::VFromD<I> word) {
  const auto magnitude = hn::And(word, hn::Set(kI, GF16::sign_bit - 1));
  const auto normal = hn::Add(hn::ShiftLeft<kShift>(magnitude), hn::Set(kI, kRebias << 23));
  const auto smallest = hn::Set(kF, std::bit_cast<float>((127 + GF16::emin_subnormal) << 23));
  const auto subnormal = hn::BitCast(kI, hn::Mul(hn::ConvertTo(kF, magnitude), smallest));  // 9 bits: exact
  const auto finite = hn::IfThenElse(hn::Lt(magnitude, hn::Set(kI, 1 << GF16::fraction_bits)), subnormal, normal);
  auto value = hn::OrAnd(finite, hn::ShiftLeft<16>(word), hn::Set(kI, INT32_MIN));
  if (HWY_UNLIKELY(!hn::AllTrue(kI, hn::Lt(magnitude, hn::Set(kI, kInfinity))))) {
    // Infinity has fraction 0, so that filling the exponent with ones is all; NaN is canonical and has no sign.
    value = hn::IfThenElse(hn::Lt(magnitude, hn::Set(kI, kInfinity)), value, hn::Or(value, hn::Set(kI, 0x7F80'0000)));
    value = hn::IfThenElse(hn::Gt(magnitude, hn::Set(kI, kInfinity)), hn::Set(kI, 0x7FC0'0000), value);
  }
  return hn::BitCast(kF, value);
}

template <bool kStream, class D, class V>
HWY_INLINE void Put(V v, D d, hn::TFromD<D>* to) {
  if constexpr (kStream) hn::Stream(v, d, to);
  else hn::StoreU(v, d, to);
}

// 0 .. count - 1, two vectors of floats (one of words) at a time. `words` is aligned for kStream.
template <bool kStream>
void EncodeAll(const float* HWY_RESTRICT values, std::uint16_t* HWY_RESTRICT words, std::size_t count) {
  const hn::Repartition<std::uint16_t, F> full;
  const std::size_t n = hn::Lanes(kF);
  std::size_t i = 0;
  for (; i + 2 * n <= count; i += 2 * n) {
    const auto low = hn::DemoteTo(kW, EncodeLanes(hn::LoadU(kF, values + i)));
    const auto high = hn::DemoteTo(kW, EncodeLanes(hn::LoadU(kF, values + i + n)));
    Put<kStream>(hn::Combine(full, high, low), full, words + i);
  }
  encode_gf16_ref({values + i, count - i}, {words + i, count - i});
}

template <bool kStream>
void DecodeAll(const std::uint16_t* HWY_RESTRICT words, float* HWY_RESTRICT values, std::size_t count) {
  const std::size_t n = hn::Lanes(kF);
  std::size_t i = 0;
  for (; i + 2 * n <= count; i += 2 * n) {
    const auto low = DecodeLanes(hn::PromoteTo(kI, hn::LoadU(kW, words + i)));
    const auto high = DecodeLanes(hn::PromoteTo(kI, hn::LoadU(kW, words + i + n)));
    Put<kStream>(low, kF, values + i);
    Put<kStream>(high, kF, values + i + n);
  }
  decode_gf16_ref({words + i, count - i}, {values + i, count - i});
}

void Encode(const float* values, std::uint16_t* words, std::size_t count, bool stream) {
  stream ? EncodeAll<true>(values, words, count) : EncodeAll<false>(values, words, count);
  if (stream) hwy::FlushStream();
}
void Decode(const std::uint16_t* words, float* values, std::size_t count, bool stream) {
  stream ? DecodeAll<true>(words, values, count) : DecodeAll<false>(words, values, count);
  if (stream) hwy::FlushStream();
}

// Patterns without their sign order as magnitudes, NaN above infinity.
float Largest(const float* x, std::size_t count) {
  const std::size_t n = hn::Lanes(kF);
  const auto mask = hn::Set(kI, 0x7FFF'FFFF);
  auto a = hn::Zero(kI), b = a;
  std::size_t i = 0;
  for (; i + 2 * n <= count; i += 2 * n) {
    a = hn::Max(a, hn::And(hn::BitCast(kI, hn::LoadU(kF, x + i)), mask));
    b = hn::Max(b, hn::And(hn::BitCast(kI, hn::LoadU(kF, x + i + n)), mask));
  }
  const auto best = hn::GetLane(hn::MaxOfLanes(kI, hn::Max(a, b)));
  const auto rest = std::bit_cast<std::int32_t>(largest_magnitude_ref({x + i, count - i}));
  return std::bit_cast<float>(std::max(best, rest));
}

#endif

}  // namespace hallmark::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hallmark {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 16;  // elements that one thread converts at a time

// Outputs from this size on, which no second-level cache holds, are written past the caches: half the traffic of stores
// that first read what they overwrite.
constexpr std::size_t kStreamBytes = std::size_t{1} << 22;

template <class A, class B>
Status refuse(std::span<const A> input, std::span<B> output) {
  if (input.size() != output.size())
    return Error{Exit::internal, error_number::conversion_arrays, "input and output differ in length",
                 std::to_string(input.size()) + " and " + std::to_string(output.size()), "report this as a bug"};
  const auto in = reinterpret_cast<std::uintptr_t>(input.data()), out = reinterpret_cast<std::uintptr_t>(output.data());
  if (!input.empty() && in < out + output.size_bytes() && out < in + input.size_bytes())
    return Error{Exit::internal, error_number::conversion_arrays, "input and output overlap",
                 std::to_string(input.size()) + " elements", "convert into another array"};
  return ok();
}

// convert(input, output, count, stream) on blocks that start where `output` is aligned to a cache line.
template <class A, class B, class Convert>
void in_blocks(std::span<const A> input, std::span<B> output, Convert convert) {
  const std::size_t count = output.size();
  const std::size_t past = reinterpret_cast<std::uintptr_t>(output.data()) % 64;
  const bool stream = output.size_bytes() >= kStreamBytes && past % sizeof(B) == 0;
  const std::size_t head = std::min(count, past == 0 || !stream ? 0 : (64 - past) / sizeof(B));
  convert(input.data(), output.data(), head, false);
  const std::size_t blocks = (count - head + kBlock - 1) / kBlock;
#pragma omp parallel for schedule(static) if (blocks > 4)
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t first = head + b * kBlock;
    convert(input.data() + first, output.data() + first, std::min(kBlock, count - first), stream);
  }
}

}  // namespace

HWY_EXPORT(RunningTarget);
HWY_EXPORT(Encode);
HWY_EXPORT(Decode);
HWY_EXPORT(Largest);

Status encode_gf16(std::span<const float> values, std::span<std::uint16_t> words) {
  if (auto status = refuse(values, words); !status) return status;
  const auto convert = &HWY_DYNAMIC_DISPATCH(Encode);
  in_blocks(values, words, convert);
  return ok();
}

Status decode_gf16(std::span<const std::uint16_t> words, std::span<float> values) {
  if (auto status = refuse(words, values); !status) return status;
  const auto convert = &HWY_DYNAMIC_DISPATCH(Decode);
  in_blocks(words, values, convert);
  return ok();
}

float largest_magnitude(std::span<const float> x) { return HWY_DYNAMIC_DISPATCH(Largest)(x.data(), x.size()); }

std::string codec_target() { return simd_target_name(HWY_DYNAMIC_DISPATCH(RunningTarget)()); }

void encode_gf16_ref(std::span<const float> values, std::span<std::uint16_t> words) {
  for (std::size_t i = 0; i < values.size(); ++i) words[i] = GF16::encode(values[i]);
}

void decode_gf16_ref(std::span<const std::uint16_t> words, std::span<float> values) {
  for (std::size_t i = 0; i < words.size(); ++i) values[i] = GF16::decode(words[i]);
}

float largest_magnitude_ref(std::span<const float> x) {
  std::uint32_t largest = 0;
  for (const float v : x) largest = std::max(largest, std::bit_cast<std::uint32_t>(v) & 0x7FFF'FFFFu);
  return std::bit_cast<float>(largest);
}

}  // namespace hallmark
#endif
