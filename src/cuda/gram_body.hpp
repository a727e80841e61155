// Gram accumulation (linalg/gram.hpp): inside a chunk tokens increasing, one fma each; the sums of chunks added in
// their order.
#pragma once

#include <cmath>

#include "cuda/host_device.hpp"

namespace hallmark::cuda {

/// sum_ba = fma(x_ta, x_tb, sum_ba) for t = 0 .. tokens - 1, b <= a. A thread owns kRows rows b of one column a.
struct GramTile {
  static constexpr std::int64_t kRows = 8;

  const float* X;  // [tokens, columns]
  double* sum;     // [columns, columns], b <= a only
  std::int64_t tokens, columns;

  HALLMARK_HOST_DEVICE std::int64_t blocks() const { return blocks_for(columns) * ((columns + kRows - 1) / kRows); }

  HALLMARK_HOST_DEVICE void operator()(const Place& at) const {
    const std::int64_t column_blocks = blocks_for(columns), b0 = at.block / column_blocks * kRows;
    const std::int64_t a = at.block % column_blocks * kThreads + at.thread;
    if (a >= columns || b0 > a) return;
    double acc[kRows];
    for (std::int64_t r = 0; r < kRows; ++r) acc[r] = b0 + r <= a ? sum[(b0 + r) * columns + a] : 0;
    for (std::int64_t t = 0; t < tokens; ++t) {
      const double x = X[t * columns + a];
      for (std::int64_t r = 0; r < kRows; ++r)
        acc[r] = std::fma(x, static_cast<double>(X[t * columns + (b0 + r <= a ? b0 + r : a)]), acc[r]);
    }
    for (std::int64_t r = 0; r < kRows; ++r)
      if (b0 + r <= a) sum[(b0 + r) * columns + a] = acc[r];
  }
};

/// The end of a chunk: before += sum, sum = 0.
struct GramChunkEnd {
  double *before, *sum;
  std::int64_t count;

  HALLMARK_HOST_DEVICE std::int64_t blocks() const { return blocks_for(count); }

  HALLMARK_HOST_DEVICE void operator()(const Place& at) const {
    const std::int64_t k = at.index();
    if (k >= count) return;
    before[k] += sum[k];
    sum[k] = 0;
  }
};

}  // namespace hallmark::cuda
