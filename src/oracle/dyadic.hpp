// Exact dyadic numbers m 2^x, the numbers that every finite binary floating-point value is.
#pragma once

#include <gmpxx.h>

#include <optional>
#include <string>
#include <string_view>

namespace hallmark::oracle {

class Dyadic {
 public:
  Dyadic() = default;

  /// The number that a finite binary64 value is.
  explicit Dyadic(double value);

  /// mantissa 2^exponent.
  Dyadic(mpz_class mantissa, long exponent) : mantissa_(std::move(mantissa)), exponent_(exponent) {}

  const mpz_class& mantissa() const { return mantissa_; }
  long exponent() const { return exponent_; }

  Dyadic& operator+=(const Dyadic& other);
  friend Dyadic operator+(Dyadic a, const Dyadic& b) { return a += b; }
  friend Dyadic operator-(const Dyadic& a) { return Dyadic(-a.mantissa_, a.exponent_); }
  friend Dyadic operator-(Dyadic a, const Dyadic& b) { return a += -b; }
  friend Dyadic operator*(const Dyadic& a, const Dyadic& b) {
    return Dyadic(a.mantissa_ * b.mantissa_, a.exponent_ + b.exponent_);
  }
  friend Dyadic abs(const Dyadic& a) { return a.sign() < 0 ? -a : a; }

  int sign() const { return sgn(mantissa_); }

  /// The sign of a - b.
  friend int compare(const Dyadic& a, const Dyadic& b) { return (a - b).sign(); }

  /// The largest binary64 number not above, the smallest not below; infinities beyond the range.
  double round_down() const;
  double round_up() const { return -(-*this).round_down(); }

  mpq_class rational() const;

  /// The number in full: sign, "0x", the odd integer m in hexadecimal, "p", x in decimal; zero is "0x0p0". One text for
  /// one number. parse reads exactly these texts and nothing else.
  std::string text() const;
  static std::optional<Dyadic> parse(std::string_view text);

 private:
  mpz_class mantissa_ = 0;
  long exponent_ = 0;
};

}  // namespace hallmark::oracle
