// The symbols themselves.
#include <algorithm>

#include "artifact/pack/compressor.hpp"

namespace hallmark::pack {
namespace {

std::optional<Bytes> encode(std::span<const std::byte> symbols, std::size_t) {
  return Bytes(symbols.begin(), symbols.end());
}

bool decode(std::span<const std::byte> data, std::size_t, std::span<std::byte> symbols) {
  if (data.size() != symbols.size()) return false;
  std::ranges::copy(data, symbols.begin());
  return true;
}

}  // namespace

namespace compressor {
extern const Compressor plain;
const Compressor plain{"raw", 0, encode, decode};
}  // namespace compressor

}  // namespace hallmark::pack
