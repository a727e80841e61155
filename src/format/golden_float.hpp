// The GoldenFloat family GF(E,M): words of 1 sign bit, E exponent bits and M fraction bits, after IEEE 754.
//
//      1     E bits        M bits
//    +---+-------------+------------+      e = 0          (-1)^s 2^(1-bias) (f / 2^M)        zero, subnormals
//    | s |      e      |     f      |      1 .. 2^E - 2   (-1)^s 2^(e-bias) (1 + f / 2^M)
//    +---+-------------+------------+      2^E - 1        infinity (f = 0), NaN (f > 0)
//
// Without its sign a word is an unsigned integer that grows with the value: word k + 1 is the next value after word k,
// through every change of binade and up to infinity. So a finite value is (significand) 2^quantum with the word
// (quantum - emin_subnormal) 2^M + significand, and a significand that rounding carried to 2^(M+1) needs no special
// case. GF16's own encode and decode are the text that Coq printed from the programs of T12; the program of the family,
// which serves all other members, is kept for GF16 too as an independent check. The definition for users is
// docs/spec-gf16.md.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <type_traits>

#include "contracts/generated/gf16_codec.hpp"

namespace hallmark {

namespace detail {

template <class Float>
struct Ieee;
template <>
struct Ieee<float> {
  using Bits = std::uint32_t;
  static constexpr int fraction_bits = 23, bias = 127;
};
template <>
struct Ieee<double> {
  using Bits = std::uint64_t;
  static constexpr int fraction_bits = 52, bias = 1023;
};

/// 2^n as a binary64 number, -1022 <= n <= 1023.
constexpr double power_of_two(int n) { return std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52); }

/// The word of |x| rounded to nearest, ties to even, in a format of fraction_bits fraction bits whose smallest positive
/// value is 2^emin_subnormal and whose exponents have no upper end. x: finite. Needs fraction_bits below the source's
/// and emin_subnormal + fraction_bits (the target's smallest normal exponent) not below the source's.
/// One shift decides everything: it drops the bits below the target's quantum.
template <class Float>
constexpr std::uint32_t round_to_word(Float x, int fraction_bits, int emin_subnormal) {
  using Source = Ieee<Float>;
  using Bits = typename Source::Bits;
  constexpr Bits hidden = Bits{1} << Source::fraction_bits;
  const Bits bits = std::bit_cast<Bits>(x) & ~(Bits{1} << (8 * sizeof(Bits) - 1));
  const int field = static_cast<int>(bits >> Source::fraction_bits);
  // |x| = significand 2^(exponent - source fraction bits); subnormals share the exponent of field 1.
  const Bits significand = (bits & (hidden - 1)) | (field != 0 ? hidden : 0);
  const int exponent = std::max(field, 1) - Source::bias;
  const int quantum = std::max(exponent - fraction_bits, emin_subnormal);
  const int shift = quantum - (exponent - Source::fraction_bits);
  if (shift > Source::fraction_bits + 1) return 0;  // |x| < 2^(emin_subnormal - 1): below the first midpoint
  const Bits half = Bits{1} << (shift - 1);
  const Bits rest = significand & (2 * half - 1);
  Bits kept = significand >> shift;
  kept += static_cast<Bits>(rest > half || (rest == half && (kept & 1) != 0));
  return (static_cast<std::uint32_t>(quantum - emin_subnormal) << fraction_bits) + static_cast<std::uint32_t>(kept);
}

}  // namespace detail

/// GF(E,M). All functions are integer programs on words, usable in constant expressions; none can fail.
template <int E, int M>
struct GoldenFloat {
  static_assert(2 <= E && E <= 8 && 1 <= M && 1 + E + M <= 16,
                "a word of at most 16 bits with an exponent range within binary32's");

  using Word = std::conditional_t<1 + E + M <= 8, std::uint8_t, std::uint16_t>;

  static constexpr int exponent_bits = E, fraction_bits = M;
  static constexpr bool printed = E == 6 && M == 9;  ///< Coq printed its codec
  static constexpr int bias = (1 << (E - 1)) - 1;
  static constexpr int precision = M + 1;              ///< significant bits of a normal value
  static constexpr int emax = 1 << (E - 1);            ///< every finite value is below 2^emax
  static constexpr int emin_subnormal = 1 - bias - M;  ///< the smallest positive value is 2^emin_subnormal
  static constexpr Word sign_bit = static_cast<Word>(1u << (E + M));
  static constexpr Word infinity = static_cast<Word>(((1u << E) - 1) << M);
  static constexpr Word max_finite = infinity - 1;  ///< the word of 2^emax - 2^(emax - precision)
  static constexpr Word nan = infinity + 1;         ///< the canonical NaN

  static constexpr Word magnitude(Word w) { return static_cast<Word>(w & (sign_bit - 1)); }
  static constexpr bool is_nan(Word w) { return magnitude(w) > infinity; }
  static constexpr bool is_infinite(Word w) { return magnitude(w) == infinity; }
  static constexpr bool is_finite(Word w) { return magnitude(w) < infinity; }
  static constexpr bool is_subnormal(Word w) { return magnitude(w) != 0 && magnitude(w) < (1u << M); }

  /// The word of x rounded to nearest, ties to even; beyond max_finite + half an ulp the infinity; -0 keeps its sign;
  /// every NaN becomes `nan`, its sign and payload dropped. binary64 is rounded once, not through binary32. T12.
  static constexpr Word encode(float x) {
    if constexpr (printed) return generated::gf16_encode32(std::bit_cast<std::uint32_t>(x));
    else return encode_family(x);
  }
  static constexpr Word encode(double x) {
    if constexpr (printed) return generated::gf16_encode64(std::bit_cast<std::uint64_t>(x));
    else return encode_family(x);
  }

  /// The value of w, exact: every value of GF(E,M) is one of binary32. NaN is 0x7FC00000. T12.
  static constexpr float decode(Word w) {
    if constexpr (printed) return std::bit_cast<float>(generated::gf16_decode32(w));
    else return decode_family(w);
  }

  /// encode and decode by the one program of the whole family.
  template <class Float>
  static constexpr Word encode_family(Float x) {
    using Source = detail::Ieee<Float>;
    using Bits = typename Source::Bits;
    constexpr Bits source_sign = Bits{1} << (8 * sizeof(Bits) - 1);
    constexpr Bits source_infinity = (source_sign - 1) & ~((Bits{1} << Source::fraction_bits) - 1);
    const Bits bits = std::bit_cast<Bits>(x);
    const Bits absolute = bits & ~source_sign;
    if (absolute > source_infinity) return nan;
    const std::uint32_t word = absolute == source_infinity ? infinity : detail::round_to_word(x, M, emin_subnormal);
    return static_cast<Word>(std::min<std::uint32_t>(word, infinity) | (bits != absolute ? sign_bit : 0u));
  }
  static constexpr float decode_family(Word w) {
    const std::uint32_t sign = w >= sign_bit ? 0x8000'0000u : 0u;
    const std::uint32_t m = magnitude(w);
    if (m > infinity) return std::bit_cast<float>(0x7FC0'0000u);
    if (m == infinity) return std::bit_cast<float>(sign | 0x7F80'0000u);
    const std::uint32_t field = m >> M, fraction = m & ((1u << M) - 1);
    std::uint32_t bits = 0;
    if (field != 0) {
      bits = (field + (127 - bias)) << 23 | fraction << (23 - M);
    } else if constexpr (E == 8) {
      bits = fraction << (23 - M);  // binary32's own exponent range: its subnormals
    } else if (fraction != 0) {
      const int top = static_cast<int>(std::bit_width(fraction)) - 1;  // normal in binary32: emin_subnormal >= -126
      bits = (static_cast<std::uint32_t>(top + emin_subnormal + 127) << 23) + ((fraction << (23 - top)) & 0x007F'FFFFu);
    }
    return std::bit_cast<float>(sign | bits);
  }

  /// The least value greater than w (previous: the greatest value less than w), infinities included; the two zeros are
  /// one value, and the zero that is reached has the sign of w. next(+infinity) is itself; NaN gives `nan`.
  static constexpr Word next(Word w) {
    if (is_nan(w)) return nan;
    if (magnitude(w) == 0) return 1;
    if (w >= sign_bit) return static_cast<Word>(w - 1);
    return w == infinity ? infinity : static_cast<Word>(w + 1);
  }
  static constexpr Word previous(Word w) {
    return is_nan(w) ? nan : static_cast<Word>(next(static_cast<Word>(w ^ sign_bit)) ^ sign_bit);
  }
};

using GF16 = GoldenFloat<6, 9>;   ///< the format of this project, gf16/1
using BF16 = GoldenFloat<8, 7>;   ///< bfloat16
using FP16 = GoldenFloat<5, 10>;  ///< IEEE binary16
using GF4 = GoldenFloat<2, 1>;    ///< small enough to look at whole: 0 0.5 1 1.5 2 3

// The words that docs/design.md section 1 lists.
static_assert(GF16::bias == 31 && GF16::emax == 32 && GF16::emin_subnormal == -39);
static_assert(GF16::encode(1.0f) == 0x3E00 && GF16::encode(2.0f) == 0x4000 && GF16::encode(0.5f) == 0x3C00);
static_assert(GF16::encode(0.1f) == 0x3733 && GF16::encode(0.02f) == 0x328F && GF16::encode(3.14159f) == 0x4124);
static_assert(GF16::encode(65504.0f) == 0x5E00 && GF16::encode(1e-5f) == 0x1C9F);
static_assert(GF16::encode(0x1p-30f) == 0x0200 && GF16::encode(0x1p-39f) == 0x0001);
static_assert(GF16::encode(0x1p-40f) == 0x0000 && GF16::encode(0x3p-41f) == 0x0001);
static_assert(GF16::encode(4290772992.0) == 0x7DFF && GF16::max_finite == 0x7DFF);
static_assert(GF16::encode(4292870144.0) == 0x7E00 && GF16::infinity == 0x7E00);
static_assert(GF16::nan == 0x7E01 && GF16::sign_bit == 0x8000);

}  // namespace hallmark
