// Exact dyadic numbers m 2^x, the numbers that every finite binary floating-point value is.
#pragma once

#include <gmpxx.h>

namespace hallmark::oracle {

class Dyadic {
 public:
  Dyadic() = default;

  /// The number that a finite binary64 value is.
  explicit Dyadic(double value);

  Dyadic& operator+=(const Dyadic& other);
  friend Dyadic operator+(Dyadic a, const Dyadic& b) { return a += b; }
  friend Dyadic operator-(const Dyadic& a) { return Dyadic(-a.mantissa_, a.exponent_); }
  friend Dyadic operator-(Dyadic a, const Dyadic& b) { return a += -b; }
  friend Dyadic operator*(const Dyadic& a, const Dyadic& b) {
    return Dyadic(a.mantissa_ * b.mantissa_, a.exponent_ + b.exponent_);
  }

  int sign() const { return sgn(mantissa_); }

  /// The sign of a - b.
  friend int compare(const Dyadic& a, const Dyadic& b) { return (a - b).sign(); }

  /// The largest binary64 number not above, the smallest not below; infinities beyond the range.
  double round_down() const;
  double round_up() const { return -(-*this).round_down(); }

  /// For tests on rationals.
  mpq_class rational() const;

 private:
  Dyadic(mpz_class mantissa, long exponent) : mantissa_(std::move(mantissa)), exponent_(exponent) {}

  mpz_class mantissa_ = 0;
  long exponent_ = 0;
};

}  // namespace hallmark::oracle
