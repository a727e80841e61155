// One matrix that lies in memory, quantized as one of a file is: the same plan, codes and lines of a certificate.
#pragma once

#include <string>

#include "pipeline/quantize_planned.hpp"

namespace hallmark {

/// W [rows, cols] and its Gram matrix [cols, cols] (null without), row-major, which outlive the call.
struct MatrixInMemory {
  std::string name;
  const float* W;
  Index rows, cols;
  const double* G = nullptr;
  const double *C = nullptr, *K = nullptr;  ///< of FloatInputs, beside G = H; both or none
  Index gram_cols = 0;                      ///< of all three
  std::uint64_t tokens = 0;                 ///< that G sums; 0: unknown
  bool no_token = false;                    ///< known: G is the sum of none
};

struct CertifiedMatrix {
  QuantizedMatrix matrix;       ///< name, shape, options as resolved
  Quantized result;             ///< codes and steps
  CertifiedTensor certificate;  ///< with every digest, as `quantize` would write it
};

/// Codes, steps and certificate of the matrix: those that a file gets in which W is F32 and G is F64. Errors: those of
/// plan_matrix, quantize_loaded and check_judged; E0214 a method without the Gram matrix that it needs.
Expected<CertifiedMatrix> quantize_in_memory(const MatrixInMemory& in, RuleSet& rules, const Demands& demands);

}  // namespace hallmark
