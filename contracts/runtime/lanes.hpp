// Enclosures in binary64, several at a time: the first stage of the printed contracts, one row per lane. The number of
// lanes is the translation unit's (HALLMARK_LANES, 2 where it says nothing) and part of every name, so that units for
// different processors share no function. No operation depends on it: the same bits come out in every lane.
//
// A number is mid +- err. Every operation adds the error that it made, computed and not assumed: TwoSum gives that of a
// sum exactly, Dekker's product or an fma that of a product (above 2^-960; below, 2^-1012 covers it). So what is exact
// in binary64 stays exact and equalities can be decided. Sums of errors are scaled by 1 + 2^-50 for their own
// roundings; the rounding mode stays. Infinities and NaN make err NaN, and every comparison undecided. Sources: Knuth,
// TAOCP 4.2.2; Dekker 1971.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "contracts/runtime/truth.hpp"

#ifndef HALLMARK_LANES
#define HALLMARK_LANES 2
#endif
#if defined(__AVX512F__) || defined(__FMA__)
#include <immintrin.h>
#endif
#define HALLMARK_UNIT_OF(lanes) unit##lanes
#define HALLMARK_UNIT_NAME(lanes) HALLMARK_UNIT_OF(lanes)
#define HALLMARK_UNIT HALLMARK_UNIT_NAME(HALLMARK_LANES)

namespace hallmark::contracts {
inline namespace HALLMARK_UNIT {

inline constexpr std::size_t kRowsAtOnce = HALLMARK_LANES;

using Lanes = double __attribute__((vector_size(kRowsAtOnce * sizeof(double))));
using LaneMask = std::int64_t __attribute__((vector_size(kRowsAtOnce * sizeof(double))));

inline Lanes all(double x) { return x - Lanes{}; }
inline Lanes magnitude(const Lanes& x) { return (Lanes)((LaneMask)x & INT64_MAX); }

struct Ball {
  Lanes mid, err;
};

/// [lo, hi] as a ball.
inline Ball ball_between(const Lanes& lo, const Lanes& hi) {
  const Lanes mid = lo == hi ? lo : lo * 0.5 + hi * 0.5, above = hi - mid, below = mid - lo;
  // slack: 1 / (1 - 3 * u) <= 1 + 2^-50 for u = 2^-53
  // slack: 2^-1075 <= 2^-1060
  const Lanes err = (above > below ? above : below) * (1 + 0x1p-50) + 0x1p-1060;
  return {mid, lo == hi ? Lanes{} : err};
}

inline Ball operator+(const Ball& a, const Ball& b) {
  const Lanes sum = a.mid + b.mid, part = sum - a.mid;
  const Lanes error = (a.mid - (sum - part)) + (b.mid - part);
  // slack: 1 / (1 - 3 * u) <= 1 + 2^-50 for u = 2^-53
  return {sum, (a.err + b.err + magnitude(error)) * (1 + 0x1p-50)};
}

inline Ball operator-(const Ball& a, const Ball& b) { return a + Ball{-b.mid, b.err}; }

/// a b - fl(a b), exactly where the product is 0 or at least 2^-960 and nothing overflows: by fma where the unit has
/// it.
inline Lanes product_error(const Lanes& a, const Lanes& b, const Lanes& product) {
#if HALLMARK_LANES == 8 && defined(__AVX512F__)
  return _mm512_fmsub_pd(a, b, product);
#elif HALLMARK_LANES == 4 && defined(__FMA__)
  return _mm256_fmsub_pd(a, b, product);
#else
  const auto high = [](const Lanes& x) {
    const Lanes scaled = x * 134217729.0;
    return scaled - (scaled - x);
  };
  const Lanes ah = high(a), al = a - ah, bh = high(b), bl = b - bh;
  return ((ah * bh - product) + ah * bl + al * bh) + al * bl;
#endif
}

inline Ball operator*(const Ball& a, const Ball& b) {
  const Lanes product = a.mid * b.mid;
  const Lanes spread = magnitude(a.mid) * b.err + magnitude(b.mid) * a.err + a.err * b.err;
  const LaneMask tiny = (magnitude(product) < 0x1p-960) & (a.mid != 0.0) & (b.mid != 0.0);
  const LaneMask inexact = a.err + b.err != 0.0;
  // slack: 2^-960 * u + 2^-1075 <= 2^-1012 for u = 2^-53
  const Lanes error = tiny ? all(0x1p-1012) : magnitude(product_error(a.mid, b.mid, product));
  // slack: 4 * 2^-1075 <= 2^-1060
  const Lanes floor = inexact ? all(0x1p-1060) : Lanes{};
  // slack: 1 / (1 - 6 * u) <= 1 + 2^-50 for u = 2^-53
  return {product, (spread + error) * (1 + 0x1p-50) + floor};
}

struct LaneTruth {
  LaneMask yes, no;
  Truth operator[](std::size_t lane) const { return yes[lane] ? Truth::yes : no[lane] ? Truth::no : Truth::undecided; }
};

struct LaneOps {
  using Scalar = Ball;
  using Truth = LaneTruth;

  static Ball value(double x) { return {all(x), Lanes{}}; }
  static Ball value(const Lanes& x) { return {x, Lanes{}}; }
  static Ball value(const Ball& x) { return x; }
  template <class T>
  static Scalar value(const Difference<T>& d) {
    return value(d.left) - value(d.right);
  }
  static Ball rational(std::int64_t numerator, std::int64_t denominator) {  // denominators are powers of two
    return value(static_cast<double>(numerator) / static_cast<double>(denominator));
  }
  static Ball count(std::size_t n) { return value(static_cast<double>(n)); }
  static Ball max(const Ball& a, const Ball& b) {
    return {a.mid > b.mid ? a.mid : b.mid, a.err > b.err ? a.err : b.err};
  }
  static Ball abs(const Ball& a) { return {magnitude(a.mid), a.err}; }

  // The difference's own error is in its err: mid >= err says that no number of the ball is negative.
  static LaneTruth le(const Ball& a, const Ball& b) {
    const Ball d = b - a;
    return {d.mid >= d.err, d.mid < -d.err};
  }
  static LaneTruth lt(const Ball& a, const Ball& b) {
    const Ball d = b - a;
    return {d.mid > d.err, d.mid <= -d.err};
  }
  static LaneTruth eq(const Ball& a, const Ball& b) {
    const Ball d = b - a;
    return {(d.mid == 0.0) & (d.err == 0.0), magnitude(d.mid) > d.err};
  }
  static LaneTruth yes() { return {~LaneMask{}, LaneMask{}}; }
  static LaneTruth both(const LaneTruth& p, const LaneTruth& q) { return {p.yes & q.yes, p.no | q.no}; }
  static LaneTruth implies(const LaneTruth& p, const LaneTruth& q) { return {p.no | q.yes, p.yes & q.no}; }
};

}  // namespace HALLMARK_UNIT
}  // namespace hallmark::contracts
