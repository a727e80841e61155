// The search for trellis codes (format/trellis.hpp) under the recurrence of GPTQ. For the columns p = 0, 1, .. a path
// is a choice of all codes before p, with its errors e_k = w_k - s g_k and its loss so far (T1):
//
//   u_p = w_p + sum_{k<p} e_k U_kp       cost = sum_{k<p} d_k (u_k - s g_k)^2
//
// Each path goes on with every code; of those with equal windows the cheapest stays, and of all the kTrellisPaths
// cheapest. Without feedback (U = I) and as many paths as windows this is Viterbi's algorithm. Feedback within the row
// is exact for each path: no block of columns is quantized as if its errors were independent.
#pragma once

#include <span>
#include <vector>

#include "format/grid_spec.hpp"
#include "method/upper_strips.hpp"

namespace hallmark {

/// The paths that are kept: the lanes of a strip (SIMD).
inline constexpr Index kTrellisPaths = kLanes<float>;

/// Codes of a row and the sum of d_p (u_p - s g_p)^2 over them, in binary32; infinite where something overflowed.
struct TrellisPath {
  std::vector<Code> codes;
  float cost = 0;
};

/// The columns `order`, increasing, of a row w, whose H = U D U^T (U.columns() == order.size() == d.size()); columns
/// that are not in it get the code whose point is nearest. w finite, s > 0 finite, `bits` 2 or 3.
TrellisPath trellis_path(std::span<const float> w, float s, int bits, std::span<const Index> order,
                         const UpperStrips<float>& U, const Vector<double>& d);

/// The plain twin: one path after another, with U [n, n].
TrellisPath trellis_path_ref(std::span<const float> w, float s, int bits, std::span<const Index> order,
                             const Matrix<float>& U, const Vector<double>& d);

}  // namespace hallmark
