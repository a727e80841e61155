#include "method/rtn.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "format/codec_lanes.hpp"
#include "linalg/buffer.hpp"
#include "method/evidence.hpp"
#include "method/round_lanes.hpp"

namespace hallmark {
namespace {

template <class T>
Matrix<T> scaled_points(const Matrix<Code>& codes, const Matrix<float>& scales, const Grid& grid, Index group_size) {
  Matrix<T> points(codes.rows(), codes.cols());
#pragma omp parallel for schedule(static) if (codes.size() > 1 << 16)
  for (Index i = 0; i < codes.rows(); ++i)
    for (Index j = 0; j < codes.cols(); ++j)
      points(i, j) = static_cast<T>(scale_at(scales, group_size, i, j)) * static_cast<T>(grid.value(codes(i, j)));
  return points;
}

// The same for GF16, a row of words at a time. The grid has no infinity, so a row that holds one is left to
// Grid::value.
Matrix<float> scaled_gf16(const Matrix<Code>& codes, const Matrix<float>& scales, const Grid& grid, Index group_size) {
  Matrix<float> points(codes.rows(), codes.cols());
  const auto cols = static_cast<std::size_t>(codes.cols());
  const Index width = group_size == 0 ? codes.cols() : group_size;
#pragma omp parallel for schedule(static) if (codes.size() > 1 << 16)
  for (Index i = 0; i < codes.rows(); ++i) {
    float* row = points.row(i).data();
    const Status done = decode_gf16({codes.row(i).data(), cols}, {row, cols});
    if (!done || !std::isfinite(largest_magnitude({row, cols}))) {
      points.row(i) = scaled_points<float>(codes.row(i), scales.row(i), grid, group_size);
      continue;
    }
    for (Index j0 = 0; j0 < codes.cols(); j0 += width)
      points.row(i).segment(j0, std::min(width, codes.cols() - j0)) *= scale_at(scales, group_size, i, j0);
  }
  return points;
}

}  // namespace

Rounded round_to_nearest(MatrixRef<float> W, const Grid& grid, const Matrix<float>& scales, Index group_size) {
  Rounded rounded{fresh_matrix<Code>(W.rows(), W.cols()), std::vector<Index>(static_cast<std::size_t>(W.rows()), 0)};
  const LaneRounder rounder(grid);
  const Index width = group_size == 0 ? W.cols() : group_size;
#pragma omp parallel for schedule(static) if (W.size() > 1 << 16)
  for (Index i = 0; i < W.rows(); ++i)
    for (Index j0 = 0; j0 < W.cols(); j0 += width)
      rounded.clipped[static_cast<std::size_t>(i)] +=
          rounder.round_row(W.row(i).data() + j0, scale_at(scales, group_size, i, j0), std::min(width, W.cols() - j0),
                            &rounded.codes(i, j0));
  return rounded;
}

Expected<Quantized> quantize_rtn(MatrixRef<float> W, const Options& options,
                                 const std::optional<Matrix<float>>& given_scales, std::string_view tensor_name,
                                 Observer* observer) {
  auto scales = checked_scales(W, options, given_scales);
  if (!scales) return scales.error();
  Rounded rounded = round_to_nearest(W, options.grid, *scales, options.group_size);
  Quantized result;
  result.codes = std::move(rounded.codes);
  result.scales = *std::move(scales);
  result.group_size = options.group_size;
  result.method = Method::rtn;
  result.clipped = std::accumulate(rounded.clipped.begin(), rounded.clipped.end(), Index{0});
  if (observer) observer->tensor({tensor_name, W, options, result, result.codes, {}});
  return result;
}

Matrix<float> dequantize(const Matrix<Code>& codes, const Matrix<float>& scales, const Grid& grid, Index group_size) {
  if (grid.short_name() == "gf16") return scaled_gf16(codes, scales, grid, group_size);
  return scaled_points<float>(codes, scales, grid, group_size);
}

Matrix<double> dequantize_f64(const Matrix<Code>& codes, const Matrix<float>& scales, const Grid& grid,
                              Index group_size) {
  return scaled_points<double>(codes, scales, grid, group_size);
}

}  // namespace hallmark
