// How the plain loss of a row changes with one code, in binary64 with a bound of what rounding did. For e = w - q and a
// code of column j whose number becomes q_j - delta, so that e_j grows by delta (T19_change, expanded)
//
//   loss_G(e + delta 1_j) - loss_G(e) = delta (2 r_j + delta G_jj),   r = e G.
#pragma once

#include "linalg/matrix.hpp"

namespace hallmark {

/// A Gram matrix [n, n], symmetric, its diagonal not negative, that outlives this.
class Gradients {
 public:
  explicit Gradients(MatrixRef<double> G);

  Index size() const { return G_.cols(); }
  const MatrixRef<double>& gram() const { return G_; }
  double diagonal(Index j) const { return G_(j, j); }
  double root(Index j) const { return root_[j]; }      ///< sqrt(G_jj)
  double correlation() const { return correlation_; }  ///< max |G_ij| / (root_i root_j), and 1 at least
  const double* row(Index j) const { return G_.row(j).data(); }

 private:
  MatrixRef<double> G_;
  Vector<double> root_;
  double correlation_ = 1;
};

/// r = e G of one row, while codes of it change. Each r_j is one chain of fma, first over the columns increasing, then
/// over the changes: with m of these |computed - exact| <= error(j), as long as n + m <= 2^24 and nothing overflows.
class Gradient {
 public:
  /// e [n]: each number within 2^-53 of itself.
  Gradient(const Gradients& of, const double* e);

  double operator[](Index j) const { return r_[j]; }
  double error(Index j) const;
  void change(Index j, double delta);  ///< of e_j, within 2^-53 of itself

 private:
  const Gradients& of_;
  Vector<double> r_;
  double size_ = 0;  // sum |e_k| root_k, and |delta| root_j of each change
  Index terms_ = 0;
};

/// What a change of e_j by a number other than 0 does to the loss: `value`, and within `error` of it. delta is within
/// 2^-53 of that number, as a difference of two products that are exact.
struct Change {
  double value, error;
};
Change change_of_loss(const Gradients& of, const Gradient& gradient, Index j, double delta);

}  // namespace hallmark
