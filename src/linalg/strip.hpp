// The one inner loop that the Gram matrix, the factorization, the recurrence and the losses share: a tile of
// kStrip x kLanes<T> accumulators, each one chain of fused multiply-adds in the order in which the terms are packed.
// Lanes are independent entries, so the bits do not depend on the vector width.
#pragma once

#include "linalg/matrix.hpp"

namespace hallmark {

/// Columns of a strip: the entries that are broadcast.
inline constexpr Index kStrip = 8;

/// Lanes of a strip: three vectors of 512 bits; 24 accumulators in all.
template <class T>
inline constexpr Index kLanes = static_cast<Index>(192 / sizeof(T));

/// acc[c][r] = fma(a[k][r], b[k][c], acc[c][r]) for k = 0, 1, .., count-1 in this order.
/// a: [count][kLanes], b: [count][kStrip], both packed; acc: kStrip rows of kLanes entries, `stride` apart, aliasing
/// neither. Rounding: T11 (one rounding per term).
void accumulate_strip(const float* a, const float* b, Index count, float* acc, Index stride);
void accumulate_strip(const double* a, const double* b, Index count, double* acc, Index stride);

/// acc[c][r] = fma(-a[k][r], b[k][c], acc[c][r]) for k = 0, 1, .., count-1 in this order; as above otherwise.
void subtract_strip(const double* a, const double* b, Index count, double* acc, Index stride);

/// One term of some columns only, acc[c][r] = fma(a[r], b[c], acc[c][r]) for c < columns; acc: rows of kLanes entries.
void accumulate_column(const float* a, const float* b, Index columns, float* acc);
/// acc[c][r] = fma(-a[r], b[c], acc[c][r]).
void subtract_column(const double* a, const double* b, Index columns, double* acc);

/// y[i] = fma(x[i], c, y[i]) for i < length; x and y do not overlap.
void multiply_add(const double* x, double c, double* y, Index length);

/// The plain twins.
template <class T>
void accumulate_strip_ref(const T* a, const T* b, Index count, T* acc, Index stride);
template <class T>
void multiply_add_ref(const T* x, T c, T* y, Index length);

}  // namespace hallmark
