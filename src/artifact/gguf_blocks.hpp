// The blocks of GGUF that hold integer codes with one scale of binary16 for 32 or 256 columns, bit for bit as ggml
// reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "format/grid_spec.hpp"
#include "io/gguf.hpp"

namespace hallmark::gguf {

inline constexpr std::size_t block_codes = 32, most_block_codes = 256;  ///< of Q4_0 and Q8_0, of Q6_K

/// The type whose blocks hold every code of the grid: Q4_0 from -8 to 7, Q6_K from -32 to 31 where a scale is that of
/// whole blocks of 256, Q8_0 up to 8 bits; none where the grid is not one of integers, or has zero points.
/// `group_size` 0: the row is the group.
std::optional<Type> type_of(const GridSpec& grid, std::uint64_t cols, std::uint64_t group_size);

/// A block stands for the numbers d q_i: two bytes of d, a word of binary16, and then for Q4_0 the bytes (q_i + 8) + 16
/// (q_(i+16) + 8), i = 0 .. 15, for Q8_0 the bytes q_i. For Q6_K the low four bits of q_i + 32 (128 bytes), the high
/// two (64), sixteen factors of d, which are 1 here, and d: docs/formats.md. Preconditions: one of these types, whose
/// block `out` or `block` is; as many codes as it has, of a grid that it holds, sign-extended to 16 bits.
void pack_block(Type type, std::uint16_t d, std::span<const Code> codes, std::byte* out);
/// The word of d.
std::uint16_t unpack_block(Type type, const std::byte* block, std::span<Code> codes);
/// Whether the factors are 1; where a block has none, true.
bool plain_factors(Type type, const std::byte* block);

}  // namespace hallmark::gguf
