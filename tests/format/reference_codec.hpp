// A second GF(E,M), made by counting instead of by bit fields: the values in increasing order by repeated addition of
// the gap, and the rounding by comparing with the midpoints of neighbours. Shares no code with src/format.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace hallmark::reference {

class Codec {
 public:
  Codec(int exponent_bits, int fraction_bits) {
    // 2^M gaps of 2^emin_subnormal lead to the smallest normal number, then each binade of 2^M values doubles its gap
    // after the first. Every sum has at most M + 1 significant bits, so binary64 adds without rounding.
    const int per_binade = 1 << fraction_bits;
    const int binades = (1 << exponent_bits) - 1;  // exponent fields 0 .. 2^E - 2
    double value = 0, gap = std::ldexp(1.0, 2 - (1 << (exponent_bits - 1)) - fraction_bits);
    for (int binade = 0; binade < binades; ++binade) {
      if (binade > 1) gap *= 2;
      for (int i = 0; i < per_binade; ++i) {
        values_.push_back(value);
        midpoints_.push_back(value + gap / 2);
        value += gap;
      }
    }
    sign_bit_ = static_cast<std::uint32_t>((binades + 1) * per_binade);
  }

  std::uint32_t infinity() const { return static_cast<std::uint32_t>(values_.size()); }
  std::uint32_t sign_bit() const { return sign_bit_; }
  /// Finite magnitudes in increasing order; midpoints()[k] lies between k and k + 1 (the last one: overflow).
  const std::vector<double>& values() const { return values_; }
  const std::vector<double>& midpoints() const { return midpoints_; }

  std::uint32_t encode(double x) const {
    if (x != x) return infinity() + 1;
    const double a = x < 0 ? -x : x;
    const auto above = std::lower_bound(midpoints_.begin(), midpoints_.end(), a);  // the first midpoint >= a
    auto k = static_cast<std::uint32_t>(above - midpoints_.begin());
    if (above != midpoints_.end() && *above == a && k % 2 == 1) ++k;
    return k | (std::signbit(x) ? sign_bit_ : 0);
  }

  double decode(std::uint32_t word) const {
    const std::uint32_t k = word % sign_bit_;
    if (k > infinity()) return std::numeric_limits<double>::quiet_NaN();
    const double a = k == infinity() ? std::numeric_limits<double>::infinity() : values_[k];
    return word >= sign_bit_ ? -a : a;
  }

 private:
  std::vector<double> values_, midpoints_;
  std::uint32_t sign_bit_;
};

}  // namespace hallmark::reference
