#include "linalg/gram.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error_numbers.hpp"
#include "linalg/finite.hpp"
#include "linalg/strip.hpp"

namespace hallmark {
namespace {

constexpr Index kLane = kLanes<double>;
constexpr Index kPack = 256;  // tokens packed at a time: 24 x 256 doubles of lanes stay in the first-level cache
constexpr Index kParallelTerms = Index{1} << 18;  // below, starting threads costs more than it saves

}  // namespace

// In one pass over pairs of tiles of one cache line by as many rows.
bool symmetric_and_finite(MatrixRef<double> G) {
  constexpr Index kTile = 8;
  const Index n = G.rows(), stride = G.outerStride();
  bool fine = true;
#pragma omp parallel for schedule(dynamic, 4) reduction(&& : fine) if (G.size() > 1 << 16)
  for (Index i0 = 0; i0 < n; i0 += kTile) {
    bool mine = true;
    const auto compare = [&](Index j0, Index rows, Index columns) {
      const double *a = G.data() + i0 * stride + j0, *b = G.data() + j0 * stride + i0;
      for (Index i = 0; i < rows; ++i)
        for (Index j = 0; j < columns; ++j) {
          const double x = a[i * stride + j];
          mine &= (x == b[j * stride + i]) & (std::fabs(x) <= std::numeric_limits<double>::max());
        }
    };
    Index j0 = i0;
    for (; j0 + kTile <= n; j0 += kTile) compare(j0, kTile, kTile);
    if (j0 < n) compare(j0, std::min(kTile, n - i0), n - j0);
    fine = fine && mine;
  }
  return fine;
}

GramAccumulator::GramAccumulator(Index columns, Index chunk)
    : columns_(columns),
      chunk_(chunk),
      padded_((columns + kLane - 1) / kLane * kLane),
      sum_(static_cast<std::size_t>(padded_ * padded_), 0.0) {}

std::optional<Error> refuse_tokens(MatrixRef<float> X, Index columns, Index tokens) {
  if (X.cols() != columns)
    return Error{Exit::input, error_number::gram_misfit, "activations of another width",
                 fmt::format("{} columns, expected {}", X.cols(), columns), "capture the inputs of this very layer"};
  if (const auto bad = first_non_finite<float>(X))
    return Error{Exit::input, error_number::activation_not_finite, "an activation is not finite",
                 fmt::format("token {}, column {}: {}", tokens + bad->row, bad->column, X(bad->row, bad->column)),
                 "find the layer that overflows, and capture again"};
  return std::nullopt;
}

Index GramAccumulator::room() {
  if (in_chunk_ < chunk_) return chunk_ - in_chunk_;
  if (before_.empty()) {
    before_.swap(sum_);
    sum_.assign(before_.size(), 0.0);
  } else {
    const auto entries = static_cast<Index>(sum_.size());
    double *const before = before_.data(), *const sum = sum_.data();
#pragma omp parallel for schedule(static) if (entries > kParallelTerms)
    for (Index k = 0; k < entries; ++k) {
      before[k] += sum[k];
      sum[k] = 0;
    }
  }
  in_chunk_ = 0;
  return chunk_;
}

Status GramAccumulator::add(MatrixRef<float> X) {
  if (const auto refused = refuse_tokens(X, columns_, tokens_)) return *refused;
  const Index lane_blocks = padded_ / kLane, strips = padded_ / kStrip;
  std::vector<double> lanes(static_cast<std::size_t>(std::min(kPack, X.rows()) * padded_));
  std::vector<double> broadcast(lanes.size());
  for (Index t0 = 0, count = 0; t0 < X.rows(); t0 += count) {
    count = std::min({kPack, X.rows() - t0, room()});
#pragma omp parallel if (count * padded_ * padded_ > kParallelTerms)
    {
#pragma omp for schedule(static)
      for (Index block = 0; block < lane_blocks; ++block)
        for (Index t = 0; t < count; ++t)
          for (Index r = 0; r < kLane; ++r) {
            const Index a = block * kLane + r;
            const double x = a < columns_ ? static_cast<double>(X(t0 + t, a)) : 0.0;
            lanes[static_cast<std::size_t>((block * count + t) * kLane + r)] = x;
            broadcast[static_cast<std::size_t>((a / kStrip * count + t) * kStrip + a % kStrip)] = x;
          }
#pragma omp for schedule(dynamic)
      for (Index block = lane_blocks - 1; block >= 0; --block)  // the longest columns first
        for (Index strip = 0; strip < std::min(strips, (block + 1) * kLane / kStrip); ++strip)
          accumulate_strip(&lanes[static_cast<std::size_t>(block * count * kLane)],
                           &broadcast[static_cast<std::size_t>(strip * count * kStrip)], count,
                           &sum_[static_cast<std::size_t>(strip * kStrip * padded_ + block * kLane)], padded_);
    }
    in_chunk_ += count;
  }
  tokens_ += X.rows();
  return ok();
}

Matrix<double> GramAccumulator::gram() const {
  Matrix<double> G(columns_, columns_);
  for (Index b = 0; b < columns_; ++b)
    for (Index a = b; a < columns_; ++a) {
      const auto k = static_cast<std::size_t>(b * padded_ + a);
      G(a, b) = G(b, a) = before_.empty() ? sum_[k] : before_[k] + sum_[k];
    }
  return G;
}

Matrix<double> gram_ref(MatrixRef<float> X, Index chunk) {
  Matrix<double> G(X.cols(), X.cols());
  for (Index a = 0; a < X.cols(); ++a)
    for (Index b = 0; b < X.cols(); ++b) {
      G(a, b) = 0;
      for (Index first = 0; first < X.rows(); first += chunk) {
        double sum = 0;
        for (Index t = first; t < std::min(first + chunk, X.rows()); ++t)
          sum = std::fma(static_cast<double>(X(t, a)), static_cast<double>(X(t, b)), sum);
        G(a, b) += sum;  // to 0 exactly
      }
    }
  return G;
}

Expected<Matrix<double>> merge_gram(MatrixRef<double> G, MatrixRef<double> other) {
  if (G.rows() != other.rows() || G.cols() != other.cols())
    return Error{Exit::input, error_number::gram_misfit, "Gram matrices of different shapes",
                 fmt::format("{} x {} and {} x {}", G.rows(), G.cols(), other.rows(), other.cols()),
                 "merge the same layers"};
  Matrix<double> sum = G + other;
  if (const auto bad = first_non_finite<double>(sum))
    return Error{Exit::numeric, error_number::gram_overflow, "the merged Gram matrix is not finite",
                 fmt::format("entry ({}, {}): {}", bad->row, bad->column, sum(bad->row, bad->column)),
                 "look for an infinity or NaN in the two inputs"};
  return sum;
}

}  // namespace hallmark
