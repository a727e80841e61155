// The trellis of rotated rows, on grids that are `windowed` (grid_spec.hpp): a code of B bits stands for a point only
// together with the codes before it in its row. A window of 12 bits slides over the row's codes, the latest lowest,
// zeros before the first, and its number x gives the point by the computed code 1MAD (QTIP, Tseng et al. 2024): the sum
// of the four bytes of 34038481 x + 76625530 mod 2^32, less 510. Over all windows these integers are distributed nearly
// as a normal number times 147.8.
//
// A row keeps B bits a weight: the window begins with zeros and not, as in QTIP, with the end of the row. On white data
// that costs a few per cent; under feedback it gains much, for what the first columns lose the later ones
// make good, and nothing makes good what is forced upon the last.
#pragma once

#include <cstdint>

namespace hallmark::trellis {

inline constexpr int kBits = 12;
inline constexpr unsigned kStates = 1U << kBits;
inline constexpr double kLargest = 510;      ///< no |point| is larger
inline constexpr double kDeviation = 147.8;  ///< of the points, nearly

/// The window after one more code of `bits` bits.
constexpr unsigned next(unsigned window, unsigned code, int bits) { return (window << bits | code) % kStates; }

/// The point of a window: an integer.
constexpr int value(unsigned window) {
  const std::uint32_t y = 34038481U * window + 76625530U;
  return static_cast<int>((y & 255) + (y >> 8 & 255) + (y >> 16 & 255) + (y >> 24)) - 510;
}

}  // namespace hallmark::trellis
