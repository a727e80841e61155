// The header of a quantized model as strings: the metadata that QuantizedFileWriter writes and QuantizedFile reads.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "artifact/quantized_model.hpp"

namespace hallmark::detail {

inline constexpr std::string_view payload_key = "hallmark.payload.sha256";
inline constexpr std::string_view metadata_key = "hallmark.metadata.sha256";
inline constexpr const char* source_key = "hallmark.source.sha256";
inline constexpr const char* calibration_key = "hallmark.calibration.sha256";

/// Whether an entry is one of ours; others do not matter.
inline bool is_ours(std::string_view key) { return key.starts_with("hallmark."); }
/// SHA-256 over all entries of ours but this one, the payload digest among them: over everything that is decoded.
std::string metadata_digest(const std::map<std::string, std::string>& metadata);

/// From this schema on, codes and zero points of fewer than 8 bits and marks of rotated rows are packed.
inline constexpr int packed_schema = 4;
/// The schema of a file that is written: 4 where something is packed; otherwise 3 or 2, as before there was a 4.
int schema_to_write(const QuantizedHeader& header);

/// All entries but the two digests, of the header's schema, 2 or later.
std::map<std::string, std::string> to_metadata(const QuantizedHeader& header);
/// Schema 1 to 4; from 2 on every entry is the text that to_metadata gives its content, and there is no other of ours.
/// Errors: E0360 an entry is missing or malformed, E0361 unknown schema. `path` is for messages.
Expected<QuantizedHeader> from_metadata(const std::map<std::string, std::string>& metadata, const std::string& path);

/// "experts.w[3]": the name of matrix `index` of a 3-D tensor.
std::string stacked_name(const std::string& tensor, std::uint64_t index);

/// One tensor's part of the text whose SHA-256 is the payload digest.
std::string payload_line(const std::string& name, DType dtype, const Shape& shape, const std::string& sha256);

/// Names, dtypes and shapes of the tensors of a matrix, its codes first.
std::vector<TensorPlan> matrix_plan(const QuantizedMatrix& matrix, bool packed);
/// Of all the container's tensors.
std::vector<TensorPlan> container_plan(const QuantizedHeader& header);

}  // namespace hallmark::detail
