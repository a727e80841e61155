#include "artifact/gguf_blocks.hpp"

#include <algorithm>
#include <cstring>

namespace hallmark::gguf {
namespace {

// Where a block of Q6_K has code i, i < 256: in each half the codes l, l + 32, l + 64 and l + 96, l < 32, have the low
// and the high nibbles of bytes l and l + 32 of ql, and two bits each of byte l of qh.
struct SixBits {
  static constexpr std::size_t high = 128, factors = 192, d = 208;
  std::size_t low_byte, high_byte;
  unsigned low_shift, high_shift;

  explicit SixBits(std::size_t i)
      : low_byte(i / 128 * 64 + i % 64),
        high_byte(high + i / 128 * 32 + i % 32),
        low_shift(i % 128 < 64 ? 0 : 4),
        high_shift(static_cast<unsigned>(i % 128 / 32 * 2)) {}
};

void pack_six(std::uint16_t d, std::span<const Code> codes, std::byte* out) {
  std::fill_n(out, SixBits::factors, std::byte{0});
  std::fill(out + SixBits::factors, out + SixBits::d, std::byte{1});
  std::memcpy(out + SixBits::d, &d, sizeof d);
  for (std::size_t i = 0; i < most_block_codes; ++i) {
    const SixBits at(i);
    const unsigned word = (codes[i] + 32U) & 0x3F;
    out[at.low_byte] |= static_cast<std::byte>((word & 0xF) << at.low_shift);
    out[at.high_byte] |= static_cast<std::byte>(word >> 4 << at.high_shift);
  }
}

std::uint16_t unpack_six(const std::byte* block, std::span<Code> codes) {
  for (std::size_t i = 0; i < most_block_codes; ++i) {
    const SixBits at(i);
    const unsigned low = std::to_integer<unsigned>(block[at.low_byte]) >> at.low_shift & 0xF,
                   high = std::to_integer<unsigned>(block[at.high_byte]) >> at.high_shift & 3;
    codes[i] = static_cast<Code>((low | high << 4) - 32);
  }
  std::uint16_t d;
  std::memcpy(&d, block + SixBits::d, sizeof d);
  return d;
}

}  // namespace

std::optional<Type> type_of(const GridSpec& grid, std::uint64_t cols, std::uint64_t group_size) {
  if (grid.kind != GridSpec::Kind::integer || grid.zero_points) return std::nullopt;
  if (-8 <= grid.first && grid.last <= 7) return Type::Q4_0;
  if (-32 <= grid.first && grid.last <= 31 && cols % most_block_codes == 0 && group_size % most_block_codes == 0)
    return Type::Q6_K;
  if (-128 <= grid.first && grid.last <= 127) return Type::Q8_0;
  return std::nullopt;
}

void pack_block(Type type, std::uint16_t d, std::span<const Code> codes, std::byte* out) {
  if (type == Type::Q6_K) return pack_six(d, codes, out);
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

std::uint16_t unpack_block(Type type, const std::byte* block, std::span<Code> codes) {
  if (type == Type::Q6_K) return unpack_six(block, codes);
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

bool plain_factors(Type type, const std::byte* block) {
  return type != Type::Q6_K || std::all_of(block + SixBits::factors, block + SixBits::d,
                                           [](std::byte factor) { return factor == std::byte{1}; });
}

}  // namespace hallmark::gguf
