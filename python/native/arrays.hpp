// Arrays of Python by the buffer protocol: no header of NumPy, so that one module serves every version of it.
#pragma once

#include <pybind11/pybind11.h>

#include <span>
#include <stdexcept>

#include "linalg/matrix.hpp"

namespace hallmark::python {

/// The numbers of a contiguous array of T, which stays where it is while this lives. hallmark/arrays.py makes such
/// arrays; anything else is a mistake of that file.
template <class T>
class Array {
 public:
  explicit Array(const pybind11::buffer& from, bool writable = false) : info_(from.request(writable)) {
    if (info_.format != pybind11::format_descriptor<T>::format())
      throw std::invalid_argument("an array of another type");
    pybind11::ssize_t stride = info_.itemsize;
    for (auto k = static_cast<std::size_t>(info_.ndim); k-- > 0; stride *= info_.shape[k])
      if (info_.shape[k] > 1 && info_.strides[k] != stride)
        throw std::invalid_argument("an array that is not contiguous");
  }
  T* data() const { return static_cast<T*>(info_.ptr); }
  std::span<T> all() const { return {data(), static_cast<std::size_t>(info_.size)}; }
  /// Of a matrix.
  Index rows() const { return extent(0); }
  Index cols() const { return extent(1); }

 private:
  Index extent(std::size_t k) const {
    if (info_.ndim != 2) throw std::invalid_argument("an array that is no matrix");
    return info_.shape[k];
  }
  pybind11::buffer_info info_;
};

}  // namespace hallmark::python
