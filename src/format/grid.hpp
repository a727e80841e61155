// A grid: the closed finite set of reals that a quantizer rounds to, with its nearest-point map and error bound.
//
//   golden    the finite values of a GF(E,M); code = its word (sign, exponent, fraction)
//   integer   -(2^(b-1)-1) .. 2^(b-1)-1;      code = the integer, sign-extended to 16 bits
//   codebook  any 2 .. 65536 increasing reals; code = the index
//
// With a scale s > 0 the points are s g. Everything here is decided on real numbers, not on rounded quotients: x is
// compared with the midpoint s (g1 + g2) / 2 of two neighbours, which is exact in binary64 (golden: 24 + 15 bits at
// most; integer: 24 + 8 bits) or compared without rounding (codebook). Everywhere below: s is a positive finite
// binary32 number (subnormals included), x any binary64 number.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hallmark {

using Code = std::uint16_t;

class Grid {
 public:
  /// gf16, bf16, fp16, gf:E,M (2 <= E <= 8, 1 <= M <= 12, 1 + E + M <= 16), int2 .. int8; with or without the version
  /// "/1". gf:6,9, gf:8,7 and gf:5,10 are gf16, bf16 and fp16. Errors: E0220 (usage).
  static Expected<Grid> parse(std::string_view name);

  /// The grid of the given values. They must be 2 .. 65536 finite numbers, strictly increasing, of at most 13
  /// significant bits each (so that a computed scale of 11 bits times a value is exact in binary32). Errors: E0221.
  static Expected<Grid> codebook(std::string name, std::vector<float> values);

  std::string name() const { return short_name_ + "/1"; }  ///< versioned, as files carry it
  const std::string& short_name() const { return short_name_; }
  int bits() const { return bits_; }  ///< bits that tell the codes apart
  bool is_golden() const { return kind_ == Kind::golden; }
  bool is_integer() const { return kind_ == Kind::integer; }
  std::string code_dtype() const;                  ///< safetensors dtype of codes: "U16", "U8" or "I8"
  double max_value() const { return max_value_; }  ///< the largest |g|

  /// Whether the code stands for a point: no NaN, no infinity, no spare bit, no integer out of range.
  bool contains(Code code) const;

  /// The point g of a code, exact; NaN when the grid does not contain the code.
  double value(Code code) const;

  /// argmin_c |x - s g_c|; ties to the even code (integer: even integer), beyond the ends the end. The sign of a golden
  /// zero is that of x, so that for s = 1 this is GoldenFloat::encode with infinities replaced by the largest finite
  /// value. A NaN gives the code of 0 (codebook: index 0): test clipped() first where x may be one. T2, T7; Coq
  /// `scaled_nearest`.
  Code nearest(double x, double s) const;

  /// x is NaN or lies further out than half a gap beyond the last point (codebook: beyond the last point), where
  /// half_gap() promises nothing.
  bool clipped(double x, double s) const;

  /// An upper bound of |x - nearest(x, s)| for x that is not clipped. T2, T7; Coq `scaled_error`, `scaled_gf16_error`.
  /// golden: max(2^-(M+1) |x|, s 2^(emin_subnormal-1)), exact; integer: s/2, exact; codebook: half the gap around x,
  /// rounded up.
  double half_gap(double x, double s) const;

  /// Whether s g is exact in binary32 for every point g: s and g have together at most 24 significant bits, no product
  /// reaches 2^128, and none has a bit below 2^-149. Sufficient always, and necessary for golden grids up to the bit
  /// count.
  bool exact_in_binary32(float s) const;

  /// Same name, same points.
  friend bool operator==(const Grid& a, const Grid& b);

 private:
  enum class Kind { golden, integer, codebook };

  Grid(Kind kind, std::string short_name) : kind_(kind), short_name_(std::move(short_name)) {}
  static Grid golden(int exponent_bits, int fraction_bits);
  static Grid integer(int bits);

  // Golden and integer grids are symmetric: k = 0 .. last_ numbers the points from 0 upward.
  double magnitude(std::uint32_t k) const;
  double midpoint(std::uint32_t k) const;     // of points k and k + 1
  std::uint32_t point_below(double q) const;  // the largest k with g_k <= q, for 0 <= q < max_value_
  std::uint32_t nearest_magnitude(double a, double s) const;
  std::uint32_t nearest_index(double x, double s) const;

  Kind kind_;
  std::string short_name_;
  int bits_ = 0;
  int precision_ = 0;       // significant bits of a point, at most
  int lowest_bit_ = 0;      // every point is a multiple of 2^lowest_bit_
  int fraction_bits_ = 0;   // golden
  std::uint32_t last_ = 0;  // golden, integer
  std::uint32_t sign_bit_ = 0;
  double max_value_ = 0;
  std::shared_ptr<const std::vector<float>> values_;  // codebook, increasing
};

}  // namespace hallmark
