// Other ways to write GPTQ down, as studies: tests compare them with the production form. They are
// templates over the number type, so that the theorems can be checked on exact rationals (mpq_class) as well as in
// binary64.
#pragma once

#include <Eigen/Cholesky>

#include <cstddef>
#include <vector>

#include "linalg/matrix.hpp"

namespace hallmark::study {

template <class T>
using Row = std::vector<T>;
template <class T>
using Square = std::vector<std::vector<T>>;

/// What a quantizer saw and chose in each column.
template <class T>
struct Trace {
  Row<T> u;  ///< compensated weights
  Row<T> q;  ///< nearest points
};

/// e M e^T.
template <class T>
T quadratic_form(const Square<T>& M, const Row<T>& e) {
  T sum(0);
  for (std::size_t i = 0; i < e.size(); ++i)
    for (std::size_t j = 0; j < e.size(); ++j) sum += e[i] * M[i][j] * e[j];
  return sum;
}

template <class T>
Row<T> difference(const Row<T>& a, const Row<T>& b) {
  Row<T> e(a.size());
  for (std::size_t j = 0; j < a.size(); ++j) e[j] = a[j] - b[j];
  return e;
}

/// H = U D U^T, U unit upper triangular, d the pivots; H positive definite.
template <class T>
struct UpperFactor {
  Square<T> U;
  Row<T> d;
};

template <class T>
UpperFactor<T> upper_factor(Square<T> C) {
  const std::size_t n = C.size();
  UpperFactor<T> f{Square<T>(n, Row<T>(n, T(0))), Row<T>(n)};
  for (std::size_t k = n; k-- > 0;) {
    f.d[k] = C[k][k];
    f.U[k][k] = T(1);
    for (std::size_t i = 0; i < k; ++i) f.U[i][k] = C[i][k] / f.d[k];
    for (std::size_t i = 0; i < k; ++i)
      for (std::size_t j = 0; j < k; ++j) C[i][j] -= f.U[i][k] * f.d[k] * f.U[j][k];
  }
  return f;
}

/// The inverse, by Gauss-Jordan without pivoting (H positive definite).
template <class T>
Square<T> inverse(Square<T> H) {
  const std::size_t n = H.size();
  Square<T> P(n, Row<T>(n, T(0)));
  for (std::size_t i = 0; i < n; ++i) P[i][i] = T(1);
  for (std::size_t k = 0; k < n; ++k) {
    const T pivot = H[k][k];
    for (std::size_t j = 0; j < n; ++j) {
      H[k][j] /= pivot;
      P[k][j] /= pivot;
    }
    for (std::size_t i = 0; i < n; ++i) {
      if (i == k) continue;
      const T factor = H[i][k];
      for (std::size_t j = 0; j < n; ++j) {
        H[i][j] -= factor * H[k][j];
        P[i][j] -= factor * P[k][j];
      }
    }
  }
  return P;
}

/// Round to nearest: q_j = nearest(w_j).
template <class T, class Nearest>
Trace<T> rtn(const Row<T>& w, Nearest nearest) {
  Trace<T> trace{w, w};
  for (T& q : trace.q) q = nearest(q);
  return trace;
}

/// The form used throughout: u_j = w_j + sum_{k<j} (w_k - q_k) U_kj, H = U D U^T.
template <class T, class Nearest>
Trace<T> gptq(const Square<T>& U, const Row<T>& w, Nearest nearest) {
  Trace<T> trace{w, w};
  for (std::size_t j = 0; j < w.size(); ++j) {
    for (std::size_t k = 0; k < j; ++k) trace.u[j] += (w[k] - trace.q[k]) * U[k][j];
    trace.q[j] = nearest(trace.u[j]);
  }
  return trace;
}

/// The in-place scatter that published code writes: after column j, w_k -= (w_j - q_j) / P_jj * P_jk for k > j, where
/// row j of P is what the variant under study supplies.
template <class T, class Nearest>
Trace<T> scatter(const Square<T>& P, Row<T> w, Nearest nearest) {
  Trace<T> trace{w, w};
  for (std::size_t j = 0; j < w.size(); ++j) {
    trace.u[j] = w[j];
    trace.q[j] = nearest(w[j]);
    const T error = (w[j] - trace.q[j]) / P[j][j];
    for (std::size_t k = j + 1; k < w.size(); ++k) w[k] -= error * P[j][k];
  }
  return trace;
}

/// C with H^-1 = C^T D^-1 C up to the scaling of rows, which the scatter divides out: the rows of the Cholesky factor
/// of the inverse without its square roots, so that rationals stay rational.
template <class T>
Square<T> inverse_factor(const Square<T>& H) {
  Square<T> P = inverse(H);
  const std::size_t n = P.size();
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t i = k + 1; i < n; ++i) {
      const T factor = P[k][i] / P[k][k];
      for (std::size_t j = i; j < n; ++j) P[i][j] -= factor * P[k][j];
    }
  return P;
}

/// The textbook form: the scatter along the Cholesky factor of the inverse. Equal to gptq (T1's form) in exact
/// arithmetic.
template <class T, class Nearest>
Trace<T> textbook(const Square<T>& H, const Row<T>& w, Nearest nearest) {
  return scatter(inverse_factor(H), w, nearest);
}

/// The literal pseudo-code of the first proposal: the scatter along the rows of the static full inverse. Not GPTQ
/// (T10).
template <class T, class Nearest>
Trace<T> static_inverse(const Square<T>& H, const Row<T>& w, Nearest nearest) {
  return scatter(inverse(H), w, nearest);
}

/// The textbook form's matrix as libraries compute it in binary64: the upper Cholesky factor C of H^-1 = C^T C.
inline Matrix<double> cholesky_of_inverse(const Matrix<double>& H) {
  const Eigen::MatrixXd P = Eigen::MatrixXd(H).llt().solve(Eigen::MatrixXd::Identity(H.rows(), H.cols()));
  return P.llt().matrixU();
}

template <class Derived>
Square<typename Derived::Scalar> rows_of(const Eigen::MatrixBase<Derived>& M) {
  Square<typename Derived::Scalar> rows(static_cast<std::size_t>(M.rows()));
  for (Index i = 0; i < M.rows(); ++i)
    for (Index j = 0; j < M.cols(); ++j) rows[static_cast<std::size_t>(i)].push_back(M(i, j));
  return rows;
}

}  // namespace hallmark::study
