// Errors of the library on their way to Python, where they are exceptions of hallmark.errors.
#pragma once

#include <pybind11/pybind11.h>

#include <utility>

#include "base/error.hpp"

namespace hallmark::python {

/// Thrown through pybind11 alone, never through the library.
struct Failure {
  Error error;
};

/// The value; throws Failure where there is none.
template <class T>
T taken(Expected<T> from) {
  if (!from) throw Failure{std::move(from).error()};
  return *std::move(from);
}

inline void check(const Status& status) {
  if (!status) throw Failure{status.error()};
}

/// What turns a Failure into its exception, and `refuse`, by which Python's own checks raise one of the same table.
void add_errors(pybind11::module_& module);

}  // namespace hallmark::python
