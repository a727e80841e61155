// What `hallmark verify` says by accepting files, judged from their bytes after docs/certificate.md and
// docs/file-format.md: an own reader of safetensors, OpenSSL's SHA-256, losses in rationals, the oracle's grids. Shares
// nothing with the readers, the quantizers and the judges of src/ but the description of a grid as data.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hallmark::test {

struct VerifiedFiles {
  std::vector<std::string_view> weights;  ///< one file, or the index and then its shards by name
  std::optional<std::string_view> calibration;
  std::string_view quantized, certificate;
  bool exact = false;  ///< --exact: exact losses are judged too
};

/// The first statement of an accepted pair that is false; "" where all are true. Not judged, as the page says:
/// contracts, `kept` where the codes are those of round-to-nearest, more of `clipped` than its range, how small a bound
/// is.
std::string first_false_statement(const VerifiedFiles& files);

/// The digests that a container says of itself, the first false one.
std::string first_false_digest(std::string_view quantized);

/// A file that `dequantize` made of a container: scale times point for every code, the other bytes as they were.
std::string first_false_value(std::string_view quantized, std::string_view dequantized);

/// Whether every line is an object that begins with the digest of the line before.
bool chain_is_whole(std::string_view ledger);

/// Every digest of these files by the name of what it is of, for files that can be read.
std::vector<std::pair<std::string, std::string>> digests_of(const VerifiedFiles& files);

/// The container with both of its digests made true; as it was where it cannot be read.
std::string sealed(std::string quantized);

}  // namespace hallmark::test
