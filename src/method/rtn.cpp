#include "method/rtn.hpp"

#include <algorithm>
#include <cmath>

#include "format/codec_lanes.hpp"
#include "linalg/buffer.hpp"
#include "linalg/round_lanes.hpp"

namespace hallmark {
namespace {

// The numbers of a tensor with rotated or corrected rows, all of binary32.
Matrix<float> decoded(const Matrix<Code>& codes, const Steps& steps, const Grid& grid) {
  Matrix<float> numbers(codes.rows(), codes.cols());
  const auto cols = static_cast<std::size_t>(codes.cols());
#pragma omp parallel for schedule(static) if (codes.size() > 1 << 16)
  for (Index i = 0; i < codes.rows(); ++i)
    decode_row(grid, steps, {codes.row(i).data(), cols}, i, {numbers.row(i).data(), cols});
  return numbers;
}

template <class T>
Matrix<T> scaled_points(const Matrix<Code>& codes, const Steps& steps, const Grid& grid) {
  Matrix<T> points(codes.rows(), codes.cols());
#pragma omp parallel for schedule(static) if (codes.size() > 1 << 16)
  for (Index i = 0; i < codes.rows(); ++i)
    for (Index j = 0; j < codes.cols(); ++j)
      points(i, j) = static_cast<T>(steps.scale(i, j)) * static_cast<T>(grid.value(codes(i, j), steps.zero(i, j)));
  return points;
}

// The same for GF16, a row of words at a time. The grid has no infinity, so a row that holds one is left to
// Grid::value.
Matrix<float> scaled_gf16(const Matrix<Code>& codes, const Steps& steps, const Grid& grid) {
  Matrix<float> points(codes.rows(), codes.cols());
  const auto cols = static_cast<std::size_t>(codes.cols());
  const Index width = steps.group_size == 0 ? codes.cols() : steps.group_size;
#pragma omp parallel for schedule(static) if (codes.size() > 1 << 16)
  for (Index i = 0; i < codes.rows(); ++i) {
    float* row = points.row(i).data();
    const Status done = decode_gf16({codes.row(i).data(), cols}, {row, cols});
    if (!done || !std::isfinite(largest_magnitude({row, cols}))) {
      points.row(i) = scaled_points<float>(codes.row(i), {steps.scales.row(i), {}, steps.group_size}, grid);
      continue;
    }
    for (Index j0 = 0; j0 < codes.cols(); j0 += width)
      points.row(i).segment(j0, std::min(width, codes.cols() - j0)) *= steps.scale(i, j0);
  }
  return points;
}

}  // namespace

Rounded round_to_nearest(MatrixRef<float> W, const Grid& grid, const Steps& steps) {
  Rounded rounded{fresh_matrix<Code>(W.rows(), W.cols()), std::vector<Index>(static_cast<std::size_t>(W.rows()), 0)};
  const LaneRounder rounder(grid);
  const Index width = steps.group_size == 0 ? W.cols() : steps.group_size;
#pragma omp parallel for schedule(static) if (W.size() > 1 << 16)
  for (Index i = 0; i < W.rows(); ++i)
    for (Index j0 = 0; j0 < W.cols(); j0 += width)
      rounded.clipped[static_cast<std::size_t>(i)] += rounder.round_row(
          W.row(i).data() + j0, steps.at(i, j0), std::min(width, W.cols() - j0), &rounded.codes(i, j0));
  return rounded;
}

void round_left_out(const Target& target, Rounded& rounded) {
  std::vector<bool> left_out(static_cast<std::size_t>(target.W.cols()), true);
  for (const Index j : target.order) left_out[static_cast<std::size_t>(j)] = false;
  for (Index j = 0; j < target.W.cols(); ++j)
    for (Index i = 0; left_out[static_cast<std::size_t>(j)] && i < target.W.rows(); ++i) {
      const Step step = target.steps.at(i, j);
      rounded.codes(i, j) = target.grid.nearest(target.W(i, j) + 0.0F, step);
      rounded.clipped[static_cast<std::size_t>(i)] += target.grid.clipped(target.W(i, j), step);
    }
}

Matrix<float> dequantize(const Matrix<Code>& codes, const Steps& steps, const Grid& grid) {
  if (!steps.plain()) return decoded(codes, steps, grid);
  if (grid.is_gf16()) return scaled_gf16(codes, steps, grid);
  return scaled_points<float>(codes, steps, grid);
}

Matrix<double> dequantize_f64(const Matrix<Code>& codes, const Steps& steps, const Grid& grid) {
  if (!steps.plain()) return decoded(codes, steps, grid).cast<double>();
  return scaled_points<double>(codes, steps, grid);
}

}  // namespace hallmark
