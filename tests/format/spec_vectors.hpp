// The test vectors of docs/spec-gf16.md, as text made from the table and the encoder. Nothing is typed by hand but the
// words to show and the numbers to encode.
#pragma once

#include <cstdint>
#include <string>

#include <fmt/format.h>

#include "format/gf16_table.hpp"
#include "format/golden_float.hpp"

namespace hallmark {

inline std::string spec_vectors() {
  std::string text = fmt::format("decode: word, value, value in decimal\n");
  for (const unsigned w : {0x0000u, 0x0001u, 0x0002u, 0x01FFu, 0x0200u, 0x0201u, 0x1C9Fu, 0x328Fu, 0x3733u, 0x3AABu,
                           0x3C00u, 0x3DFFu, 0x3E00u, 0x3E01u, 0x3F3Cu, 0x4000u, 0x40B8u, 0x4124u, 0x5E00u, 0x7C00u,
                           0x7DFFu, 0x7E00u, 0x7E01u, 0x7FFFu, 0x8000u, 0x8001u, 0xBE00u, 0xFDFFu, 0xFE00u, 0xFE01u})
    text += fmt::format("0x{:04X}  {:<18a}  {}\n", w, gf16_table()[w], static_cast<double>(gf16_table()[w]));
  text += "encode: binary64 number, the same in decimal, word\n";
  const double half_ulp = 0x1p-10;  // half the gap above 1
  for (const double x : {0.0,
                         -0.0,
                         1.0,
                         -1.0,
                         2.0,
                         0.5,
                         0.1,
                         static_cast<double>(0.1f),
                         0.02,
                         3.14159,
                         65504.0,
                         1e-5,
                         1e-10,
                         1.0 / 3,
                         0x1p-39,
                         0x1p-40,
                         -0x1p-40,
                         0x1.0000000000001p-40,
                         0x3p-41,
                         0x3p-40,
                         0x1.ff8p-31,
                         0x1.ff7ffffffffffp-31,
                         1 + half_ulp,
                         1 + half_ulp + 0x1p-52,
                         1 + 3 * half_ulp,
                         1 + 3 * half_ulp - 0x1p-52,
                         4290772992.0,
                         4292870143.5,
                         4292870144.0,
                         1e300,
                         -1e300})
    text += fmt::format("{:<24a}  {:<22}  0x{:04X}\n", x, x, GF16::encode(x));
  return text;
}

}  // namespace hallmark
