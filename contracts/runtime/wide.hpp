// Enclosures of twice binary64's precision, hi + lo +- err: the second stage of the printed contracts, for long sums
// whose bounds lie near the rounding of binary64 itself.
//
// Sum and product of pairs are off by at most 2^-102 of the result (Joldes, Muller, Popescu, Tight and rigorous error
// bounds for basic building blocks of double-word arithmetic, ACM TOMS 44 (2017): 3 u^2 / (1 - 4 u) and 5 u^2, u =
// 2^-53, for their algorithms 6 and 12); underflow by less than 2^-1000.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "contracts/runtime/truth.hpp"

namespace hallmark::contracts {

struct Wide {
  double hi = 0, lo = 0, err = 0;
};

namespace detail {
inline Wide quick_two_sum(double a, double b, double err) {
  const double sum = a + b;
  return {sum, b - (sum - a), err};
}
inline Wide two_sum(double a, double b) {
  const double sum = a + b, part = sum - a;
  return {sum, (a - (sum - part)) + (b - part), 0};
}
}  // namespace detail

inline Wide operator+(const Wide& a, const Wide& b) {
  const Wide s = detail::two_sum(a.hi, b.hi), t = detail::two_sum(a.lo, b.lo);
  const Wide v = detail::quick_two_sum(s.hi, s.lo + t.hi, 0);
  // slack: 3 * u^2 / (1 - 4 * u) * (1 + 4 * u) <= 2^-102 for u = 2^-53
  // slack: 1 / (1 - 3 * u) <= 1 + 2^-50 for u = 2^-53
  const double err = (a.err + b.err + 0x1p-102 * std::fabs(v.hi)) * (1 + 0x1p-50);
  return detail::quick_two_sum(v.hi, t.lo + v.lo, err);
}

inline Wide operator-(const Wide& a, const Wide& b) { return a + Wide{-b.hi, -b.lo, b.err}; }

inline Wide operator*(const Wide& a, const Wide& b) {
  if ((a.hi == 0 && a.err == 0) || (b.hi == 0 && b.err == 0)) return {a.hi * b.hi, 0, 0};
  const double product = a.hi * b.hi;
  const double rest = std::fma(a.lo, b.hi, std::fma(a.hi, b.lo, a.lo * b.lo)) + std::fma(a.hi, b.hi, -product);
  const double size = std::fabs(a.hi) + std::fabs(a.lo), other = std::fabs(b.hi) + std::fabs(b.lo);
  // slack: 5 * u^2 * (1 + 4 * u) <= 2^-101 for u = 2^-53
  // slack: 1 / (1 - 7 * u) <= 1 + 2^-49 for u = 2^-53
  // slack: 9 * 2^-1075 <= 2^-1000
  const double err =
      (size * b.err + other * a.err + a.err * b.err + 0x1p-101 * std::fabs(product)) * (1 + 0x1p-49) + 0x1p-1000;
  return detail::quick_two_sum(product, rest, err);
}

struct WideOps {
  using Scalar = Wide;
  using Truth = contracts::Truth;

  static Wide value(double x) { return {x, 0, 0}; }
  static Wide value(const Wide& x) { return x; }
  template <class T>
  static Scalar value(const Difference<T>& d) {
    return value(d.left) - value(d.right);
  }
  static Wide rational(std::int64_t numerator, std::int64_t denominator) {  // denominators are powers of two
    return value(static_cast<double>(numerator) / static_cast<double>(denominator));
  }
  static Wide count(std::size_t n) { return value(static_cast<double>(n)); }
  static Wide max(const Wide& a, const Wide& b) {
    const Wide& larger = a.hi > b.hi || (a.hi == b.hi && a.lo > b.lo) ? a : b;
    return {larger.hi, larger.lo, std::max(a.err, b.err)};
  }
  static Wide abs(const Wide& a) { return a.hi < 0 || (a.hi == 0 && a.lo < 0) ? Wide{-a.hi, -a.lo, a.err} : a; }

  static Truth le(const Wide& a, const Wide& b) {
    const Wide d = b - a;
    // slack: 1 / (1 - 2 * u) <= 1 + 2^-50 for u = 2^-53
    const double slack = (d.err + std::fabs(d.lo)) * (1 + 0x1p-50);
    return d.hi >= slack ? Truth::yes : d.hi < -slack ? Truth::no : Truth::undecided;
  }
  static Truth lt(const Wide& a, const Wide& b) { return negation(le(b, a)); }
  static Truth eq(const Wide& a, const Wide& b) { return conjunction(le(a, b), le(b, a)); }
  static Truth yes() { return Truth::yes; }
  static Truth both(Truth p, Truth q) { return conjunction(p, q); }
  static Truth implies(Truth p, Truth q) { return implication(p, q); }
};

}  // namespace hallmark::contracts
