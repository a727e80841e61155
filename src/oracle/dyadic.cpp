#include "oracle/dyadic.hpp"

#include <algorithm>
#include <charconv>
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
  else kept = mantissa_ << static_cast<unsigned long>(exponent_ - lowest);
  return std::ldexp(kept.get_d(),
                    static_cast<int>(lowest));  // at most 2^53 in magnitude: exact; -2^1024 gives -infinity
}

mpq_class Dyadic::rational() const {
  mpq_class value(mantissa_);
  if (exponent_ >= 0) return value << static_cast<unsigned long>(exponent_);
  return value >> static_cast<unsigned long>(-exponent_);
}

std::string Dyadic::text() const {
  if (mantissa_ == 0) return "0x0p0";
  const mp_bitcnt_t zeros = mpz_scan1(mantissa_.get_mpz_t(), 0);
  const mpz_class odd = abs(mantissa_) >> zeros;
  return (mantissa_ < 0 ? "-0x" : "0x") + odd.get_str(16) + "p" + std::to_string(exponent_ + static_cast<long>(zeros));
}

std::optional<Dyadic> Dyadic::parse(std::string_view text) {
  constexpr long kLargest =
      1L << 20;  // beyond every sum of products of binary64 numbers; a shift by more would only cost memory
  const bool negative = text.starts_with('-');
  const std::size_t begin = negative ? 3 : 2, p = text.find('p');
  if (!text.substr(begin - 2).starts_with("0x") || p == std::string_view::npos || p <= begin) return std::nullopt;
  const std::string_view digits = text.substr(begin, p - begin);
  if (digits.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
  Dyadic value(mpz_class(std::string(digits), 16), 0);
  const auto [end, error] = std::from_chars(text.data() + p + 1, text.data() + text.size(), value.exponent_);
  if (error != std::errc{} || std::abs(value.exponent_) > kLargest) return std::nullopt;
  if (negative) value.mantissa_ = -value.mantissa_;
  return value.text() == text ? std::optional(value) : std::nullopt;
}

}  // namespace hallmark::oracle
