// hallmark._native: the library as Python calls it. What a user sees is hallmark/*.py; arrays arrive here contiguous
// and of the right type, and results are written into arrays that Python made.
#include "failure.hpp"
#include "parts.hpp"

PYBIND11_MODULE(_native, module) {
  hallmark::python::add_errors(module);
  hallmark::python::add_numbers(module);
  hallmark::python::add_matrix(module);
  hallmark::python::add_files(module);
  module.attr("__version__") = HALLMARK_VERSION;
}
