// Each plane by a static range coder with a table of its own.
#include "artifact/pack/range_coder.hpp"

namespace hallmark::pack {
namespace {

std::optional<Bytes> encode(std::span<const std::byte> symbols, std::size_t planes) {
  const std::size_t length = symbols.size() / planes;
  Bytes data;
  for (std::size_t p = 0; p < planes; ++p) append_coded(symbols.subspan(p * length, length), data);
  return data;
}

bool decode(std::span<const std::byte> data, std::size_t planes, std::span<std::byte> symbols) {
  const std::size_t length = symbols.size() / planes;
  for (std::size_t p = 0; p < planes; ++p)
    if (!take_coded(data, symbols.subspan(p * length, length))) return false;
  return data.empty();
}

}  // namespace

namespace compressor {
extern const Compressor range;
const Compressor range{"range", 2, encode, decode};
}  // namespace compressor

}  // namespace hallmark::pack
