#include "artifact/gguf_blocks.hpp"

#include <cstring>

namespace hallmark::gguf {

std::optional<Type> type_of(const GridSpec& grid) {
  if (grid.kind != GridSpec::Kind::integer || grid.zero_points) return std::nullopt;
  if (-8 <= grid.first && grid.last <= 7) return Type::Q4_0;
  if (-128 <= grid.first && grid.last <= 127) return Type::Q8_0;
  return std::nullopt;
}

void pack_block(Type type, std::uint16_t d, std::span<const Code, block_codes> codes, std::byte* out) {
  std::memcpy(out, &d, sizeof d);
  out += sizeof d;
  if (type == Type::Q8_0) {
    for (const Code code : codes) *out++ = static_cast<std::byte>(code & 0xFF);
    return;
  }
  const auto nibble = [&](std::size_t i) { return (codes[i] + 8U) & 0xF; };
  for (std::size_t i = 0; i < block_codes / 2; ++i)
    *out++ = static_cast<std::byte>(nibble(i) | nibble(i + block_codes / 2) << 4);
}

std::uint16_t unpack_block(Type type, const std::byte* block, std::span<Code, block_codes> codes) {
  std::uint16_t d;
  std::memcpy(&d, block, sizeof d);
  block += sizeof d;
  for (std::size_t i = 0; i < block_codes; ++i)
    if (type == Type::Q8_0) {
      codes[i] = static_cast<Code>(std::to_integer<std::int8_t>(block[i]));
    } else {
      const auto byte = std::to_integer<unsigned>(block[i % (block_codes / 2)]);
      codes[i] = static_cast<Code>((i < block_codes / 2 ? byte & 0xF : byte >> 4) - 8);
    }
  return d;
}

}  // namespace hallmark::gguf
