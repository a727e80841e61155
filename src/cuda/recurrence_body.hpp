// The columns of one panel of the recurrence (method/recurrence.hpp), a thread per row.
#pragma once

#include "cuda/device_grid.hpp"
#include "cuda/row_loss.hpp"
#include "cuda/strip_product.hpp"

namespace hallmark::cuda {

/// What is rounded, row-major as on the host.
struct DeviceTarget {
  const float* W;             // [rows, columns]
  const float* scales;        // [rows, groups]
  const std::int16_t* zeros;  // [rows, groups], or null where all are 0
  const std::int64_t* order;  // order[p]: the column that comes p-th
  std::int64_t columns, groups, group_size;
  DeviceGrid grid;

  HALLMARK_HOST_DEVICE DeviceStep step(std::int64_t row, std::int64_t column) const {
    const std::int64_t at = row * groups + (group_size == 0 ? 0 : column / group_size);
    return {scales[at], zeros == nullptr ? 0 : zeros[at]};
  }
};

/// For p = begin .. end - 1: sums[p][r], which holds the chain over k < begin, goes on over k = begin .. p - 1; then
/// u_p, q_p and e_p, which takes the place of the sum.
struct RecurrencePanel {
  DeviceTarget target;
  DeviceStrips<float> U;
  float* sums;             // [order][count]
  float* shown;            // u, [order][count], or null
  std::uint16_t* codes;    // [rows, columns]
  std::int64_t* clipped;   // [count], counted up
  std::int64_t* overflow;  // [count], the first p whose u is not finite, or -1
  DeviceWeights weights;   // null: no sums of the losses
  RowLoss* losses;         // [count], of t_p = fl(r_p + e_p)
  std::int64_t first, count, begin, end;

  HALLMARK_HOST_DEVICE std::int64_t blocks() const { return blocks_for(count); }

  HALLMARK_HOST_DEVICE void operator()(const Place& at) const {
    const std::int64_t r = at.index(), row = first + r;
    if (r >= count) return;
    for (std::int64_t p = begin; p < end; ++p) {
      const float* u_column = U.strip(p / kStripColumns) + p % kStripColumns;
      float sum = sums[p * count + r];
      for (std::int64_t k = begin; k < p; ++k) sum = std::fma(sums[k * count + r], u_column[k * kStripColumns], sum);
      const std::int64_t column = target.order[p], element = row * target.columns + column;
      const DeviceStep step = target.step(row, column);
      const float w = target.W[element], u = w + sum;
      if (shown != nullptr) shown[p * count + r] = u;
      if (!(std::fabs(u) <= 0x1.fffffep127F) && overflow[r] < 0) overflow[r] = p;
      const std::uint16_t code = target.grid.nearest(u, step);
      codes[element] = code;
      clipped[r] += target.grid.clipped(u, step);
      const float e = std::fma(-step.scale, static_cast<float>(target.grid.value(code, step.zero)), w);
      sums[p * count + r] = e;
      if (weights.d != nullptr) losses[r].add(weights, p, e, sum + e);
    }
  }
};

}  // namespace hallmark::cuda
