// Coordinate descent on the plain loss: code by code, the point nearest to where the loss of the row is least while all
// other codes stay (T19); then the best scale for the codes (T20), and again.
//
//   t_j = w_j + sum_{k != j} e_k G_kj / G_jj        q_j = nearest(t_j, s)        e = w - q, updated at once
//   s*  = (w G q) / (q G q) s                        rounded to the nearest scale that files hold
//
// A sweep passes the columns once, increasing. All of it is binary32: a row may end worse than it began, and whoever
// calls keeps the better (T17). Rows are independent; threads and vector width change no bit.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "linalg/buffer.hpp"
#include "method/method.hpp"

namespace hallmark {

/// G_kj / G_jj rounded once to binary32, zero where k = j, for the columns with G_jj > 0: strips of kStrip columns,
/// each [positions][kStrip], padded with zeros to whole strips.
class ScaledGram {
 public:
  explicit ScaledGram(MatrixRef<double> G);

  std::span<const Index> columns() const { return columns_; }   ///< of G, with G_jj > 0, increasing
  const Vector<double>& diagonal() const { return diagonal_; }  ///< G_jj of these
  Index count() const { return (std::ssize(columns_) + kStrip - 1) / kStrip; }
  Index positions() const { return count() * kStrip; }
  const float* strip(Index s) const { return &data_[static_cast<std::size_t>(s * positions() * kStrip)]; }

 private:
  std::vector<Index> columns_;
  Vector<double> diagonal_;
  Buffer<float> data_;
};

/// The scale nearest to `best` that files hold, where it is strictly nearer than s and the grid takes it; 0 and
/// infinities are no best scale.
std::optional<float> fitted_scale(double best, float s, const Grid& grid, ScaleStorage storage);

/// Where a descent ends. Columns with G_jj = 0 are rounded to nearest.
struct Descended {
  Rounded rounded;  ///< clipped: of the last sweep
  Steps steps;
  Index sweeps = 0;  ///< of the row that took most
};

/// At most `sweeps` >= 1 sweeps of every row; a row whose codes and scale no longer change is done. With `fit` the
/// scale is fitted after each sweep, where a row has one. W is finite, `codes` [rows, cols] and steps are of the grid.
Descended descend(MatrixRef<float> W, const Grid& grid, ScaleStorage storage, const ScaledGram& gram,
                  const Matrix<Code>& codes, const Steps& steps, Index sweeps, bool fit = true);

/// What a descent makes of a proposal, under its own steps or those of the input's target. Given scales stay.
Proposal descended(const MethodInput& input, const ScaledGram& gram, const Proposal& start, Index sweeps);

/// The plain twin of the sweeps of one row: codes of row i, under its steps, after one sweep. Whether a code changed.
bool sweep_ref(MatrixRef<float> W, const Grid& grid, const Steps& steps, const ScaledGram& gram, Matrix<Code>& codes,
               Index row);

}  // namespace hallmark
