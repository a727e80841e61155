#include "oracle/digits.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hallmark::oracle {
namespace {

__extension__ using Sum = __int128;

constexpr long kBits = 56;
constexpr std::uint64_t kMask = (std::uint64_t{1} << kBits) - 1;
constexpr std::size_t kTerms = std::size_t{1} << 14;  // products of two digits that a Sum holds: 2^(112 + 14) < 2^127

mpz_class integer(Sum sum) {
  const bool negative = sum < 0;
  __extension__ const auto magnitude =
      negative ? -static_cast<unsigned __int128>(sum) : static_cast<unsigned __int128>(sum);
  mpz_class value(static_cast<unsigned long>(magnitude >> 64));
  value <<= 64;
  value += static_cast<unsigned long>(magnitude);
  return negative ? mpz_class(-value) : value;
}

// The plane p, made where it does not exist yet.
std::vector<std::int64_t>& plane_of(Digits& digits, std::size_t p) {
  while (digits.plane.size() <= p) digits.plane.emplace_back(digits.size, 0);
  return digits.plane[p];
}

template <bool magnitudes>
Dyadic inner_product(const Digits& x, const Digits& y, std::size_t count, std::size_t first) {
  mpz_class total, part;
  for (std::size_t p = 0; p < x.plane.size(); ++p)
    for (std::size_t q = 0; q < y.plane.size(); ++q) {
      const std::int64_t *a = x.plane[p].data(), *b = y.plane[q].data() + first;
      part = 0;
      for (std::size_t begin = 0; begin < count; begin += kTerms) {
        Sum sum = 0;
        for (std::size_t j = begin; j < std::min(count, begin + kTerms); ++j) {
          const Sum product = static_cast<Sum>(a[j]) * b[j];
          sum += magnitudes && product < 0 ? -product : product;
        }
        part += integer(sum);
      }
      total += part << static_cast<unsigned long>(kBits * static_cast<long>(p + q));
    }
  return Dyadic(total, x.exponent + y.exponent);
}

}  // namespace

Digits digits_of(std::span<const Dyadic> x) {
  constexpr long kNone = std::numeric_limits<long>::max();
  Digits digits{kNone, x.size(), {}};
  for (const Dyadic& number : x)
    if (number.sign() != 0)
      digits.exponent =
          std::min(digits.exponent, number.exponent() + static_cast<long>(mpz_scan1(number.mantissa().get_mpz_t(), 0)));
  if (digits.exponent == kNone) return {0, x.size(), {}};
  mpz_class rest;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const int sign = x[j].sign();
    if (sign == 0) continue;
    rest = abs(x[j].mantissa());
    const long shift = x[j].exponent() - digits.exponent;
    if (shift >= 0) rest <<= static_cast<unsigned long>(shift);
    else rest >>= static_cast<unsigned long>(-shift);  // zeros only
    for (std::size_t p = 0; rest != 0; ++p, rest >>= kBits) {
      const auto digit = static_cast<std::int64_t>(mpz_getlimbn(rest.get_mpz_t(), 0) & kMask);
      plane_of(digits, p)[j] = sign < 0 ? -digit : digit;
    }
  }
  return digits;
}

Digits digits_of(std::span<const double> x) {
  const std::vector<Dyadic> exact(x.begin(), x.end());
  return digits_of(exact);
}

Dyadic dot(const Digits& x, const Digits& y, std::size_t count, std::size_t first) {
  return inner_product<false>(x, y, count, first);
}

Dyadic dot_of_magnitudes(const Digits& x, const Digits& y, std::size_t count, std::size_t first) {
  return inner_product<true>(x, y, count, first);
}

}  // namespace hallmark::oracle
