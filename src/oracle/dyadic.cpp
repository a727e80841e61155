#include "oracle/dyadic.hpp"

#include <cmath>
#include <limits>

namespace hallmark::oracle {

Dyadic::Dyadic(double value) {
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  mantissa_ = static_cast<long>(std::ldexp(fraction, 53));  // at most 53 bits: exact
  exponent_ = mantissa_ == 0 ? 0 : exponent - 53;
}

Dyadic& Dyadic::operator+=(const Dyadic& other) {
  if (other.mantissa_ == 0) return *this;
  if (mantissa_ == 0) return *this = other;
  if (exponent_ > other.exponent_) {
    mantissa_ <<= static_cast<unsigned long>(exponent_ - other.exponent_);
    exponent_ = other.exponent_;
    mantissa_ += other.mantissa_;
  } else {
    mantissa_ += other.mantissa_ << static_cast<unsigned long>(other.exponent_ - exponent_);
  }
  return *this;
}

double Dyadic::round_down() const {
  if (mantissa_ == 0) return 0;
  // Drop all but 53 bits toward minus infinity, and more where the result is subnormal.
  const auto bits = static_cast<long>(mpz_sizeinbase(mantissa_.get_mpz_t(), 2));
  const long top = exponent_ + bits;  // |value| < 2^top
  if (top > 1024) return mantissa_ > 0 ? std::numeric_limits<double>::max() : -std::numeric_limits<double>::infinity();
  const long lowest = std::max(top - 53, -1074L);
  mpz_class kept;
  if (lowest > exponent_)
    mpz_fdiv_q_2exp(kept.get_mpz_t(), mantissa_.get_mpz_t(), static_cast<unsigned long>(lowest - exponent_));
  else
    kept = mantissa_ << static_cast<unsigned long>(exponent_ - lowest);
  return std::ldexp(kept.get_d(), static_cast<int>(lowest));  // at most 2^53 in magnitude: exact; -2^1024 gives -infinity
}

mpq_class Dyadic::rational() const {
  mpq_class value(mantissa_);
  if (exponent_ >= 0) return value << static_cast<unsigned long>(exponent_);
  return value >> static_cast<unsigned long>(-exponent_);
}

}  // namespace hallmark::oracle
