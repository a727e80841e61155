// Where the first value that is not a number of R sits. Inputs are refused by index, never repaired.
#pragma once

#include <cmath>
#include <optional>
#include <span>
#include <type_traits>

#include "format/codec_lanes.hpp"
#include "linalg/matrix.hpp"

namespace hallmark {

struct Entry {
  Index row = 0, column = 0;
};

/// The first (row-major) infinity or NaN of M, if any.
template <class T>
std::optional<Entry> first_non_finite(MatrixRef<T> M) {
  bool finite = true;
#pragma omp parallel for schedule(static) reduction(&& : finite) if (M.size() > 1 << 16)
  for (Index i = 0; i < M.rows(); ++i) {
    if constexpr (std::is_same_v<T, float>)
      finite = finite && std::isfinite(largest_magnitude({M.row(i).data(), static_cast<std::size_t>(M.cols())}));
    else  // 0 * x is 0 for finite x and NaN otherwise, and NaN survives every sum: one pass that vectorizes
      finite = finite && (M.row(i).array() * T(0)).sum() == T(0);
  }
  for (Index i = 0; i < M.rows() && !finite; ++i)
    for (Index j = 0; j < M.cols(); ++j)
      if (!std::isfinite(M(i, j))) return Entry{i, j};
  return std::nullopt;
}

}  // namespace hallmark
