// The inner loop of the recurrence and of the losses: chains of fma over the rows of an upper triangular U.
#pragma once

#include <cmath>

#include "cuda/host_device.hpp"

namespace hallmark::cuda {

/// Columns of a strip, as in linalg/strip.hpp.
inline constexpr std::int64_t kStripColumns = 8;

/// method/upper_strips.hpp on the device: U_kj is strip(j / 8)[k * 8 + j % 8] for k < 8 (j / 8 + 1).
template <class T>
struct DeviceStrips {
  const T* data;  // at a multiple of 16 bytes, as every strip and every row of one is then
  HALLMARK_HOST_DEVICE const T* strip(std::int64_t s) const {
    return data + kStripColumns * kStripColumns * s * (s + 1) / 2;
  }
};

/// out[j][r] = fma(e[k][r], U_kj, out[j][r]) for k = begin .. min(end, last row of j's strip) - 1, increasing, where
/// 8 first_strip <= j < columns and r < rows; from +0 when `fresh`. e and out are [columns][rows], the same array only
/// where all k lie below all j. A thread owns 8 columns of kRows rows.
template <class T>
struct StripProduct {
  static constexpr std::int64_t kRows = 4;

  DeviceStrips<T> U;
  const T* e;
  T* out;
  std::int64_t rows, columns, begin, end, first_strip;
  bool fresh;

  HALLMARK_HOST_DEVICE std::int64_t row_blocks() const { return blocks_for((rows + kRows - 1) / kRows); }
  HALLMARK_HOST_DEVICE std::int64_t blocks() const {
    return row_blocks() * ((columns + kStripColumns - 1) / kStripColumns - first_strip);
  }

  HALLMARK_HOST_DEVICE void operator()(const Place& at) const {
    const std::int64_t strip = first_strip + at.block / row_blocks(), j0 = strip * kStripColumns;
    std::int64_t row[kRows];
    T acc[kStripColumns][kRows];
    for (std::int64_t i = 0; i < kRows; ++i) {
      row[i] = (at.block % row_blocks() * kRows + i) * kThreads + at.thread;
      for (std::int64_t c = 0; c < kStripColumns; ++c)
        acc[c][i] = !fresh && row[i] < rows && j0 + c < columns ? out[(j0 + c) * rows + row[i]] : T(0);
    }
    if (row[0] >= rows) return;
    const T* u = U.strip(strip);
    const std::int64_t above = j0 + kStripColumns, stop = end < above ? end : above;
    for (std::int64_t k = begin; k < stop; ++k) {
      T x[kRows];
      for (std::int64_t i = 0; i < kRows; ++i) x[i] = row[i] < rows ? e[k * rows + row[i]] : T(0);
      const auto u_row = Pack<T, kStripColumns>::from(u + k * kStripColumns);
      for (std::int64_t c = 0; c < kStripColumns; ++c)
        for (std::int64_t i = 0; i < kRows; ++i) acc[c][i] = std::fma(x[i], u_row.at[c], acc[c][i]);
    }
    for (std::int64_t c = 0; c < kStripColumns; ++c)
      for (std::int64_t i = 0; i < kRows; ++i)
        if (row[i] < rows && j0 + c < columns) out[(j0 + c) * rows + row[i]] = acc[c][i];
  }
};

}  // namespace hallmark::cuda
