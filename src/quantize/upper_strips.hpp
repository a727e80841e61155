// The upper triangle of U cut into strips of kStrip columns, each stored as the kernels read it: [k][kStrip] for k up to
// the strip's last column. Half the memory of U, and contiguous.
#pragma once

#include <vector>

#include "linalg/strip.hpp"

namespace hallmark {

template <class T>
class UpperStrips {
 public:
  UpperStrips() = default;

  /// Every entry of the unit upper triangular U [n, n] rounded once to T; ones on the diagonal, zeros below it and beyond n.
  template <class Source>
  explicit UpperStrips(const Matrix<Source>& U) : columns_(U.cols()), data_(static_cast<std::size_t>(offset(count()))) {
#pragma omp parallel for schedule(dynamic) if (U.size() > 1 << 18)
    for (Index s = 0; s < count(); ++s) {
      T* out = &data_[static_cast<std::size_t>(offset(s))];
      for (Index k = 0; k < (s + 1) * kStrip; ++k)
        for (Index c = 0; c < kStrip; ++c) {
          const Index j = s * kStrip + c;
          *out++ = k <= j && j < columns_ ? static_cast<T>(U(k, j)) : T(0);
        }
    }
  }

  Index columns() const { return columns_; }
  Index count() const { return (columns_ + kStrip - 1) / kStrip; }

  /// Strip s: (s + 1) * kStrip rows of kStrip entries; U_kj is strip(j / kStrip)[k * kStrip + j % kStrip].
  const T* strip(Index s) const { return &data_[static_cast<std::size_t>(offset(s))]; }

 private:
  static constexpr Index offset(Index s) { return kStrip * kStrip * s * (s + 1) / 2; }

  Index columns_ = 0;
  std::vector<T> data_;
};

}  // namespace hallmark
