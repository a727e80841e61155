// The factorization program H = U D U^T (linalg/factor.hpp), columns [begin, end) at a time from the right. Position
// q = end - 1 - k counts the columns of a block in the order in which they finish.
#pragma once

#include <cmath>

#include "cuda/host_device.hpp"

namespace hallmark::cuda {

struct FactorBlock {
  double* H;             // [n, n]; above and on the diagonal H, then C, in the end U
  double* d;             // [n]
  double* inner_u;       // U_jk of the block's own rows j < k: [q of k][j - begin], row length `end - begin`
  double* outer_c;       // C_ik of the rows above the block: [q of k][i], row length `begin`
  double* outer_u;       // U_ik likewise
  std::int64_t* failed;  // the first pivot that is not positive and finite, or -1
  std::int64_t n, begin, end;

  HALLMARK_HOST_DEVICE double& at_H(std::int64_t i, std::int64_t j) const { return H[i * n + j]; }
};

/// Rows begin <= i <= j < end: two phases per column, one block of threads.
struct FactorDiagonal : FactorBlock {
  HALLMARK_HOST_DEVICE std::int64_t blocks() const { return 1; }
  HALLMARK_HOST_DEVICE std::int64_t phases() const { return 2 * (end - begin); }

  HALLMARK_HOST_DEVICE void operator()(const Place& at) const {
    const std::int64_t q = at.phase / 2, k = end - 1 - q, above = k - begin;
    double* u = inner_u + q * (end - begin);
    if (at.phase % 2 == 0) {
      const double pivot = at_H(k, k);
      for (std::int64_t j = at.thread; j < above; j += kThreads) u[j] = at_H(begin + j, k) / pivot;
      if (at.thread != 0) return;
      d[k] = pivot;
      if (*failed < 0 && !(pivot > 0 && pivot <= 0x1.fffffffffffffp1023)) *failed = k;
      return;
    }
    // A row for every 32 threads, which lie beside each other in it.
    constexpr std::int64_t side = 32;
    for (std::int64_t i = at.thread / side; i < above; i += kThreads / side)
      for (std::int64_t j = i - i % side + at.thread % side; j < above; j += side)
        if (i <= j) at_H(begin + i, begin + j) = std::fma(-at_H(begin + i, k), u[j], at_H(begin + i, begin + j));
  }
};

/// The rows above the block, a thread each: C in the block's columns, k decreasing, then U = C / d.
struct FactorSolve : FactorBlock {
  HALLMARK_HOST_DEVICE std::int64_t blocks() const { return blocks_for(begin); }

  HALLMARK_HOST_DEVICE void operator()(const Place& at) const {
    const std::int64_t i = at.index(), width = end - begin;
    if (i >= begin) return;
    for (std::int64_t q = 0; q < width; ++q) {
      const std::int64_t j = end - 1 - q;
      double c = at_H(i, j);
      for (std::int64_t earlier = 0; earlier < q; ++earlier)
        c = std::fma(-outer_c[earlier * begin + i], inner_u[earlier * width + j - begin], c);
      outer_c[q * begin + i] = c;
      at_H(i, j) = outer_u[q * begin + i] = c / d[j];
    }
  }
};

/// C_ij over the block's columns, k decreasing, for i <= j < begin. A thread owns kRows rows of one column.
struct FactorUpdate : FactorBlock {
  static constexpr std::int64_t kRows = 8;

  HALLMARK_HOST_DEVICE std::int64_t blocks() const { return blocks_for(begin) * ((begin + kRows - 1) / kRows); }

  HALLMARK_HOST_DEVICE void operator()(const Place& at) const {
    const std::int64_t column_blocks = blocks_for(begin), i0 = at.block / column_blocks * kRows;
    const std::int64_t j = at.block % column_blocks * kThreads + at.thread, top = begin - 1;
    if (j >= begin || i0 > j) return;
    double acc[kRows];
    for (std::int64_t r = 0; r < kRows; ++r) acc[r] = at_H(i0 + r < top ? i0 + r : top, j);
    for (std::int64_t q = 0; q < end - begin; ++q) {
      const double u = outer_u[q * begin + j];
      for (std::int64_t r = 0; r < kRows; ++r)
        acc[r] = std::fma(-outer_c[q * begin + (i0 + r < top ? i0 + r : top)], u, acc[r]);
    }
    for (std::int64_t r = 0; r < kRows; ++r)
      if (i0 + r <= j) at_H(i0 + r, j) = acc[r];
  }
};

/// In the end: U in the rows of the block itself.
struct FactorFinish : FactorBlock {
  HALLMARK_HOST_DEVICE std::int64_t blocks() const { return blocks_for((end - begin) * (end - begin)); }

  HALLMARK_HOST_DEVICE void operator()(const Place& at) const {
    const std::int64_t width = end - begin, j = at.index() / width, k = at.index() % width;
    if (j < k && j < width) at_H(begin + j, begin + k) = at_H(begin + j, begin + k) / d[begin + k];
  }
};

/// Ones on the diagonal, zeros below.
struct FactorTriangle {
  double* H;
  std::int64_t n;

  HALLMARK_HOST_DEVICE std::int64_t blocks() const { return blocks_for(n * n); }

  HALLMARK_HOST_DEVICE void operator()(const Place& at) const {
    const std::int64_t i = at.index() / n, j = at.index() % n;
    if (i < n && j <= i) H[i * n + j] = i == j ? 1 : 0;
  }
};

}  // namespace hallmark::cuda
