#include "artifact/pack/compressor.hpp"

#include <algorithm>
#include <array>

// Every compressor: the name of its Compressor in namespace compressor. Among equally short results the first wins.
#define HALLMARK_COMPRESSORS(COMPRESSOR) \
  COMPRESSOR(plain)                      \
  COMPRESSOR(bits)                       \
  COMPRESSOR(range)                      \
  COMPRESSOR(zstd)                       \
  COMPRESSOR(lzma)                       \
  COMPRESSOR(brotli)

namespace hallmark::pack {

#define DECLARE(name) extern const Compressor name;
namespace compressor {
HALLMARK_COMPRESSORS(DECLARE)
}
#undef DECLARE

std::span<const Compressor* const> compressors() {
#define ENTRY(name) &compressor::name,
  static constexpr std::array registered = {HALLMARK_COMPRESSORS(ENTRY)};
#undef ENTRY
  return registered;
}

const Compressor* find_compressor(std::uint8_t id) {
  const auto found = std::ranges::find(compressors(), id, &Compressor::id);
  return found == compressors().end() ? nullptr : *found;
}

}  // namespace hallmark::pack
