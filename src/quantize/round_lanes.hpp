// One rounding step for kLanes<float> rows (or columns) at once: q = nearest(u), e = fl(w - s q's point).
#pragma once

#include <array>
#include <cstdint>

#include "format/grid.hpp"
#include "linalg/strip.hpp"

namespace hallmark {

/// In: compensated weights u, scales s > 0, original weights w. Out: codes, errors e = fma(-s, value(code), w), and 1 where
/// u was clipped. Unused lanes hold u = w = 0, s = 1.
struct Lanes {
  template <class T>
  using Array = std::array<T, static_cast<std::size_t>(kLanes<float>)>;
  alignas(64) Array<float> u, s, w, e;
  alignas(64) Array<std::int32_t> code;  // Code, widened
  Array<std::uint8_t> clipped;
};

/// Grid::nearest for vectors. The vector form needs no midpoints: y = fl(u / s) is on the right side of every midpoint
/// that it does not equal, because division rounds monotonically, and the sign of the exact remainder u - y s decides the
/// rest; so y is nudged to an odd last bit by that sign and then rounded once (T12's shift). Codebooks and values so small
/// that the remainder might underflow take Grid::nearest itself. Same codes as round_ref on every target.
class LaneRounder {
 public:
  explicit LaneRounder(const Grid& grid);

  void round(Lanes& lanes) const;

  /// The plain twin.
  void round_ref(Lanes& lanes) const;

  /// What the vector form needs of a grid.
  struct Layout {
    bool integer = false;
    std::int32_t last = 0;        // largest magnitude code
    std::int32_t fraction_bits = 0;
    std::int32_t sign_shift = 0;  // from bit 31 down to the sign bit of a word
    std::int32_t rebias = 0;      // word = (binary32 bits, rounded) >> shift, minus rebias
    float smallest_normal = 0;    // below it words are multiples of 2^lowest_bit; 0 when the format has binary32's exponents
    float magic = 0;              // 2^(lowest_bit + 23): adding it rounds to multiples of 2^lowest_bit
    float lowest = 0;             // 2^lowest_bit
  };

 private:
  const Grid& grid_;
  bool vector_ = false;
  Layout layout_;
};

}  // namespace hallmark
