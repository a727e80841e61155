// The upper triangle of U cut into strips of kStrip columns, each stored as the kernels read it: [k][kStrip] for k up
// to the strip's last column. Half the memory of U, and contiguous.
#pragma once

#include <algorithm>
#include <array>

#include "linalg/buffer.hpp"
#include "linalg/strip.hpp"

namespace hallmark {

template <class T>
class UpperStrips {
 public:
  UpperStrips() = default;

  /// Every entry of the unit upper triangular U [n, n] rounded once to T; zeros below the diagonal, which is not read
  /// there, and beyond n.
  template <class Source>
  explicit UpperStrips(const Matrix<Source>& U) : columns_(U.cols()), data_(static_cast<std::size_t>(offset(count()))) {
    constexpr Index kTogether = 8;  // strips filled together: a row of U is read by whole cache lines, a page at a time
    const Index groups = (count() + kTogether - 1) / kTogether;
#pragma omp parallel for schedule(dynamic) if (U.size() > 1 << 16)
    for (Index group = groups - 1; group >= 0; --group) {  // the longest columns first
      const Index s0 = group * kTogether, s1 = std::min(count(), s0 + kTogether);
      std::array<T*, kTogether> out{};
      for (Index s = s0; s < s1; ++s)
        out[static_cast<std::size_t>(s - s0)] = &data_[static_cast<std::size_t>(offset(s))];
      for (Index k = 0; k < s1 * kStrip; ++k)
        for (Index s = std::max(s0, k / kStrip); s < s1; ++s) {
          T*& to = out[static_cast<std::size_t>(s - s0)];
          const Index j0 = s * kStrip;
          if (k < j0 && j0 + kStrip <= columns_)
            std::transform(&U(k, j0), &U(k, j0) + kStrip, to, [](Source x) { return static_cast<T>(x); });
          else
            for (Index c = 0; c < kStrip; ++c)
              to[c] = k <= j0 + c && j0 + c < columns_ ? static_cast<T>(U(k, j0 + c)) : T(0);
          to += kStrip;
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
  Buffer<T> data_;
};

}  // namespace hallmark
