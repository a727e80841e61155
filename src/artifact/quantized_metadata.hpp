// The metadata of the quantized container as strings: what QuantizedFileWriter writes and QuantizedFile reads.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "artifact/quantized_file.hpp"

namespace hallmark::detail {

inline constexpr std::string_view payload_key = "hallmark.payload.sha256";
inline constexpr const char* source_key = "hallmark.source.sha256";
inline constexpr const char* calibration_key = "hallmark.calibration.sha256";

/// All entries but the payload digest.
std::map<std::string, std::string> to_metadata(const QuantizedHeader& header);
/// Errors: E0360 an entry is missing or malformed, E0361 unknown schema. `path` is for messages.
Expected<QuantizedHeader> from_metadata(const std::map<std::string, std::string>& metadata, const std::string& path);

/// One tensor's part of the text whose SHA-256 is the payload digest.
std::string payload_line(const std::string& name, DType dtype, const Shape& shape, const std::string& sha256);

/// Names, dtypes and shapes of the container's tensors; `grid` gives the dtype of the codes.
std::vector<TensorPlan> container_plan(const QuantizedHeader& header, const Grid& grid);

/// 1 where the grid contains the code, otherwise 0, for all 2^16 codes.
std::vector<std::uint8_t> known_codes(const Grid& grid);

}  // namespace hallmark::detail
