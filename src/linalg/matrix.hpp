// The vocabulary of matrices: Eigen types, row-major as in the files. Vocabulary only: no Eigen product or
// reduction is used on the certified path, because its order of summation depends on cache sizes read at run time.
#pragma once

#include <cstddef>

#include <Eigen/Core>

namespace hallmark {

using Index = Eigen::Index;
/// An index as the containers of the standard library count.
constexpr std::size_t at(Index i) { return static_cast<std::size_t>(i); }

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;

/// Read-only views at public boundaries; rows are contiguous.
template <class T>
using MatrixRef = Eigen::Ref<const Matrix<T>>;
template <class T>
using VectorRef = Eigen::Ref<const Vector<T>>;

/// A matrix [rows, columns] that is its own, or numbers in place, which have to outlive it.
template <class T>
class HeldMatrix {
 public:
  HeldMatrix(Matrix<T> own) : own_(std::move(own)), rows_(own_.rows()), columns_(own_.cols()) {}
  HeldMatrix(const T* in_place, Index rows, Index columns) : in_place_(in_place), rows_(rows), columns_(columns) {}
  Eigen::Map<const Matrix<T>> view() const { return {in_place_ ? in_place_ : own_.data(), rows_, columns_}; }

 private:
  Matrix<T> own_;
  const T* in_place_ = nullptr;
  Index rows_, columns_;
};

}  // namespace hallmark
