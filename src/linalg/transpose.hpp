// Tiles of rows turned into tiles of lanes, and back.
#pragma once

#include <cstdint>

#include "linalg/matrix.hpp"

namespace hallmark {

/// to[c * to_stride + r] = from[r * from_stride + c] for r < rows, c < columns. The arrays do not overlap.
void transpose(const float* from, Index from_stride, Index rows, Index columns, float* to, Index to_stride);
void transpose(const std::int32_t* from, Index from_stride, Index rows, Index columns, std::int32_t* to,
               Index to_stride);

/// The plain twin.
template <class T>
void transpose_ref(const T* from, Index from_stride, Index rows, Index columns, T* to, Index to_stride) {
  for (Index r = 0; r < rows; ++r)
    for (Index c = 0; c < columns; ++c) to[c * to_stride + r] = from[r * from_stride + c];
}

}  // namespace hallmark
