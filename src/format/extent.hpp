// Significant bits and lowest bit of binary32 numbers.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include <algorithm>

namespace hallmark {

/// v = odd 2^lowest, |odd| < 2^significant. Zero: {0, none}. v is finite.
struct Extent {
  int significant, lowest;
};

inline Extent extent_of(float v) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(v) & 0x7FFF'FFFFu;
  if (bits == 0) return {0, std::numeric_limits<int>::max()};
  const int field = static_cast<int>(bits >> 23);
  const std::uint32_t significand = (bits & 0x007F'FFFFu) | (field != 0 ? 0x0080'0000u : 0u);
  const int zeros = std::countr_zero(significand);
  return {static_cast<int>(std::bit_width(significand)) - zeros, std::max(field, 1) - 150 + zeros};
}

}  // namespace hallmark
