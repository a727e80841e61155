// One rounding step for kLanes<float> rows (or columns) at once: u = fl(w + r), q = nearest(u), e = fl(w - s q's
// point).
#pragma once

#include <array>
#include <cstdint>

#include "format/grid.hpp"
#include "linalg/strip.hpp"

namespace hallmark {

/// Arrays of kLanes<float> entries; no output overlaps another array. In: original weights w, sums r of the
/// corrections, scales s, zero points. Out: compensated weights u = fl(w + r), codes (widened), errors e = fma(-s,
/// value(code), w). Unused lanes hold w = r = 0, s = 1, zero point 0.
struct Lanes {
  const float *w, *r, *s;
  const std::int32_t* zero;
  float* u;
  std::int32_t* code;
  float* e;
};

/// What a step met in some lane.
struct LanesSeen {
  bool infinite = false;  ///< a u that is not finite: its code is meaningless
  bool last = false;      ///< perhaps a code at the end of the grid: only there can u be clipped
};

/// Grid::nearest for vectors. The vector form needs no midpoints: y = fl(u / s) is on the right side of every midpoint
/// that it does not equal, because division rounds monotonically, and the sign of the exact remainder u - y s decides
/// the rest; so y is nudged to an odd last bit by that sign and then rounded once (T12's shift) or, for a table of at
/// most 16 points, compared with the midpoints. Longer tables, and values so small that the remainder might underflow,
/// take Grid::nearest itself. Same codes as the twin on every target.
class LaneRounder {
 public:
  explicit LaneRounder(const Grid& grid);

  LanesSeen round(const Lanes& lanes) const;

  /// The plain twin.
  LanesSeen round_ref(const Lanes& lanes) const;

  /// counts[r] += 1 where Grid::clipped says so of u[r] under the step of row r, for kLanes<float> rows.
  void count_clipped(const float* u, const float* s, const std::int32_t* zero, std::int32_t* counts) const;

  /// codes[i] = nearest(fl(w[i] + 0), step) for i < count, and how many are clipped.
  Index round_row(const float* w, Step step, Index count, Code* codes) const;

  /// e[i] = fma(-s, value(code[i]), w[i]) for i < count, the errors of any codes of the grid.
  void errors(const float* w, const Code* codes, Step step, Index count, float* e) const;

  /// What the vector form needs of a grid.
  struct Layout {
    GridSpec::Kind kind = GridSpec::Kind::golden;
    std::int32_t first = 0;  // integer: the first code
    std::int32_t last = 0;   // integer: the last code; golden: the largest magnitude; table: the last index
    std::int32_t fraction_bits = 0;
    std::int32_t sign_shift = 0;  // from bit 31 down to the sign bit of a word
    std::int32_t rebias = 0;      // word = (binary32 bits, rounded) >> shift, minus rebias
    float smallest_normal = 0;    // below it words are multiples of 2^lowest_bit; 0: binary32's own exponents
    float magic = 0;              // 2^(lowest_bit + 23): adding it rounds to multiples of 2^lowest_bit
    float lowest = 0;             // 2^lowest_bit
    std::array<float, 16> points{}, from{};  // table: point k + 1 is taken from y >= from[k] on
  };

 private:
  bool lay_out_table();

  const Grid& grid_;
  bool vector_ = false;
  Layout layout_;
};

}  // namespace hallmark
