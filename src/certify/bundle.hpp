// The bundle of docs/bundle-format.md: the bits of one tensor as hallmark-check reads them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/error.hpp"
#include "certify/certificate.hpp"
#include "scale/steps.hpp"

namespace hallmark {

/// What a bundle holds of one matrix.
struct BundleContent {
  const Matrix<float>& W;   ///< [rows, cols]
  const Matrix<double>* G;  ///< [cols, cols]; null: no calibration, and nothing is claimed of losses
  GridSpec grid;
  const Steps* steps;
  std::span<const Code> codes;           ///< [rows, cols]
  std::span<const CertifiedRow> values;  ///< [rows]; not read without G
  const Matrix<Code>* codes_rtn;  ///< rows that agree with it are claimed to be round-to-nearest; null: no row is
  bool guard = true;              ///< with G: the codes are claimed to lose no more than round-to-nearest
};

/// Why hallmark-check cannot judge a matrix; nothing when it can: shapes in the format's range, losses within binary64.
std::optional<std::string> bundle_obstacle(const CertifiedTensor& tensor);

/// Hands the bundle's bytes (version 2) to `sink` in pieces, in order. Every loss enclosure is finite. Errors: those of
/// sink.
Status write_bundle(const BundleContent& content, const std::function<Status(std::span<const std::byte>)>& sink);

}  // namespace hallmark
