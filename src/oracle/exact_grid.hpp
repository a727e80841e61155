// The grids of docs/design.md section 1 from their definition, for exact numbers. Nothing here is shared with
// src/format, which it judges.
#pragma once

#include <gmpxx.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "oracle/dyadic.hpp"

namespace hallmark::oracle {

using Code = std::uint16_t;

/// What rounding to the nearest point decides of one number.
template <class Number>
struct Nearest {
  Code code = 0;         ///< ties to even, the end where x lies beyond it; a zero of a golden grid has the sign of x
  bool clipped = false;  ///< golden, integer: further than half a gap beyond the last point; codebook: beyond it
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
  /// -(2^(bits-1)-1) .. 2^(bits-1)-1; codes are the integers, sign-extended. bits <= 16 (replays need more than files
  /// do).
  static ExactGrid integer(int bits);
  /// Increasing finite values; codes are indices.
  static ExactGrid codebook(std::vector<float> values);
  /// gf16, bf16, fp16, gf:E,M, int2 .. int8, with or without "/1".
  static std::optional<ExactGrid> parse(std::string_view name);

  /// Whether the code stands for a point.
  bool contains(Code code) const;

  /// The point of a code that the grid contains; at most 13 bits, so exact in binary64.
  double value(Code code) const;

  /// The nearest point of {s g}, s > 0, decided on exact numbers.
  Nearest<mpq_class> nearest(const mpq_class& x, const mpq_class& s) const;
  Nearest<Dyadic> nearest(const Dyadic& x, const Dyadic& s) const;

  /// Decides a code that the grid contains: x and scale finite, scale > 0. Two comparisons in place of a search.
  Confirmed confirm(Code code, float x, float scale) const;

 private:
  enum class Kind { golden, integer, codebook };
  ExactGrid(Kind kind, std::vector<double> points) : kind_(kind), points_(std::move(points)) {}

  std::optional<std::size_t> position(Code code) const;
  Code code_at(std::size_t position, bool negative) const;  // negative: the sign of a golden zero
  bool is_even(std::size_t position) const;
  template <class Number>
  int side(const Number& x, const Number& s, std::size_t k) const;  // the sign of x - midpoint of points k and k + 1
  template <class Number>
  bool is_above(const Number& x, const Number& s, std::size_t k) const;
  template <class Number>
  bool is_clipped(const Number& x, const Number& s, std::size_t k) const;
  template <class Number>
  Nearest<Number> nearest_point(const Number& x, const Number& s) const;

  Kind kind_;
  int word_bits_ = 0;           // golden: E + M
  std::vector<double> points_;  // all, increasing, zero once
};

}  // namespace hallmark::oracle
