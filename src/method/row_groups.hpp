// How rows are divided among threads where each row passes the whole of a triangular U: blocks of rows, and groups of
// blocks that share a part of U while it is in the cache. No number depends on it.
#pragma once

#include <omp.h>

#include <algorithm>
#include <vector>

#include "linalg/matrix.hpp"

namespace hallmark {

class RowGroups {
 public:
  static constexpr Index kTogether = 8;  ///< blocks in a group, at most

  /// As many groups for each thread, as even as possible.
  RowGroups(Index rows, Index block_rows) : blocks_((rows + block_rows - 1) / block_rows) {
    const Index threads = omp_get_max_threads();
    count_ = std::min(blocks_, threads * ((blocks_ + threads * kTogether - 1) / (threads * kTogether)));
  }

  Index count() const { return count_; }
  /// The blocks of a group: first(group) .. first(group + 1) - 1.
  Index first(Index group) const { return group * blocks_ / count_; }

 private:
  Index blocks_, count_;
};

/// Whether threads are worth their start for a product of so many rows with a triangle of so many columns.
constexpr bool worth_threads(Index rows, Index columns) { return rows * columns * columns > Index{1} << 18; }

/// work(block, s) for every strip s in increasing order and every block, `pass` strips at a time.
template <class Block, class Work>
void each_strip(Index strips, Index pass, std::vector<Block>& together, const Work& work) {
  for (Index s0 = 0; s0 < strips; s0 += pass)
    for (Block& block : together)
      for (Index s = s0; s < std::min(strips, s0 + pass); ++s) work(block, s);
}

}  // namespace hallmark
