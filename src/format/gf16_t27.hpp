// Words of the reference code of the t27 project ("gf16/t27"), for reading only: nothing here writes them.
//
// They mean what GF16's mean, but for e = 0 with f > 0, which are normal numbers of one more binade: (-1)^s
// (1 + f/512) 2^-31. So there is no gradual underflow: the smallest positive number is 513 2^-40 instead of 2^-39. Its
// encoder rounds to nearest with ties toward zero, and writes NaN as 0xFE01.
#pragma once

#include <cstdint>

#include "format/golden_float.hpp"

namespace hallmark {

/// GF16::decode, and (-1)^s (512 + f) 2^-40 where the exponent field is 0 and the fraction is not; exact in binary32.
constexpr float decode_gf16_t27(std::uint16_t word) {
  const std::uint32_t magnitude = word & 0x7FFFu;
  if (magnitude == 0 || magnitude >= 0x0200u) return GF16::decode(word);
  const double absolute = static_cast<double>(512 + magnitude) * detail::power_of_two(-40);
  return static_cast<float>(word >= 0x8000u ? -absolute : absolute);
}

}  // namespace hallmark
