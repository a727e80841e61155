// How far the predictions of a changed model are from those of the model itself, on text whose next bytes do not
// matter.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "replay/model.hpp"

namespace hallmark {

/// The predictions p of a model at every position of some windows.
class Divergence {
 public:
  /// Runs the model over the windows, threads take windows. Keeps 256 binary64 numbers for each position, and views of
  /// the text. Precondition: no window is empty.
  Divergence(const Model& model, std::vector<std::span<const std::byte>> windows);

  /// The mean over the positions of sum_b p(b) log2(p(b) / q(b)), q the predictions of `other`: the bits per byte that
  /// its code takes more where bytes come as the model says. At least 0, and 0 where p = q. Unlike a difference of two
  /// evaluations it is of second order in q - p, so a small one is not lost in what one text happens to favour. The sum
  /// has one order: bytes, positions of a window, windows. Errors: E0510 it is not finite.
  Expected<double> of(const Model& other) const;

 private:
  std::vector<std::span<const std::byte>> windows_;
  std::vector<Matrix<double>> logs_;  // ln p of each window, [positions, 256]
};

}  // namespace hallmark
