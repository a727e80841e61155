// The decode table of GF16 against integers, and its digest against the one that the specification states.
#include <bit>
#include <cmath>
#include <cstdint>

#include <doctest/doctest.h>

#include "format/gf16_table.hpp"
#include "format/golden_float.hpp"

namespace gf16_table_test {

using namespace hallmark;

namespace {

__extension__ using Int128 = __int128;

/// The value of a finite word in units of 2^-39, by the formula of docs/spec-gf16.md section 1, in integers.
Int128 units(unsigned w) {
  const unsigned exponent = w / 512 % 64, fraction = w % 512;
  const Int128 magnitude = exponent == 0 ? fraction : Int128{512 + fraction} << (exponent - 1);
  return w / 32768 == 1 ? -magnitude : magnitude;
}

}  // namespace

TEST_CASE("all 65,536 words decode to their integer value") {
  unsigned wrong = 0, finite = 0, infinite = 0, nan = 0;
  for (unsigned w = 0; w < 65536; ++w) {
    const float value = gf16_table()[w];
    wrong += std::bit_cast<std::uint32_t>(GF16::decode(static_cast<std::uint16_t>(w))) !=
             std::bit_cast<std::uint32_t>(value);
    const unsigned exponent = w / 512 % 64, fraction = w % 512;
    if (exponent == 63 && fraction != 0) {
      wrong += std::bit_cast<std::uint32_t>(value) != 0x7FC0'0000u;
      ++nan;
    } else if (exponent == 63) {
      wrong += std::bit_cast<std::uint32_t>(value) != (w < 32768 ? 0x7F80'0000u : 0xFF80'0000u);
      ++infinite;
    } else {
      // value 2^39 is an integer below 2^72 of 10 significant bits: exact in binary64 and in 128-bit integers.
      wrong += static_cast<Int128>(std::ldexp(static_cast<double>(value), 39)) != units(w);
      wrong += std::signbit(value) != (w >= 32768);
      ++finite;
    }
  }
  CHECK(wrong == 0);
  CHECK(finite == 2 * 63 * 512);
  CHECK(infinite == 2);
  CHECK(nan == 2 * 511);
}

TEST_CASE("the table has the published digest") {
  CHECK(gf16_table_digest() == "f2726f77f21e7baccc1abe36eaba2c6248f14839e08f49d8347285cf2835afd0");
}

}  // namespace gf16_table_test
