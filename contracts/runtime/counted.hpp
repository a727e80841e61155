// Numbers with counted roundings: the stage of the printed contracts before the enclosures of lanes.hpp. It says yes or
// nothing.
//
// A Counted is a rounded number of which it is known how many roundings lie between it and the true number: true = v
// times k factors 1 + d or 1 / (1 + d), |d| <= 2^-53, so |true - v| <= k 2^-53 (1 + 2^-20) |v| for k <= 2^24 (Higham,
// Accuracy and Stability of Numerical Algorithms, lemma 3.1). That holds for products, for sums of numbers of one sign,
// and for the difference of two exact numbers, and costs no instruction beside the operation. A difference of rounded
// numbers is a Ball. The count is the same in all lanes; so is `low`: every lane is 0 or at least 2^low in magnitude,
// hence no product underflows. A lane whose terms are not of one sign is not ok.
#pragma once

#include "contracts/runtime/lanes.hpp"

namespace hallmark::contracts {
inline namespace HALLMARK_UNIT {

/// Exact.
struct Point {
  Lanes v;
  int low;
  bool nonneg = false;  ///< known to be so in every lane
};

/// The exponent below every lane that is not 0 (NaN and infinity: no matter).
inline int least_exponent(const Lanes& x) {
  int low = 1024;
  for (std::size_t lane = 0; lane < kRowsAtOnce; ++lane)
    if (x[lane] != 0) {
      const auto field =
          static_cast<int>((__builtin_bit_cast(std::uint64_t, static_cast<double>(x[lane])) >> 52) & 0x7FF);
      const int exponent = field == 0 ? -1074 : field - 1023;
      low = exponent < low ? exponent : low;
    }
  return low;
}
inline Point point(const Lanes& x) { return {x, least_exponent(x)}; }

/// fl(left - right) of exact numbers; its magnitude.
struct Gap {
  Lanes v;
  int low;  ///< of left and of right
};
struct Distance {
  Lanes v;
  int low;
};

struct Counted {
  static constexpr int kMost = 1 << 24, kTooMany = kMost + 1;
  Lanes v;
  LaneMask ok = ~LaneMask{};
  int roundings, low;
  bool nonneg;  ///< known to be so in every lane that is ok

  Counted(const Lanes& x, const LaneMask& valid, int count, int least, bool not_negative)
      : v(x), ok(valid), roundings(count < kMost ? count : kTooMany), low(least), nonneg(not_negative) {}
  Counted(const Point& x) : v(x.v), roundings(0), low(x.low), nonneg(x.nonneg) {}
  Counted(const Gap& x) : v(x.v), roundings(1), low(x.low - 52), nonneg(false) {}  // both are multiples of 2^(low - 52)
  Counted(const Distance& x) : v(x.v), roundings(1), low(x.low - 52), nonneg(true) {}

  // slack: 1 / (1 - k * u) / (1 - u) <= 1 + 2^-20 for k <= 2^24, u = 2^-53
  double relative() const { return roundings * (0x1p-53 * (1 + 0x1p-20)); }
};

inline Counted operator*(const Counted& a, const Counted& b) {
  const int low = a.low + b.low;
  return {a.v * b.v, a.ok & b.ok, low >= -1020 ? a.roundings + b.roundings + 1 : Counted::kTooMany, low,
          a.nonneg && b.nonneg};
}
inline Counted operator+(const Counted& a, const Counted& b) {
  LaneMask ok = a.ok & b.ok;
  if (!a.nonneg) ok &= a.v >= 0.0;
  if (!b.nonneg) ok &= b.v >= 0.0;
  return {a.v + b.v, ok, (a.roundings > b.roundings ? a.roundings : b.roundings) + 1, a.low < b.low ? a.low : b.low,
          true};
}
inline Counted operator+(const Point& a, const Point& b) {
  return {a.v + b.v, ~LaneMask{}, 1, (a.low < b.low ? a.low : b.low) - 52, a.nonneg && b.nonneg};
}
inline Gap operator-(const Point& a, const Point& b) { return {a.v - b.v, a.low < b.low ? a.low : b.low}; }

inline Ball ball(const Counted& x) {
  // slack: 1 / (1 - 3 * u) <= 1 + 2^-50 for u = 2^-53
  // slack: 2 * 2^-1075 <= 2^-1060
  const Lanes err = magnitude(x.v) * (x.relative() * (1 + 0x1p-50)) + (x.roundings > 0 ? 0x1p-1060 : 0.0);
  const LaneMask known = x.roundings <= Counted::kMost ? x.ok : LaneMask{};
  return {x.v, known ? err : all(__builtin_inf())};
}
inline Ball operator-(const Counted& a, const Counted& b) { return ball(a) - ball(b); }

struct CountedOps {
  using Scalar = Counted;
  using Truth = LaneMask;  ///< yes; otherwise nothing is known

  static const Point& value(const Point& x) { return x; }
  static const Ball& value(const Ball& x) { return x; }
  static Gap value(const Difference<Point>& d) { return d.left - d.right; }
  static Point rational(std::int64_t numerator, std::int64_t denominator) {  // denominators are powers of two
    Point number = point(all(static_cast<double>(numerator) / static_cast<double>(denominator)));
    number.nonneg = numerator >= 0;
    return number;
  }
  static Point count(std::size_t n) {  // n <= 2^53
    return {all(static_cast<double>(static_cast<std::int64_t>(n))), 0, true};
  }
  static Point abs(const Point& a) { return {magnitude(a.v), a.low, true}; }
  static Distance abs(const Gap& a) { return {magnitude(a.v), a.low}; }
  static Ball abs(const Ball& a) { return LaneOps::abs(a); }

  static Truth le(const Counted& a, const Counted& b) {
    // The true a is at most v_a / (1 - k_a u), the true b at least v_b (1 - k_b u); k = k_a + k_b, and the product with
    // room and room itself are rounded.
    // slack: (1 - (k + 4) * u * (1 + 2^-19) * (1 - u)) * (1 + u)^2 <= 1 - k * u for k <= 2^25, u = 2^-53
    const double room = 1 - (a.roundings + b.roundings + 4) * (0x1p-53 * (1 + 0x1p-19));
    LaneMask yes = a.ok & b.ok & (b.v <= 0x1p1000) & (a.v <= b.v * room);
    if (!a.nonneg && !b.nonneg) yes &= b.v >= 0.0;  // otherwise a <= b room says it
    return a.roundings <= Counted::kMost && b.roundings <= Counted::kMost ? yes : LaneMask{};
  }
  static Truth le(const Ball& a, const Counted& b) { return LaneOps::le(a, ball(b)).yes; }
  static Truth yes() { return ~LaneMask{}; }
  static Truth both(const Truth& p, const Truth& q) { return p & q; }
};

}  // namespace HALLMARK_UNIT
}  // namespace hallmark::contracts
