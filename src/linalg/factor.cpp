#include "linalg/factor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error_numbers.hpp"
#include "linalg/buffer.hpp"
#include "linalg/strip.hpp"

namespace hallmark {
namespace {

constexpr Index kLane = kLanes<double>;

// Lanes that are updated together, strip by strip, so that memory is walked along rows.
constexpr Index kTogether = 4;

constexpr Index kInner = 24;  // columns that are factored one by one

constexpr Index kParallelTerms = Index{1} << 18;  // below, starting threads costs more than it saves

bool is_pivot(double d) { return d > 0 && std::isfinite(d); }

// A square matrix of which the upper triangle is read and written.
struct View {
  double* data;
  Index stride;
  double& operator()(Index i, Index j) const { return data[i * stride + j]; }
};

// One block of columns [k0, k1), k1 - k0 = width. Position p = k1-1-k counts columns in the order in which they finish.
struct Block {
  Index k0 = 0, k1 = 0, width = 0;
  Buffer<double> diagonal_u{};  // U_jk of the block's own rows: [strip of j][p][kStrip], strips from the right

  void place(Index end, Index size) {
    k1 = end;
    k0 = std::max<Index>(0, end - size);
    width = k1 - k0;
    diagonal_u.resize(at((width + kStrip - 1) / kStrip * width * kStrip));
  }
  // Where the tiles begin that hold its entries.
  Index first_strip() const { return k0 / kStrip * kStrip; }
  Index first_lane() const { return k0 / kLane * kLane; }
};

// The rows above a block, packed.
struct Above {
  Buffer<double> lanes_u;   // U_jk: [j / kLane][p][kLane]
  Buffer<double> strips_c;  // C_ik: [i / kStrip][p][kStrip]
};

// The rows k0 <= i <= j < k1, column by column.
std::optional<PivotFailure> factor_columns(View H, double* d, const Block& block) {
  std::array<double, at(kInner)> u{};
  for (Index k = block.k1 - 1; k >= block.k0; --k) {
    d[k] = H(k, k);
    if (!is_pivot(d[k])) return PivotFailure{k, d[k]};
    const Index above = k - block.k0;
    for (Index j = 0; j < above; ++j) u[at(j)] = H(block.k0 + j, k) / d[k];
    for (Index i = 0; i < above; ++i) {
      multiply_add(&u[at(i)], -H(block.k0 + i, k), &H(block.k0 + i, block.k0 + i), above - i);
      H(block.k0 + i, k) = u[at(i)];
    }
  }
  return std::nullopt;
}

std::optional<PivotFailure> factor_in_blocks(View H, Index n, double* d, Index block_size, bool threads);

// The rows k0 <= i <= j < k1, wide blocks by narrower ones in a copy that the second-level cache holds; then U packed.
std::optional<PivotFailure> factor_diagonal(View H, double* d, Block& block) {
  if (block.width <= kInner) {
    if (const auto failure = factor_columns(H, d, block)) return failure;
  } else {
    Buffer<double> copy(at(block.width * block.width));
    const View own{copy.data(), block.width};
    for (Index j = 0; j < block.width; ++j) std::copy_n(&H(block.k0 + j, block.k0 + j), block.width - j, &own(j, j));
    if (auto failure = factor_in_blocks(own, block.width, d + block.k0, kInner, false)) {
      failure->pivot += block.k0;
      return failure;
    }
    for (Index j = 0; j < block.width; ++j) std::copy_n(&own(j, j), block.width - j, &H(block.k0 + j, block.k0 + j));
  }
  for (Index j = block.k0; j < block.k1; ++j) {
    const Index from_right = block.k1 - 1 - j;
    double* to = &block.diagonal_u[at(from_right / kStrip * block.width * kStrip + from_right % kStrip)];
    for (Index k = j + 1; k < block.k1; ++k) to[(block.k1 - 1 - k) * kStrip] = H(j, k);
  }
  return std::nullopt;
}

// Lanes i0 .. i0 + kLane of the rows above the block: their C in the block's columns, strip by strip from the right.
void solve_lanes(View H, const double* d, const Block& block, Above& above, Index i0) {
  const Index rows = std::min(kLane, block.k0 - i0);
  Buffer<double> c(at(block.width * kLane));  // [p][kLane]
  for (Index p0 = 0; p0 < block.width; p0 += kStrip) {
    const Index columns = std::min(kStrip, block.width - p0);
    alignas(64) std::array<double, kStrip * kLane> acc{};
    for (Index r = 0; r < rows; ++r)
      for (Index s = 0; s < columns; ++s) acc[at(s * kLane + r)] = H(i0 + r, block.k1 - 1 - p0 - s);
    const double* u = &block.diagonal_u[at(p0 / kStrip * block.width * kStrip)];
    subtract_strip(c.data(), u, p0, acc.data(), kLane);
    for (Index s = 0; s < columns; ++s) {
      const double* finished = &acc[at(s * kLane)];
      std::copy_n(finished, kLane, &c[at((p0 + s) * kLane)]);
      subtract_column(finished, u + (p0 + s) * kStrip + s + 1, columns - s - 1, &acc[at(s * kLane)] + kLane);
    }
  }
  double* lanes_u = &above.lanes_u[at(i0 / kLane * block.width * kLane)];
  double* strips_c = &above.strips_c[at(i0 / kStrip * block.width * kStrip)];
  for (Index p = 0; p < block.width; ++p) {
    const double* C = &c[at(p * kLane)];
    for (Index r = 0; r < kLane; ++r) lanes_u[p * kLane + r] = C[r] / d[block.k1 - 1 - p];
    for (Index s = 0; s < kLane / kStrip; ++s)
      std::copy_n(C + s * kStrip, kStrip, strips_c + (s * block.width + p) * kStrip);
  }
  for (Index r = 0; r < rows; ++r)
    for (Index p = 0; p < block.width; ++p) H(i0 + r, block.k1 - 1 - p) = lanes_u[p * kLane + r];
}

// H_ij -= sum over the block's columns, decreasing, for the tile of strip i0 and lanes j0. A whole tile may lie across
// the diagonal: what it leaves below is not read.
void update_tile(View H, const Block& block, const Above& above, Index i0, Index j0) {
  const double* u = &above.lanes_u[at(j0 / kLane * block.width * kLane)];
  const double* c = &above.strips_c[at(i0 / kStrip * block.width * kStrip)];
  const Index rows = std::min(kStrip, block.k0 - i0), columns = std::min(kLane, block.k0 - j0);
  if (rows == kStrip && columns == kLane) {
    subtract_strip(u, c, block.width, &H(i0, j0), H.stride);
    return;
  }
  alignas(64) std::array<double, kStrip * kLane> tile{};
  for (Index i = 0; i < rows; ++i) std::copy_n(&H(i0 + i, j0), columns, &tile[at(i * kLane)]);
  subtract_strip(u, c, block.width, tile.data(), kLane);
  for (Index i = 0; i < rows; ++i) std::copy_n(&tile[at(i * kLane)], columns, &H(i0 + i, j0));
}

// The block that is next: the update of all tiles that hold entries of it, then its diagonal.
std::optional<PivotFailure> factor_next(View H, double* d, const Block& block, const Above& above, Block& next) {
  for (Index i0 = next.first_strip(); i0 < block.k0; i0 += kStrip)
    for (Index j0 = std::max(i0 / kLane * kLane, next.first_lane()); j0 < block.k0; j0 += kLane)
      update_tile(H, block, above, i0, j0);
  return factor_diagonal(H, d, next);
}

// The other tiles of the lanes up to `last` that are updated together.
void update_lanes(View H, const Block& block, const Above& above, const Block& next, Index last) {
  for (Index i0 = 0; i0 < std::min(block.k0, (last + 1) * kLane); i0 += kStrip)
    for (Index b = std::max({i0 / kLane, last - kTogether + 1, Index{0}}); b <= last; ++b)
      if (i0 < next.first_strip() || b * kLane < next.first_lane()) update_tile(H, block, above, i0, b * kLane);
}

std::optional<PivotFailure> factor_in_blocks(View H, Index n, double* d, Index block_size, bool threads) {
  Block block, next;
  Above above;
  block.place(n, block_size);
  std::optional<PivotFailure> failure = factor_diagonal(H, d, block);
  while (!failure && block.k0 > 0) {
    const Index lane_blocks = (block.k0 + kLane - 1) / kLane, groups = (lane_blocks + kTogether - 1) / kTogether;
    above.lanes_u.resize(at(lane_blocks * kLane * block.width));
    above.strips_c.resize(at(lane_blocks * kLane * block.width));
    next.place(block.k0, block_size);
#pragma omp parallel if (threads && block.width * block.k0 * block.k0 > kParallelTerms)
    {
#pragma omp for schedule(dynamic)
      for (Index b = 0; b < lane_blocks; ++b) solve_lanes(H, d, block, above, b * kLane);
#pragma omp for schedule(dynamic)
      for (Index group = -1; group < groups; ++group)  // the longest columns first
        if (group < 0) failure = factor_next(H, d, block, above, next);
        else update_lanes(H, block, above, next, lane_blocks - 1 - group * kTogether);
    }
    std::swap(block, next);
  }
  return failure;
}

}  // namespace

std::optional<PivotFailure> factor_udu_in_place(Matrix<double>& H, Vector<double>& d, Index block_size) {
  d.resize(H.rows());
  if (block_size == 0) block_size = std::clamp<Index>(H.rows() / 8, 96, 192);
  if (const auto failure = factor_in_blocks({H.data(), H.cols()}, H.rows(), d.data(), block_size, true)) return failure;
  H.diagonal().setOnes();
  return std::nullopt;
}

Expected<Factor> factor_udu(Matrix<double> H, Index block_size) {
  Factor factor;
  if (const auto failure = factor_udu_in_place(H, factor.d, block_size)) return not_positive_definite(*failure);
  for (Index i = 0; i < H.rows(); ++i) H.row(i).head(i).setZero();
  factor.U = std::move(H);
  return factor;
}

Expected<Factor> factor_udu_ref(MatrixRef<double> H) {
  const Index n = H.rows();
  Matrix<double> C = H, U = Matrix<double>::Identity(n, n);
  Vector<double> d(n);
  for (Index j = n - 1; j >= 0; --j) {
    for (Index i = 0; i <= j; ++i)
      for (Index k = n - 1; k > j; --k) C(i, j) = std::fma(-C(i, k), U(j, k), C(i, j));
    d[j] = C(j, j);
    if (!is_pivot(d[j])) return not_positive_definite({j, d[j]});
    for (Index i = 0; i < j; ++i) U(i, j) = C(i, j) / d[j];
  }
  return Factor{std::move(U), std::move(d)};
}

Error not_positive_definite(const PivotFailure& failure) {
  return Error{Exit::numeric, error_number::not_positive_definite, "the matrix is not positive definite",
               fmt::format("pivot {} is {:.6g}", failure.pivot, failure.value), "raise the damping"};
}

}  // namespace hallmark
