// The grids of docs/design.md section 1 from their definition, for exact numbers. Nothing here is shared with
// src/format, which it judges, but the description of a grid as data.
#pragma once

#include <gmpxx.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "format/grid_spec.hpp"
#include "oracle/dyadic.hpp"

namespace hallmark::oracle {

using hallmark::Code;

/// What rounding to the nearest point decides of one number.
template <class Number>
struct Nearest {
  Code code = 0;         ///< ties to even, the end where x lies beyond it; a zero of a golden grid has the sign of x
  bool clipped = false;  ///< golden, integer: further than half a gap beyond the last point; table: beyond it
  Number margin;  ///< distance of x from the nearest place where the code changes (the sign of zero does not count)
};

/// What confirm finds of one code.
struct Confirmed {
  bool nearest = false;  ///< it is the nearest point, ties to even, a golden zero with the sign of x (of -0 too)
  bool clipped = false;  ///< and x lies beyond the grid
};

class ExactGrid {
 public:
  /// The finite values of GF(E,M); codes are words.
  static ExactGrid golden(int exponent_bits, int fraction_bits);
  /// first .. last, 16 bits at most (replays need more than files do); codes are the integers, sign-extended. The value
  /// of a code is code - zero below, where `zero` is another number than 0 for grids with zero points only.
  static ExactGrid integer(int first, int last);
  /// Increasing finite values; codes are indices.
  static ExactGrid table(std::vector<float> values);
  static ExactGrid of(const GridSpec& spec);

  /// Whether the code stands for a point.
  bool contains(Code code) const;

  /// The point of a code that the grid contains; at most 13 bits, so exact in binary64.
  double value(Code code, int zero = 0) const;

  /// The nearest point of {s g}, s not 0, decided on exact numbers; for s < 0 that of -x under -s.
  Nearest<mpq_class> nearest(const mpq_class& x, const mpq_class& s, int zero = 0) const;
  Nearest<Dyadic> nearest(const Dyadic& x, const Dyadic& s, int zero = 0) const;

  /// Decides a code that the grid contains: x and scale finite, scale not 0. Two comparisons in place of a search.
  Confirmed confirm(Code code, float x, float scale, int zero = 0) const;

 private:
  using Kind = GridSpec::Kind;
  ExactGrid(Kind kind, std::vector<double> points) : kind_(kind), points_(std::move(points)) {}

  std::optional<std::size_t> position(Code code) const;
  Code code_at(std::size_t position, bool negative) const;  // negative: the sign of a golden zero
  bool is_even(std::size_t position, int zero) const;
  double point(std::size_t position, int zero) const { return points_[position] - zero; }
  // Below s > 0. side: the sign of x - midpoint of points k and k + 1.
  template <class Number>
  int side(const Number& x, const Number& s, int zero, std::size_t k) const;
  template <class Number>
  bool is_above(const Number& x, const Number& s, int zero, std::size_t k) const;
  template <class Number>
  bool is_clipped(const Number& x, const Number& s, int zero, std::size_t k) const;
  template <class Number>
  Nearest<Number> nearest_point(const Number& x, const Number& s, int zero) const;

  Kind kind_;
  int word_bits_ = 0;           // golden: E + M
  std::vector<double> points_;  // all, increasing, zero once
};

}  // namespace hallmark::oracle
