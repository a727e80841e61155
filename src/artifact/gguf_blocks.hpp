// The blocks of GGUF that hold integer codes with one scale of binary16 for 32 columns, bit for bit as ggml reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "format/grid_spec.hpp"
#include "io/gguf.hpp"

namespace hallmark::gguf {

inline constexpr std::size_t block_codes = 32;

/// The type whose blocks hold every code of the grid: Q4_0 from -8 to 7, Q8_0 up to 8 bits; none where the grid is not
/// one of integers, or has zero points.
std::optional<Type> type_of(const GridSpec& grid);

/// A block stands for the numbers d q_i, i = 0 .. 31: two bytes of d, a word of binary16, and then for Q4_0 the bytes
/// (q_i + 8) + 16 (q_(i+16) + 8), i = 0 .. 15, for Q8_0 the bytes q_i. Preconditions: Q4_0 or Q8_0, whose block `out`
/// or `block` is; codes of a grid that the type holds, sign-extended to 16 bits.
void pack_block(Type type, std::uint16_t d, std::span<const Code, block_codes> codes, std::byte* out);
/// The word of d.
std::uint16_t unpack_block(Type type, const std::byte* block, std::span<Code, block_codes> codes);

}  // namespace hallmark::gguf
