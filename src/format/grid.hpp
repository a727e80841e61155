// The nearest-point map of a grid (grid_spec.hpp) and its error bound.
//
// Everything here is decided on real numbers, not on rounded quotients: x is compared with the midpoint s (g1 + g2) / 2
// of two neighbours, which is exact in binary64 (golden: 24 + 15 bits at most; integer: 24 + 10 bits) or compared
// without rounding (table). A negative s mirrors the grid: the point nearest to x is then that of -x under -s.
// Everywhere below: a step is a scale s, finite, not 0 and positive unless the grid takes either sign (subnormals
// included), and a zero point z, 0 unless the grid has zero points; x is any binary64 number.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "format/grid_spec.hpp"

namespace hallmark {

/// Scale and zero point of a row or group of columns.
struct Step {
  double scale = 1;
  int zero = 0;
  Step(double s, int z = 0) : scale(s), zero(z) {}  // NOLINT: a scale alone is a step
};

class Grid {
 public:
  /// By a user's name or a file's id (grid_family.hpp). Errors: E0220 (usage); those of the family.
  static Expected<Grid> parse(std::string_view name);
  /// By a file's id alone: what a file says never opens another file. Errors: E0220 (usage).
  static Expected<Grid> of_id(std::string_view id);
  explicit Grid(GridSpec spec) : spec_(std::make_shared<const GridSpec>(std::move(spec))) {}
  /// The grid of the given values, named by the user. Errors: E0221, also where the name is that of another grid.
  static Expected<Grid> table(std::string name, std::vector<float> values);

  const GridSpec& spec() const { return *spec_; }
  const std::string& id() const { return spec_->id; }      ///< versioned, as files carry it
  const std::string& name() const { return spec_->name; }  ///< what a user types
  bool is_golden() const { return spec_->kind == GridSpec::Kind::golden; }
  bool is_integer() const { return spec_->kind == GridSpec::Kind::integer; }
  bool is_table() const { return spec_->kind == GridSpec::Kind::table; }
  bool is_gf16() const { return is_golden() && spec_->exponent_bits == 6 && spec_->fraction_bits == 9; }

  /// Whether the code stands for a point: no NaN, no infinity, no spare bit, no integer out of range.
  bool contains(Code code) const;

  /// Whether z is a zero point of this grid: a code of it, or 0 where it has none.
  bool takes_zero(int z) const { return spec_->zero_points ? spec_->first <= z && z <= spec_->last : z == 0; }

  /// Whether s may be a scale: finite, not 0, positive unless the grid takes either sign.
  bool takes_scale(float s) const;

  /// The point g of a code, exact; NaN when the grid does not contain the code.
  double value(Code code, int zero = 0) const;

  /// argmin_c |x - s g_c|; ties to the even word (golden), the even value (integer), the even index (table); beyond the
  /// ends the end. The sign of a golden zero is that of x, so that for s = 1 this is GoldenFloat::encode with
  /// infinities replaced by the largest finite value. A NaN gives the code of the point nearest to 0 (table: index 0):
  /// test clipped() first where x may be one. T2, T7; Coq `scaled_nearest`.
  Code nearest(double x, Step step) const;

  /// x is NaN or lies further out than half a gap beyond the last point (table: beyond the last point), where
  /// half_gap() promises nothing.
  bool clipped(double x, Step step) const;

  /// An upper bound of |x - nearest(x, s)| for x that is not clipped. T2, T7; Coq `scaled_error`, `scaled_gf16_error`.
  /// golden: max(2^-(M+1) |x|, |s| 2^(lowest_bit-1)), exact; integer: |s|/2, exact; table: half the gap around x,
  /// rounded up.
  double half_gap(double x, Step step) const;

  /// Whether s g is exact in binary32 for every point g: s and g have together at most 24 significant bits, no product
  /// reaches 2^128, and none has a bit below 2^-149. Sufficient always, and necessary for golden grids up to the bit
  /// count.
  bool exact_in_binary32(float s) const;

  /// Same id, same points.
  friend bool operator==(const Grid& a, const Grid& b);

 private:
  // Golden grids are symmetric: k = 0 .. last_magnitude() numbers the points from 0 upward.
  std::uint32_t sign_bit() const { return 1u << (spec_->exponent_bits + spec_->fraction_bits); }
  std::uint32_t last_magnitude() const { return (((1u << spec_->exponent_bits) - 1) << spec_->fraction_bits) - 1; }
  double magnitude(std::uint32_t k) const;
  double midpoint(std::uint32_t k) const;     // of points k and k + 1
  std::uint32_t point_below(double q) const;  // the largest k with g_k <= q, for 0 <= q < largest
  std::uint32_t nearest_magnitude(double a, double s) const;
  int nearest_integer(double x, double s, int zero) const;
  std::uint32_t nearest_index(double x, double s) const;

  std::shared_ptr<const GridSpec> spec_;
};

/// The names of all families, for people.
std::span<const std::string_view> grid_names();

}  // namespace hallmark
