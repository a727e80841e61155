// The vocabulary of matrices: Eigen types, row-major as in the files. Vocabulary only: no Eigen product or
// reduction is used on the certified path, because its order of summation depends on cache sizes read at run time.
#pragma once

#include <Eigen/Core>

namespace hallmark {

using Index = Eigen::Index;

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;

/// Read-only views at public boundaries; rows are contiguous.
template <class T>
using MatrixRef = Eigen::Ref<const Matrix<T>>;
template <class T>
using VectorRef = Eigen::Ref<const Vector<T>>;

}  // namespace hallmark
