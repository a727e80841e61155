// W and C as numbers, for the statements about a quantized pair.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "container.hpp"
#include "statement.hpp"

namespace hallmark::test {

struct Sources {
  std::vector<File> weights;  ///< without the index
  std::optional<File> calibration;
  std::string weights_digest, calibration_digest;

  explicit Sources(const VerifiedFiles& files);  ///< throws False

  /// A tensor of W and its bytes.
  std::optional<std::pair<CheckedTensor, std::string_view>> tensor(const std::string& name) const;
  /// The entries on which all shards that have them agree.
  std::map<std::string, std::string> metadata() const;
};

/// The bytes of a matrix in W, and its dtype; throws False.
std::pair<std::string, std::string_view> weight_bytes(const Sources& sources, const StoredMatrix& m);
/// Its numbers, row-major, all finite; throws False.
std::vector<float> weights_of(const Sources& sources, const StoredMatrix& m);

/// What C says of a matrix: G row by row, accumulated in the order of the tokens where it holds these, or of so many of
/// the first.
struct Calibration {
  std::string kind = "none";
  std::vector<double> G;
  std::uint64_t tokens = 0;
};
Calibration calibration_of(const Sources& sources, const std::string& name, std::size_t n,
                           std::optional<std::uint64_t> used = {});

}  // namespace hallmark::test
