#include "linalg/hessian.hpp"

namespace hallmark {

double damping(MatrixRef<double> G, double fraction) {
  double sum = 0;
  for (Index j = 0; j < G.cols(); ++j) sum += 2 * G(j, j);
  return fraction * (sum / static_cast<double>(G.cols()));
}

Matrix<double> hessian(MatrixRef<double> G, double lambda) {
  Matrix<double> H = 2.0 * G;
  for (Index j = 0; j < H.cols(); ++j) H(j, j) += lambda;
  return H;
}

}  // namespace hallmark
