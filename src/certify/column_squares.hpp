// Norms of the columns of U, as the bounds of T11 need them.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "method/upper_strips.hpp"

namespace hallmark {

/// sum_{k < p} U_kp^2 of every column p, k increasing; eight columns side by side.
template <class T>
std::vector<double> column_squares(const UpperStrips<T>& U) {
  std::vector<double> squares(static_cast<std::size_t>(U.columns()), 0.0);
#pragma omp parallel for schedule(dynamic) if (U.columns() > 256)
  for (Index s = 0; s < U.count(); ++s) {
    std::array<double, static_cast<std::size_t>(kStrip)> sums{};
    const Index begin = s * kStrip;
    const T* row = U.strip(s);
    for (Index k = 0; k < begin; ++k, row += kStrip)
      for (std::size_t c = 0; c < sums.size(); ++c)
        sums[c] += static_cast<double>(row[c]) * static_cast<double>(row[c]);
    for (Index p = begin; p < std::min(U.columns(), begin + kStrip); ++p) {
      double sum = sums[static_cast<std::size_t>(p - begin)];
      for (Index k = 0; k < p - begin; ++k) {
        const auto entry = static_cast<double>(row[k * kStrip + p - begin]);
        sum += entry * entry;
      }
      squares[static_cast<std::size_t>(p)] = sum;
    }
  }
  return squares;
}

/// The same of U by rows.
inline std::vector<double> column_squares(const Matrix<double>& U) {
  constexpr Index kColumns = 256;
  std::vector<double> squares(static_cast<std::size_t>(U.cols()), 0.0);
#pragma omp parallel for schedule(dynamic) if (U.cols() > kColumns)
  for (Index begin = 0; begin < U.cols(); begin += kColumns) {
    const Index end = std::min(U.cols(), begin + kColumns);
    for (Index k = 0; k < end; ++k) {
      const double* row = U.data() + k * U.cols();
      for (Index p = std::max(begin, k + 1); p < end; ++p) squares[static_cast<std::size_t>(p)] += row[p] * row[p];
    }
  }
  return squares;
}

}  // namespace hallmark
