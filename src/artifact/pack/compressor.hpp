// Ways to store symbols of one byte in fewer bytes. One is a file in artifact/pack/compressors/ that defines a
// Compressor, and one line in compressor.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hallmark::pack {

using Bytes = std::vector<std::byte>;

/// Symbols, of which there are some, stand in `planes` runs of one length, each with its own statistics; planes >= 1
/// divides their number.
struct Compressor {
  std::string_view name;
  std::uint8_t id;  ///< in artifacts: never given away again
  /// None where it does not take these symbols. Throws std::bad_alloc.
  std::optional<Bytes> (*encode)(std::span<const std::byte> symbols, std::size_t planes);
  /// Fills `symbols`, whose number the caller knows; false where encode did not write the data for so many.
  bool (*decode)(std::span<const std::byte> data, std::size_t planes, std::span<std::byte> symbols);
};

std::span<const Compressor* const> compressors();
/// nullptr where no compressor has the number.
const Compressor* find_compressor(std::uint8_t id);

}  // namespace hallmark::pack
