// One tensor from its files to codes: what `quantize` writes and `verify` computes again.
#pragma once

#include <memory>
#include <optional>

#include "certify/certificate_observer.hpp"
#include "certify/contracts.hpp"
#include "pipeline/plan.hpp"
#include "cuda/backend.hpp"
#include "artifact/quantized_file.hpp"
#include "method/quantized.hpp"

namespace hallmark {

/// A quantized tensor with what it was quantized from, as the quantizer saw it.
struct QuantizedTensor {
  Matrix<float> W;  ///< [rows, cols]
  std::string weights_sha256,
      gram_sha256;  ///< of W's bytes in its file, and of G ("" where there is none): see quantize_tensor
  std::optional<Matrix<double>> G;  ///< [cols, cols], stored or accumulated; none for RTN
  Options options;                  ///< as resolved: scale_rule is `given` where C holds a scale
  Quantized result;
  std::unique_ptr<CertificateObserver> seen;  ///< what the certificate says of the rows
  contracts::Report contracts;                ///< of this tensor
};

/// Reads W and its calibration and quantizes; exact arithmetic judges the rows of `exact` too. So are the run-time
/// contracts by the policy, entries of a Gram matrix that is accumulated here included; what they find stands in the
/// result. Of the digests only that of a Gram matrix which C does not hold as it is used is entered; InputDigests
/// enters the others. GPTQ runs on the device where one is given. Errors: E0350; those of accumulate_gram,
/// CalibrationFile, the quantizers and the device.
Expected<QuantizedTensor> quantize_tensor(const PlannedTensor& tensor, const CalibrationFile* calibration,
                                          Options options, ExactRows exact, contracts::Policy policy,
                                          cuda::EngineBackend* device = nullptr);

/// The header of the certificate of a container with this header, whose contracts were judged by this policy.
CertificateHeader certificate_header(const QuantizedHeader& header, contracts::Policy policy);

/// The tensor's part of the certificate, but for the digests of codes and scales: those are of the container's bytes.
/// Takes seen->values.
CertifiedTensor certified_tensor(const PlannedTensor& tensor, QuantizedTensor& quantized);

}  // namespace hallmark
