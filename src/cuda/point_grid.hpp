// Grid::nearest for kernels: golden and integer grids as plain numbers.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "cuda/host_device.hpp"

namespace hallmark::cuda {

/// The points k = 0 .. last from 0 upward, as in Grid: golden code = word k with a sign bit, integer code = +-k in 16
/// bits. Every function gives what Grid's function of that name gives, for positive finite binary32 s and contained
/// codes.
struct PointGrid {
  bool integer = false;
  int fraction_bits = 0;  // golden
  int lowest_bit = 0;     // golden: every point is a multiple of 2^lowest_bit
  std::uint32_t last = 0, sign_bit = 0;
  double max_value = 0;

  HALLMARK_HOST_DEVICE double value(std::uint16_t code) const {
    if (integer) return static_cast<std::int16_t>(code);
    return code < sign_bit ? magnitude(code) : -magnitude(code - sign_bit);
  }

  /// The quotient, rounded, only finds the cell; the midpoint, exact in binary64, decides.
  HALLMARK_HOST_DEVICE std::uint16_t nearest(double x, double s) const {
    const double a = std::fabs(x), quotient = a / s;
    std::uint32_t k = last;
    if (!(quotient >= max_value)) {  // NaN has the code of 0
      k = quotient == quotient ? point_below(quotient) : 0;
      const double middle = s * midpoint(k);
      if (a > middle || (a == middle && k % 2 != 0)) ++k;
    }
    if (!std::signbit(x)) return static_cast<std::uint16_t>(k);
    return static_cast<std::uint16_t>(integer ? 0u - k : k + sign_bit);
  }

  HALLMARK_HOST_DEVICE bool clipped(double x, double s) const { return !(std::fabs(x) <= s * midpoint(last)); }

 private:
  HALLMARK_HOST_DEVICE static double power_of_two(int n) {
    return std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52);
  }
  HALLMARK_HOST_DEVICE std::uint32_t binade(std::uint32_t k) const {
    const std::uint32_t field = k >> fraction_bits;
    return field > 1 ? field - 1 : 0;
  }
  HALLMARK_HOST_DEVICE double magnitude(std::uint32_t k) const {
    const std::uint32_t b = binade(k);
    return (k - (b << fraction_bits)) * power_of_two(lowest_bit + static_cast<int>(b));
  }
  HALLMARK_HOST_DEVICE double midpoint(std::uint32_t k) const {  // of points k and k + 1
    if (integer) return k + 0.5;
    const std::uint32_t b = binade(k);
    return (2 * (k - (b << fraction_bits)) + 1) * power_of_two(lowest_bit - 1 + static_cast<int>(b));
  }
  HALLMARK_HOST_DEVICE std::uint32_t point_below(double q) const {
    if (integer) return static_cast<std::uint32_t>(q);
    const int bias = 1 - fraction_bits - lowest_bit;
    if (q < power_of_two(1 - bias)) return static_cast<std::uint32_t>(q * power_of_two(-lowest_bit));
    return static_cast<std::uint32_t>((std::bit_cast<std::uint64_t>(q) >> (52 - fraction_bits)) -
                                      (static_cast<std::uint64_t>(1023 - bias) << fraction_bits));
  }
};

}  // namespace hallmark::cuda
