// Codes of b bits side by side, the least significant bit first: packed(c) = the little-endian bytes of the integer
// sum_i u_i 2^(b i), u_i = c_i mod 2^b. There are ceil(n b / 8) of them, and the bits after the last code are 0. The
// codes are read back from them (T29).
#pragma once

#include <cstddef>
#include <span>

#include "format/grid_spec.hpp"

namespace hallmark {

/// ceil(count bits / 8).
constexpr std::size_t packed_size(std::size_t count, int bits) {
  const auto b = static_cast<std::size_t>(bits);
  return count / 8 * b + (count % 8 * b + 7) / 8;
}

/// packed = packed(codes), of packed_size bytes that do not overlap codes; 1 <= bits <= 8. Higher bits of a code are
/// dropped.
void pack_codes(std::span<const Code> codes, int bits, std::span<std::byte> packed);

/// codes_i = u_i, or where `sign` u_i - 2^b for u_i >= 2^(b-1), mod 2^16: the codes that were packed, if they lie in
/// 0 .. 2^b - 1, or in -2^(b-1) .. 2^(b-1) - 1. Sizes as above; bits after the last code are not read.
void unpack_codes(std::span<const std::byte> packed, int bits, bool sign, std::span<Code> codes);

/// Whether the bits after the last of `count` codes are 0; packed has packed_size bytes.
bool padding_is_zero(std::span<const std::byte> packed, std::size_t count, int bits);

}  // namespace hallmark
