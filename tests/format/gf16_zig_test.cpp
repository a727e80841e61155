// The reader of words of the Zig library 1.1: all of them, against the formula in integers.
#include <bit>
#include <cmath>
#include <cstdint>

#include <doctest/doctest.h>

#include "format/gf16_zig.hpp"

namespace gf16_zig_test {

using namespace hallmark;

static_assert(decode_gf16_zig_1_1(0x4000) == 1.0f);  // that library's 1.0
static_assert(decode_gf16_zig_1_1(0x3C00) == 0.25f);
static_assert(decode_gf16_zig_1_1(0x40FF) == 511.0f / 256.0f);  // the largest it writes below 2
static_assert(decode_gf16_zig_1_1(0x0001) == 257.0f * 0x1p-40f);

TEST_CASE("all 65,536 words") {
  unsigned wrong = 0;
  for (unsigned w = 0; w < 65536; ++w) {
    const float value = decode_gf16_zig_1_1(static_cast<std::uint16_t>(w));
    const unsigned exponent = w / 512 % 64, fraction = w % 512;
    if (exponent == 63) {
      wrong += fraction != 0 ? !std::isnan(value) : !std::isinf(value);
    } else {
      // (1/2 + f/512) 2^(e-31), in units of 2^-40 an integer.
      const double units = w % 32768 == 0 ? 0.0 : std::ldexp(256.0 + fraction, static_cast<int>(exponent));
      wrong += std::ldexp(std::fabs(static_cast<double>(value)), 40) != units;
    }
    if (!std::isnan(value)) wrong += std::signbit(value) != (w >= 32768);
  }
  CHECK(wrong == 0);
}

TEST_CASE("words that its encoder writes come back within its truncation") {
  // y in [1/2, 1), f = floor((y - 1/2) 512), e = exponent + 31: below x by less than 2^-8 of it.
  for (const double x : {0.02, 0.1, 0.5, 1.0, 3.14159, 65504.0, 1e-5}) {
    int exponent = 0;
    const double y = std::frexp(x, &exponent);
    const auto word = static_cast<std::uint16_t>((exponent + 31) * 512 + static_cast<int>((y - 0.5) * 512));
    const double back = static_cast<double>(decode_gf16_zig_1_1(word));
    CHECK(back <= x);
    CHECK(x - back < x * 0x1p-8);
  }
}

}  // namespace gf16_zig_test
