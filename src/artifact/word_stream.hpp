// Codes of a few bits as a dense stream in 32-bit words: code k of a row has bits b k .. b k + b - 1, counted from bit
// 0 of the row's first word, across the ends of words. 32 codes fill b words. For 2, 4 and 8 bits no code lies in two
// words; for 3 bits this is AutoGPTQ's 10 codes, a divided one, 10, a divided one, 10.
#pragma once

#include <optional>

#include "format/grid_spec.hpp"
#include "linalg/matrix.hpp"

namespace hallmark::detail {

/// codes [n, m] below 2^bits, 1 <= bits <= 16, as words [n, ceil(m bits / 32)]; bits behind the last code are 0. T29:
/// row by row this is packed(bits, 32, codes).
Matrix<std::uint32_t> pack_rows(const Matrix<Code>& codes, int bits);

/// The codes [n, count] that pack_rows put into words [n, ceil(count bits / 32)]; none where a bit behind the last code
/// is set, so that one content has one text (T29_pack, T29_one_text).
std::optional<Matrix<Code>> unpack_rows(const Matrix<std::uint32_t>& words, Index count, int bits);

}  // namespace hallmark::detail
