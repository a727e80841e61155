// The bundle of docs/bundle-format.md: the bits of one tensor as hallmark-check reads them.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/error.hpp"
#include "certify/certificate.hpp"
#include "format/grid.hpp"
#include "linalg/matrix.hpp"

namespace hallmark {

/// What a bundle holds of one tensor. codes_rtn is only compared with codes: rows that agree are claimed to be
/// round-to-nearest.
struct BundleContent {
  const Matrix<float>& W;         ///< [rows, cols]
  const Matrix<double>& G;        ///< [cols, cols]
  std::span<const Code> codes;    ///< [rows, cols]
  std::span<const float> scales;  ///< [rows]
  const std::vector<CertifiedRow>& values;
  const Matrix<Code>& codes_rtn;
};

/// Why hallmark-check cannot judge a tensor with these options; nothing when it can. gf16/1, one scale for each row,
/// the guard on, calibration, and shapes in the format's range.
std::optional<std::string> bundle_obstacle(const CertifiedTensor& tensor);

/// Hands the bundle's bytes to `sink` in pieces, in order. Every loss enclosure is finite. Errors: those of sink.
Status write_bundle(const BundleContent& content, const std::function<Status(std::span<const std::byte>)>& sink);

}  // namespace hallmark
