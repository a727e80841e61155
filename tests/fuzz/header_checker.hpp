// A second opinion on safetensors files: a recursive-descent checker that shares no code with src/io, neither the JSON
// parser nor the arithmetic (128-bit integers instead of overflow checks). It says yes or no, not why.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hallmark::test {

struct CheckedTensor {
  std::string name, dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0, end = 0;  ///< offsets in the data
};

struct CheckedFile {
  std::map<std::string, CheckedTensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// The content of a valid file, or nothing.
std::optional<CheckedFile> check_file(std::string_view file);

}  // namespace hallmark::test
