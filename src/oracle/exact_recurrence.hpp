// GPTQ's recurrence on a real layer, judged from its codes: with U (the binary32 factor that the production used),
// codes and scales given,
//
//   u_j = w_j + sum_{k<j} (w_k - s_k g_k) U_kj                           exact: no division is left (T9's u)
//   delta_j = G(j+1) sum_{k<j} |e_k| |U_kj| + v |u'_j| + j (1 + G(j)) z + z sum_{k<j} |U_kj|
//
// with v = 2^-24, z = 2^-150, G(m) = m v (1 + m v), e_k = w_k - s_k g_k rounded once to binary32: Coq `emitted_delta`
// with (1 + v)^j <= 1 + G(j) (`gam_closed`), exact and therefore evaluated upward only there. Every element is decided:
// |u'_j - u_j| <= delta_j, and the code is the nearest point to the u'_j that the production computed, ties to even.
// All positions are those of the processing order; T9, T11 (a).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "oracle/digits.hpp"
#include "oracle/exact_grid.hpp"

namespace hallmark::oracle {

enum class Fault {
  not_finite,  ///< u'_j, w_j or s_j is not a finite number, or s_j is 0
  not_a_code,  ///< the grid does not contain the code
  distance,    ///< |u'_j - u_j| > delta_j
  nearest,     ///< another point is nearer to u'_j, or as near and even
};

/// The first position that fails, with both sides of what should hold as left <= right.
struct Offence {
  Fault fault;
  std::size_t position = 0;
  Dyadic left;   ///< distance: |u'_j - u_j|; nearest: |u'_j - s_j g_j|
  Dyadic right;  ///< distance: delta_j;      nearest: the distance to the nearest point (equal to left where a tie went
                 ///< to odd)
  Code expected = 0;  ///< nearest: the code of that point
};

struct RowVerdict {
  std::optional<Offence> offence;  ///< nothing: every element was decided, and holds
  double largest_ratio = 0;        ///< max |u'_j - u_j| / delta_j over the positions before the offence, rounded up
  std::size_t clipped = 0;  ///< positions where u'_j lies beyond the grid (their |u'_j - q_j| is what was measured)
};

/// u_j and delta_j of one position.
struct ExactWeight {
  Dyadic u, delta;
};

class ExactRecurrence {
 public:
  /// U: n * n, row-major, finite, unit upper triangular (only entries above the diagonal are read). n <= 2^24.
  ExactRecurrence(std::span<const float> U, std::size_t n);

  std::size_t columns() const { return columns_.size(); }

  /// One row, n numbers each: weights, scales, zero points (none: all 0), codes, and the u' that were rounded. Const
  /// use from several threads is fine. About n^2 multiplications of machine words.
  RowVerdict judge(const ExactGrid& grid, std::span<const float> w, std::span<const float> scale,
                   std::span<const int> zero, std::span<const Code> codes, std::span<const float> computed) const;

  /// u_j and delta_j of a row whose inputs are finite and codes points of the grid.
  std::vector<ExactWeight> weights(const ExactGrid& grid, std::span<const float> w, std::span<const float> scale,
                                   std::span<const int> zero, std::span<const Code> codes,
                                   std::span<const float> computed) const;

 private:
  std::vector<Digits> columns_;      // column j: U_0j .. U_j-1,j
  std::vector<Dyadic> column_size_;  // sum_{k<j} |U_kj|
};

}  // namespace hallmark::oracle
