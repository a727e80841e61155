// One tensor of `hallmark verify`: computed again from the files, and compared with what is stored and what is
// certified.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "certify/certificate.hpp"
#include "pipeline/input_digests.hpp"
#include "pipeline/quantize_tensor.hpp"
#include "artifact/quantized_file.hpp"

namespace hallmark {

struct VerifiedTensor {
  QuantizedTensor quantized;     ///< computed again
  CertifiedTensor computed;      ///< its certificate, with the digests of the stored codes and scales
  std::optional<Error> differs;  ///< E0712 or E0713: names tensor and row
};

/// The options that the container's header says. Errors: E0360 where they are none.
Expected<Options> options_of(const QuantizedHeader& header, const Grid& grid, const std::string& path);

/// Quantizes the tensor again and compares: scales, then codes, then the certificate, then what exact arithmetic found.
/// Errors: those of quantize_tensor; they are E0712 when the digest of W or G says that the source is another one.
Expected<VerifiedTensor> verify_tensor(const PlannedTensor& tensor, const CalibrationFile* calibration,
                                       const QuantizedFile& file, const Options& options,
                                       const CertifiedTensor& certified, ExactRows exact, contracts::Policy policy,
                                       const InputDigests& digests, bool sources_differ);

}  // namespace hallmark
