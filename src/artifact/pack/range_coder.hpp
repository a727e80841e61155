// A static range coder (rANS) of one run of bytes. With frequencies f of sum M = 2^14 and c_s = sum_{t < s} f_t, the
// state x takes a symbol by x -> (x div f_s) M + c_s + x mod f_s, and gives it back by x mod M, which lies in
// [c_s, c_s + f_s). States stay in [2^31, 2^63): before a symbol would lead beyond, the low 32 bits go out as a word,
// and they come back when it was taken. Both steps invert each other, so a run is read back, and whatever is
// read is what the run is written as: the coder begins in the state 2^31, in which the decoder has to end
// without a word left. Four states take the symbols in turn.
#pragma once

#include <array>

#include "artifact/pack/compressor.hpp"

namespace hallmark::pack {

inline constexpr unsigned table_bits = 14;  ///< f_s = count 2^-14

/// f_s >= 1 exactly where counts_s >= 1, of sum M: max(1, floor(M counts_s / n)), then one by one more for the symbols
/// to which it is worth the most, or less for those whom it costs the least. Preconditions: some count is not 0,
/// their sum n < 2^48. This function is part of the format.
using Frequencies = std::array<std::uint16_t, 256>;
Frequencies frequencies_of(const std::array<std::uint64_t, 256>& counts);

/// Appends: the last symbol t that occurs (one byte), f_0 .. f_t (two bytes each), the number of words (8), the four
/// states (8 each), the words (4 each), little-endian. Precondition: there are symbols.
void append_coded(std::span<const std::byte> symbols, Bytes& data);

/// Takes such a run from the front of `data`; false where append_coded did not write it for so many symbols.
/// Precondition: there are symbols.
bool take_coded(std::span<const std::byte>& data, std::span<std::byte> symbols);

}  // namespace hallmark::pack
