#include "linalg/target_grams.hpp"

#include <fmt/format.h>

#include "base/error_numbers.hpp"

namespace hallmark {

Status TargetAccumulator::add(MatrixRef<float> X, MatrixRef<float> behind) {
  if (const auto refused = refuse_tokens(X, columns_, tokens())) return *refused;
  if (const auto refused = refuse_tokens(behind, columns_, tokens())) return *refused;
  if (X.rows() != behind.rows())
    return Error{Exit::input, error_number::gram_misfit, "inputs of two models are not over the same tokens",
                 fmt::format("{} tokens, {} behind quantized layers", X.rows(), behind.rows()),
                 "run both models on the same text"};
  Matrix<float> both(X.rows(), 2 * columns_);
  both << X, behind;
  return sum_.add(both);
}

TargetGrams TargetAccumulator::grams() const {
  const Matrix<double> all = sum_.gram();
  return {tokens(), all.bottomRightCorner(columns_, columns_), all.topRightCorner(columns_, columns_),
          all.topLeftCorner(columns_, columns_)};
}

}  // namespace hallmark
