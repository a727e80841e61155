// The bundle of docs/bundle-format.md: the bits of one tensor as hallmark-check reads them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/error.hpp"
#include "certify/certificate.hpp"
#include "format/grid.hpp"
#include "linalg/matrix.hpp"

namespace hallmark {

/// The grid of a bundle's codes, as data.
struct BundleGrid {
  enum class Kind : std::uint32_t { golden = 0, integer = 1, table = 2 };
  Kind kind = Kind::golden;
  std::int32_t exponent_bits = 0, fraction_bits = 0;  ///< golden: GF(E, M), codes are words
  std::int32_t first = 0, last = 0;                   ///< integer: codes are integers, sign-extended to 16 bits
  std::span<const float> values = {};                 ///< table: 2 .. 65536 increasing values, codes are indices
};

/// What a bundle holds of one tensor. groups = ceil(cols / group_size), 1 where group_size is 0.
struct BundleContent {
  const Matrix<float>& W;   ///< [rows, cols]
  const Matrix<double>* G;  ///< [cols, cols]; null: no calibration, and nothing is claimed of losses
  BundleGrid grid;
  std::uint32_t group_size = 0;              ///< columns that share a scale; 0: all of a row
  std::span<const Code> codes;               ///< [rows, cols]
  std::span<const float> scales;             ///< [rows, groups], finite, not 0, of either sign
  std::span<const std::int16_t> zeros = {};  ///< [rows, groups], zero points of an integer grid; empty: none
  std::span<const CertifiedRow> values;      ///< [rows]; not read without G
  const Matrix<Code>* codes_rtn;  ///< rows that agree with it are claimed to be round-to-nearest; null: no row is
  bool guard = true;              ///< with G: the codes are claimed to lose no more than round-to-nearest
};

/// The grid of a matrix; the points of a table are those of `spec`, which outlives it.
BundleGrid bundle_grid(const GridSpec& spec);

/// Why hallmark-check cannot judge a matrix; nothing when it can: shapes in the format's range, losses within binary64.
std::optional<std::string> bundle_obstacle(const CertifiedTensor& tensor);

/// Hands the bundle's bytes (version 2) to `sink` in pieces, in order. Every loss enclosure is finite. Errors: those of
/// sink.
Status write_bundle(const BundleContent& content, const std::function<Status(std::span<const std::byte>)>& sink);

}  // namespace hallmark
