// The losses of any codes (method/loss.hpp) in the format T, a thread per row: the errors, then, between the two
// bodies, the product t = e U (strip_product.hpp), then the sums.
#pragma once

#include "cuda/recurrence_body.hpp"

namespace hallmark::cuda {

/// e[p][r] = fl(w - s value(code)), one rounding, for row rows[r].
template <class T>
struct LossErrors {
  DeviceTarget target;
  const std::uint16_t* codes;  // [rows, columns]
  const std::int64_t* rows;
  T* e;  // [n][count]
  std::int64_t n, count;

  HALLMARK_HOST_DEVICE std::int64_t blocks() const { return blocks_for(n * count); }

  HALLMARK_HOST_DEVICE void operator()(const Place& at) const {
    if (at.index() >= n * count) return;
    const std::int64_t p = at.index() / count, row = rows[at.index() % count];
    const std::int64_t column = target.order[p], element = row * target.columns + column;
    const DeviceStep step = target.step(row, column);
    const T point = static_cast<T>(target.grid.value(codes[element], step.zero));
    e[at.index()] = std::fma(-static_cast<T>(step.scale), point, static_cast<T>(target.W[element]));
  }
};

/// The sums over increasing p.
template <class T>
struct LossRows {
  DeviceWeights weights;
  const T* e;  // [n][count]
  const T* t;  // [n][count]
  RowLoss* sums;
  std::int64_t n, count;

  HALLMARK_HOST_DEVICE std::int64_t blocks() const { return blocks_for(count); }

  HALLMARK_HOST_DEVICE void operator()(const Place& at) const {
    const std::int64_t r = at.index();
    if (r >= count) return;
    RowLoss sum;
    for (std::int64_t p = 0; p < n; ++p) sum.add(weights, p, e[p * count + r], t[p * count + r]);
    sums[r] = sum;
  }
};

}  // namespace hallmark::cuda
