// One byte of a model's prediction.
#pragma once

#include <algorithm>
#include <cstddef>

#include "linalg/matrix.hpp"
#include "replay/calibration.hpp"
#include "replay/kernels.hpp"

namespace hallmark::replay {

inline std::byte uniform_byte(SplitMix64& random) { return static_cast<std::byte>(random() >> 56); }

/// Uniform in [0, 1), 53 bits.
inline double uniform_share(SplitMix64& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

/// A byte of softmax(logits / temperature): the first whose cumulated weight is above a uniform share of all. `logits`
/// is overwritten.
inline std::byte drawn_byte(double* logits, Index count, double temperature, SplitMix64& random) {
  const double top = *std::max_element(logits, logits + count);
  for (Index i = 0; i < count; ++i) logits[i] = (logits[i] - top) / temperature;
  exponential(logits, count);
  double sum = 0;
  for (Index i = 0; i < count; ++i) sum += logits[i];
  const double wanted = uniform_share(random) * sum;
  double cumulated = 0;
  for (Index i = 0; i < count; ++i) {
    cumulated += logits[i];
    if (cumulated > wanted) return static_cast<std::byte>(i);
  }
  return static_cast<std::byte>(count - 1);
}

}  // namespace hallmark::replay
