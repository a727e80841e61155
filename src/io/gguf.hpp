// GGUF version 3: a strict reader of one file, and the header of a file that a writer makes. The rules, each with its
// error number: docs/formats.md. There is no unvalidated state: what is parsed is valid.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "io/safetensors.hpp"

namespace hallmark::gguf {

/// Element types that Hallmark reads and writes; a file with another one is refused.
enum class Type : std::uint32_t {
  F32 = 0,
  F16 = 1,
  Q4_0 = 2,
  Q8_0 = 8,
  Q6_K = 14,
  I8 = 24,
  I16 = 25,
  I32 = 26,
  I64 = 27,
  F64 = 28,
  BF16 = 30
};

struct TypeInfo {
  Type type;
  std::string_view name;
  std::uint64_t numbers, bytes;  ///< of a block; the first dimension is a multiple of `numbers`
};
const TypeInfo& info_of(Type type);
/// The type that holds the bytes of a dtype unchanged; none where GGUF has none.
std::optional<Type> type_of(DType dtype);

struct TensorPlan {
  std::string name;
  Type type = Type::F32;
  Shape dims;  ///< the one whose entries are neighbours first: a matrix [rows, cols] is {cols, rows}
};
/// A tensor of a file that was parsed: `data` points into it.
struct Tensor : TensorPlan {
  std::span<const std::byte> data;
};

struct Parsed {
  std::vector<Tensor> tensors;                 ///< in the order of the file
  std::map<std::string, std::string> strings;  ///< the metadata of type string
};

inline constexpr std::size_t max_dims = 4, max_name = 63, max_key = 65535;  // those of ggml
inline constexpr std::uint64_t default_alignment = 32;

/// Whether a key or a tensor can be called so: UTF-8 of 1 to `longest` bytes without control characters.
bool usable_name(std::string_view name, std::size_t longest);

/// Whether the bytes begin as those of a GGUF file do.
bool is_gguf(std::span<const std::byte> file);

/// Checks every rule on a whole file in memory; memory in proportion to its header, of which no count is believed
/// before the bytes are there. `path` is for messages only. Errors: E0352..E0358.
Expected<Parsed> parse(std::span<const std::byte> file, const std::string& path);

/// Bytes of a tensor. Errors: E0414 no dimension, more than 4, one of 0, one that splits a block, or too large.
Expected<std::uint64_t> tensor_bytes(const TensorPlan& tensor);
/// The size that bytes take up with the padding behind them.
constexpr std::uint64_t padded(std::uint64_t bytes, std::uint64_t alignment = default_alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

using Value = std::variant<std::uint32_t, float, bool, std::string, std::vector<std::string>, std::vector<float>,
                           std::vector<std::int32_t>>;
using Metadata = std::vector<std::pair<std::string, Value>>;

/// The bytes before the first tensor; the tensors follow in this order, each padded with zeros. Equal for equal
/// content. Errors: E0413 a key or name that cannot be written, or one twice; those of tensor_bytes.
Expected<std::string> header(const Metadata& metadata, const std::vector<TensorPlan>& tensors);

}  // namespace hallmark::gguf
