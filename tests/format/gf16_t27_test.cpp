// The reader of words of t27's reference code: all of them, against the formula in integers.
#include <cmath>
#include <cstdint>

#include <doctest/doctest.h>

#include "format/gf16_t27.hpp"

namespace gf16_t27_test {

using namespace hallmark;

static_assert(decode_gf16_t27(0x0001) == 513.0f * 0x1p-40f);  // the smallest positive number there
static_assert(decode_gf16_t27(0x81FF) == -1023.0f * 0x1p-40f);
static_assert(decode_gf16_t27(0x0200) == 0x1p-30f);
static_assert(decode_gf16_t27(0x3E00) == 1.0f);
static_assert(decode_gf16_t27(0x7DFF) == 4290772992.0f);

TEST_CASE("all 65,536 words") {
  unsigned wrong = 0, apart = 0;
  for (unsigned w = 0; w < 65536; ++w) {
    const auto word = static_cast<std::uint16_t>(w);
    const float value = decode_gf16_t27(word);
    const unsigned exponent = w / 512 % 64, fraction = w % 512;
    if (exponent == 63) {
      wrong += fraction != 0 ? !std::isnan(value) : !std::isinf(value);
    } else {
      // (1 + f/512) 2^(e-31), in units of 2^-40 an integer; the word 0 is zero.
      const double units = w % 32768 == 0 ? 0.0 : std::ldexp(512.0 + fraction, static_cast<int>(exponent));
      wrong += std::ldexp(std::fabs(static_cast<double>(value)), 40) != units;
      apart += value != GF16::decode(word);
    }
    if (!std::isnan(value)) wrong += std::signbit(value) != (w >= 32768);
  }
  CHECK(wrong == 0);
  CHECK(apart == 2 * 511);
}

TEST_CASE("words that its encoder writes come back within half a gap, ties toward zero") {
  // x in [2^e, 2^(e+1)), e from -31: f = the 9 bits behind the leading one, one more where the rest is above a half.
  for (const double x :
       {0x1.004p-31, 0x1.0041p-31, 0x1.00cp-31, 1e-9, 0x1p-30, 0.1, 1.0, 0x1.004p0, 0x1.00cp0, 65504.0}) {
    CAPTURE(x);
    int exponent = 0;
    const double y = std::frexp(x, &exponent) * 2 - 1, scaled = y * 512;  // exact: few bits
    const double below = std::floor(scaled);
    const auto word = static_cast<std::uint16_t>((exponent - 1 + 31) * 512 + static_cast<int>(below) +
                                                 (scaled - below > 0.5 ? 1 : 0));
    const double back = static_cast<double>(decode_gf16_t27(word)), gap = std::ldexp(1.0, exponent - 10);
    if (word == 0) CHECK(x == 0x1.004p-31);  // a tie with 2^-31, which no word means: its encoder writes zero
    else CHECK(std::fabs(back - x) <= gap / 2);
    if (x == 0x1.00cp0) CHECK(back == 0x1.008p0);  // a tie: GF16 takes the even word above
  }
}

}  // namespace gf16_t27_test
