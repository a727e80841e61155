// Words of the Zig library zig-golden-float 1.1 ("gf16/zig-1.1"), for reading only: nothing here writes them.
//
// The fields are those of GF16 (1 sign, 6 exponent, 9 fraction bits), the meaning is not. What is known of them:
//   - its encoder scales |x| into [1/2, 1), keeps floor((y - 1/2) 512) in the fraction field (truncating) and the
//     exponent plus 31 in the exponent field, so the value of a word is (-1)^s (1/2 + f/512) 2^(e-31);
//   - of 512 fractions only 0..255 are produced (y < 1), except for 2^31 <= |x| < 1.5 2^31, where e = 62 and f is
//   256..511;
//   - e = 0 and f = 0 reads as zero, though its encoder also writes it for 2^-32 <= |x| < 2^-32 (1 + 1/256);
//   - e = 63 with f = 0 is infinity, and NaN was written as +infinity; -0 was written as +0;
//   - below 2^-32 and from 1.5 2^31 on its encoder overflows an integer: such words carry no meaning.
// Version 1.1 writes no word with e = 63 and f > 0 (later revisions use 0x7E01 for NaN): here they read as NaN.
#pragma once

#include <bit>
#include <cstdint>

#include "format/golden_float.hpp"

namespace hallmark {

/// (-1)^s (1/2 + f/512) 2^(e-31), exact in binary32 (10 significant bits); zeros, infinities and NaN as above.
constexpr float decode_gf16_zig_1_1(std::uint16_t word) {
  const bool negative = (word & 0x8000u) != 0;
  const std::uint32_t e = word >> 9 & 0x3Fu, f = word & 0x1FFu;
  if (e == 63)
    return f != 0 ? std::bit_cast<float>(0x7FC0'0000u) : std::bit_cast<float>(negative ? 0xFF80'0000u : 0x7F80'0000u);
  // (1/2 + f/512) 2^(e-31) = (256 + f) 2^(e-40): integer times power of two, no rounding.
  const double absolute =
      e == 0 && f == 0 ? 0.0 : static_cast<double>(256 + f) * detail::power_of_two(static_cast<int>(e) - 40);
  return static_cast<float>(negative ? -absolute : absolute);
}

}  // namespace hallmark
