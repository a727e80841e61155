// One matrix of codes, from a run in memory or from a file: the class hallmark._native.Matrix.
#pragma once

#include <optional>

#include "artifact/quantized_model.hpp"
#include "certify/certificate.hpp"

namespace hallmark::python {

struct NativeMatrix {
  QuantizedMatrix matrix;
  Matrix<Code> codes;
  Steps steps;
  std::optional<CertifiedTensor> certificate;
};

}  // namespace hallmark::python
