// The sums behind the enclosures of one row's loss (method/loss.hpp), columns increasing.
#pragma once

#include <cmath>
#include <type_traits>

#include "cuda/host_device.hpp"

namespace hallmark::cuda {

/// d, root and excess of LossWeights, in processing order; null where no sums are asked for.
struct DeviceWeights {
  const double* d = nullptr;
  const double* root = nullptr;
  const double* excess = nullptr;
};

/// LossSums, and sum |e_j|.
struct RowLoss {
  double squares = 0, size = 0, excess = 0, absolute = 0;

  /// One more column, its error e and t = (e U)_p: the roundings of LossLanes for binary32, of enclose_losses for
  /// binary64.
  template <class T>
  HALLMARK_HOST_DEVICE void add(const DeviceWeights& weights, std::int64_t p, T e, T t) {
    const double a = std::fabs(static_cast<double>(e)), x = t;
    absolute += a;
    if constexpr (std::is_same_v<T, float>) {
      squares = std::fma(weights.d[p] * x, x, squares);
      size = std::fma(a, weights.root[p], size);
      excess = std::fma(weights.excess[p] * a, a, excess);
    } else {
      squares += weights.d[p] * x * x;
      size += a * weights.root[p];
      excess += weights.excess[p] * (a * a);
    }
  }
};

}  // namespace hallmark::cuda
