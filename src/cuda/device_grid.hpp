// Grid (format/grid.hpp) for kernels, as plain numbers: golden and integer grids, and tables of at most 16 points.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "cuda/host_device.hpp"

namespace hallmark::cuda {

/// A scale and a zero point.
struct DeviceStep {
  float scale;
  std::int32_t zero;
};

/// Every function gives what Grid's function of that name gives, for scales that the grid takes and contained codes.
struct DeviceGrid {
  enum class Kind : std::int32_t { golden, integer, table };
  static constexpr int kPoints = 16;

  Kind kind = Kind::golden;
  std::int32_t first = 0, last = 0;       // integer: the codes; table: 0 and the last index
  int fraction_bits = 0, lowest_bit = 0;  // golden: every point is a multiple of 2^lowest_bit
  std::uint32_t last_magnitude = 0, sign_bit = 0;
  double largest = 0;
  float points[kPoints] = {};

  HALLMARK_HOST_DEVICE double value(std::uint16_t code, std::int32_t zero) const {
    if (kind == Kind::integer) return static_cast<std::int16_t>(code) - zero;
    if (kind == Kind::table) return points[code];
    return code < sign_bit ? magnitude(code) : -magnitude(code - sign_bit);
  }

  HALLMARK_HOST_DEVICE std::uint16_t nearest(double x, DeviceStep step) const {
    const double s = std::fabs(static_cast<double>(step.scale));
    if (step.scale < 0) x = -x;
    if (kind == Kind::integer) return static_cast<std::uint16_t>(nearest_integer(x, s, step.zero) + step.zero);
    if (kind == Kind::table) return nearest_index(x, s);
    // The quotient, rounded, only finds the cell; the midpoint, exact in binary64, decides.
    const double a = std::fabs(x), quotient = a / s;
    std::uint32_t k = last_magnitude;
    if (!(quotient >= largest)) {  // NaN has the code of 0
      k = quotient == quotient ? point_below(quotient) : 0;
      const double middle = s * midpoint(k);
      if (a > middle || (a == middle && k % 2 != 0)) ++k;
    }
    return static_cast<std::uint16_t>(std::signbit(x) ? k + sign_bit : k);
  }

  HALLMARK_HOST_DEVICE bool clipped(double x, DeviceStep step) const {
    const double s = std::fabs(static_cast<double>(step.scale));
    if (step.scale < 0) x = -x;
    if (kind == Kind::integer) return !(s * (first - step.zero - 0.5) <= x && x <= s * (last - step.zero + 0.5));
    if (kind == Kind::table) return !(s * points[0] <= x && x <= s * points[last]);
    return !(std::fabs(x) <= s * midpoint(last_magnitude));
  }

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
    const std::uint32_t b = binade(k);
    return (2 * (k - (b << fraction_bits)) + 1) * power_of_two(lowest_bit - 1 + static_cast<int>(b));
  }
  HALLMARK_HOST_DEVICE std::uint32_t point_below(double q) const {
    const int bias = 1 - fraction_bits - lowest_bit;
    if (q < power_of_two(1 - bias)) return static_cast<std::uint32_t>(q * power_of_two(-lowest_bit));
    return static_cast<std::uint32_t>((std::bit_cast<std::uint64_t>(q) >> (52 - fraction_bits)) -
                                      (static_cast<std::uint64_t>(1023 - bias) << fraction_bits));
  }
  HALLMARK_HOST_DEVICE std::int32_t nearest_integer(double x, double s, std::int32_t zero) const {
    const std::int32_t low = first - zero, high = last - zero;
    const double quotient = x / s;
    if (!(quotient == quotient)) return low > 0 ? low : high < 0 ? high : 0;
    if (quotient <= low) return low;
    if (quotient >= high) return high;
    const auto k = static_cast<std::int32_t>(std::floor(quotient));
    const double middle = s * (k + 0.5);
    return x > middle || (x == middle && k % 2 != 0) ? k + 1 : k;
  }
  // Midpoints times a binary32 scale are exact in binary64 for these tables (backend.cpp asks).
  HALLMARK_HOST_DEVICE std::uint16_t nearest_index(double x, double s) const {
    if (!(x == x)) return 0;
    std::uint16_t index = 0;
    for (std::int32_t k = 0; k < last; ++k) {
      const double middle = s * ((static_cast<double>(points[k]) + static_cast<double>(points[k + 1])) / 2);
      if (x > middle || (x == middle && k % 2 != 0)) index = static_cast<std::uint16_t>(k + 1);
    }
    return index;
  }
};

}  // namespace hallmark::cuda
