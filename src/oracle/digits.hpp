// Vectors of exact dyadic numbers over one power of two, cut into machine words, and their exact inner products: what
// makes exact arithmetic on whole layers take seconds.
//
//   x_j = 2^exponent sum_p plane[p][j] 2^(56 p),   |plane[p][j]| < 2^56, all planes of one x_j with its sign
//
// A product of two digits is below 2^112, so 2^14 of them add up in 128 bits without overflow; longer sums are carried
// over to GMP in between. There are as many planes as the numbers need: nothing is rounded, and no range can be
// exceeded.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "oracle/dyadic.hpp"

namespace hallmark::oracle {

struct Digits {
  long exponent = 0;
  std::size_t size = 0;
  std::vector<std::vector<std::int64_t>> plane;
};

Digits digits_of(std::span<const Dyadic> x);
Digits digits_of(std::span<const double> x);  ///< finite numbers

/// sum over j < count of x_j y_{first + j}; count <= x.size, first + count <= y.size.
Dyadic dot(const Digits& x, const Digits& y, std::size_t count, std::size_t first = 0);

/// The same of absolute values.
Dyadic dot_of_magnitudes(const Digits& x, const Digits& y, std::size_t count, std::size_t first = 0);

}  // namespace hallmark::oracle
