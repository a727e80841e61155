#include "scale/rotation.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "format/trellis.hpp"

namespace hallmark {
namespace {

constexpr std::size_t kBlock = static_cast<std::size_t>(Rotation::kBlock);

// M = M R^T.
template <class T>
void turn(Matrix<T>& M, std::span<const float> signs) {
#pragma omp parallel for schedule(static) if (M.size() > 1 << 16)
  for (Index i = 0; i < M.rows(); ++i)
    for (std::size_t j0 = 0; j0 < signs.size(); j0 += kBlock) {
      T* const at = M.row(i).data() + j0;
      std::array<double, kBlock> x;
      for (std::size_t k = 0; k < kBlock; ++k) x[k] = static_cast<double>(signs[j0 + k]) * static_cast<double>(at[k]);
      hadamard(x.data());
      for (std::size_t k = 0; k < kBlock; ++k) at[k] = static_cast<T>(0.25 * x[k]);
    }
}

// Bits of 16 times the largest value of the grid, in units of its lowest bit.
int bits_of_sum(const GridSpec& grid) {
  const double largest = grid.windowed ? std::max(grid.largest, trellis::kLargest) : grid.largest;
  const double most = std::ldexp(16 * largest, -grid.lowest_bit);
  return static_cast<int>(std::ceil(std::log2(most)));
}

// The sums themselves, without a scale, are numbers of binary32 that are neither tiny nor huge.
bool sums_fit(const GridSpec& grid) { return grid.lowest_bit >= -100 && grid.largest <= 0x1p100; }

}  // namespace

Matrix<float> rotated_weights(MatrixRef<float> W, std::span<const float> signs) {
  Matrix<float> out = W;
  turn(out, signs);
  return out;
}

Matrix<double> rotated_gram(MatrixRef<double> G, std::span<const float> signs) {
  Matrix<double> out = G;
  turn(out, signs);
  out.transposeInPlace();
  turn(out, signs);
  for (Index i = 0; i < out.rows(); ++i)
    for (Index j = 0; j < i; ++j) out(i, j) = out(j, i);
  return out;
}

void rotate_back(std::span<float> x, std::span<const float> signs) {
  for (std::size_t j0 = 0; j0 < signs.size(); j0 += kBlock) {
    hadamard(x.data() + j0);
    for (std::size_t k = 0; k < kBlock; ++k) x[j0 + k] *= 0.25F * signs[j0 + k];
  }
}

bool exact_when_rotated(const Grid& grid, float s) {
  const GridSpec& spec = grid.spec();
  if (spec.zero_points || !sums_fit(spec) || !std::isfinite(s) || s == 0) return false;
  // |s| = m 2^low, m odd.
  const int bits = bits_of_sum(spec), top = std::ilogb(s);
  const auto mantissa = static_cast<std::uint32_t>(std::ldexp(std::fabs(static_cast<double>(s)), 23 - top));
  const int precision = 24 - std::countr_zero(mantissa), low = top - precision + 1, unit = spec.lowest_bit - 2;
  return precision + bits <= 24 && top + 1 + bits + unit <= 127 && low + unit >= -149;
}

bool takes_rotation(const GridSpec& grid) {
  return grid.kind != GridSpec::Kind::golden && !grid.zero_points && sums_fit(grid) && bits_of_sum(grid) + 11 <= 24;
}

}  // namespace hallmark
