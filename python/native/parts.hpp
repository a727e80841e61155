// The parts of the module hallmark._native, one file each.
#pragma once

#include <pybind11/pybind11.h>

namespace hallmark::python {

void add_numbers(pybind11::module_& module);  ///< grids, GF16 words, Gram matrices
void add_matrix(pybind11::module_& module);   ///< one matrix, quantized
void add_files(pybind11::module_& module);    ///< models in files

}  // namespace hallmark::python
