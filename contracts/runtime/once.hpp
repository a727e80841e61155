// Numbers rounded once: the first stage of the printed contracts about points and distances, in binary32 where the
// inputs are exact there. It says yes or nothing.
//
// Rounding to nearest is monotone (subnormals and infinities included), so fl(x) < fl(y) gives x < y, whatever the
// errors are, and the maximum of rounded numbers is the rounded maximum. Equal distances are of the same points, or
// have to be exact. NaN compares false.
#pragma once

#include "contracts/runtime/lanes.hpp"

namespace hallmark::contracts {
inline namespace HALLMARK_UNIT {

/// Rows of a unit: a vector of binary32 is as long as one of kRowsAtOnce in binary64.
inline constexpr std::size_t kRowsOfUnit = 2 * kRowsAtOnce;

template <class T>
struct RowOf;
template <>
struct RowOf<float> {
  using Row = float __attribute__((vector_size(kRowsOfUnit * sizeof(float))));
  using Mask = std::int32_t __attribute__((vector_size(kRowsOfUnit * sizeof(float))));
  static constexpr std::int32_t kMagnitude = INT32_MAX;
};
template <>
struct RowOf<double> {
  using Row = double __attribute__((vector_size(kRowsOfUnit * sizeof(double))));
  using Mask = std::int64_t __attribute__((vector_size(kRowsOfUnit * sizeof(double))));
  static constexpr std::int64_t kMagnitude = INT64_MAX;
};

/// The operations on rows of T; ties: distances that are equal are decided too.
template <class T, bool ties>
struct OnceOps {
  using Row = typename RowOf<T>::Row;
  using Truth = typename RowOf<T>::Mask;  ///< yes; otherwise nothing is known

  struct Once {  ///< the true number, rounded
    Row v;
  };
  struct Known {  ///< exact
    Row v;
  };
  struct Gap {  ///< fl(left - right)
    Row v, left, right;
  };
  struct Distance {  ///< fl |left - right|
    Gap gap;
    Row v;
  };
  struct Factor {  ///< exact
    T v;
  };
  friend Gap operator-(const Known& a, const Known& b) { return {a.v - b.v, a.v, b.v}; }
  friend Once operator*(const Factor& a, const Known& b) { return {a.v * b.v}; }

  static Row magnitude(const Row& x) { return (Row)((Truth)x & RowOf<T>::kMagnitude); }
  static Known value(const Row& x) { return {x}; }
  static Factor rational(std::int64_t numerator, std::int64_t denominator) {  // powers of two
    return {static_cast<T>(numerator) / static_cast<T>(denominator)};
  }
  static Known abs(const Known& a) { return {magnitude(a.v)}; }
  static Distance abs(const Gap& a) { return {a, magnitude(a.v)}; }
  static Once max(const Once& a, const Once& b) { return {a.v > b.v ? a.v : b.v}; }

  static Truth le(const Distance& a, const Once& b) { return a.v < b.v; }
  static Truth le(const Distance& a, const Distance& b) {
    const Truth less = (a.v < b.v) | ((a.gap.left == b.gap.left) & (a.gap.right == b.gap.right));
    if constexpr (ties) return less | ((a.v == b.v) & exact(a.gap) & exact(b.gap));
    else return less;
  }
  static Truth yes() { return ~Truth{}; }
  static Truth both(const Truth& p, const Truth& q) { return p & q; }

 private:
  // A difference is exact when it gives both of its terms back: the larger one decides (TwoSum).
  static Truth exact(const Gap& a) { return (a.left - a.v == a.right) & (a.right + a.v == a.left); }
};

}  // namespace HALLMARK_UNIT
}  // namespace hallmark::contracts
