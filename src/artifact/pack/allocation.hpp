// Which candidate of each matrix, so that all fit and lose the least together: a knapsack with one choice per matrix.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace hallmark::pack {

struct Candidate {
  std::uint64_t bytes = 0;
  double loss = 0;
};

/// L_m(k) = min over candidates c of matrix m of L_(m-1)(k - bytes_c) + loss_c, L_0 = 0: the least loss of the first m
/// matrices within k bytes, for all k at once. A Lagrangian minimum of loss + mu bytes is one of these, at its own
/// bytes; between them it leaves bytes unused, and this does not.
class Allocation {
 public:
  /// Up to the limit `most`. Bytes count from the smallest candidate of each matrix on, in units of one byte where
  /// 2^26 entries for all matrices (2^14 at least for each) suffice, else in larger ones, to which sizes are rounded.
  /// Preconditions: 1 to 256 candidates for each matrix; finite losses. Throws std::bad_alloc.
  Allocation(std::span<const std::vector<Candidate>> matrices, std::uint64_t most);

  /// The candidate of each matrix, of least loss within `limit` <= most (in units of one byte: of all choices); the sum
  /// of their bytes is at most the limit in any unit. None where the smallest do not fit.
  std::optional<std::vector<std::size_t>> within(std::uint64_t limit) const;

  std::uint64_t least_bytes() const { return least_; }
  std::uint64_t unit() const { return unit_; }

 private:
  std::size_t extra(const Candidate& candidate, std::size_t matrix) const;
  std::vector<std::size_t> at(std::size_t capacity) const;

  std::span<const std::vector<Candidate>> matrices_;
  std::vector<std::uint64_t> smallest_;  // bytes, of each matrix
  std::uint64_t least_ = 0, unit_ = 1;
  std::size_t capacities_ = 1;        // 0 .. capacities - 1 units beyond least_
  std::vector<std::uint8_t> chosen_;  // [matrix][capacity]
};

/// The sum of the bytes of a choice.
std::uint64_t bytes_of(std::span<const std::vector<Candidate>> matrices, std::span<const std::size_t> choice);

}  // namespace hallmark::pack
