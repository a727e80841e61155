// The codec that Coq printed, which ships, against the program of the family: all GF16 words, and binary64 inputs at
// every place where a rounding can go wrong. All binary32 inputs: printed_codec_binary32_test.cpp.
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>

#include <doctest/doctest.h>

#include "contracts/generated/gf16_codec.hpp"
#include "format/golden_float.hpp"

namespace printed_codec_test {

using namespace hallmark;

// The printed text runs in the compiler, where an undefined shift would not be a constant expression.
static_assert(generated::gf16_encode32(0x3F80'0000u) == 0x3E00);
static_assert(generated::gf16_encode64(0x3FF0'0000'0000'0000u) == 0x3E00);
static_assert(generated::gf16_encode32(0) == 0 && generated::gf16_encode32(0xFFFF'FFFFu) == 0x7E01);
static_assert(generated::gf16_encode64(1) == 0 && generated::gf16_encode64(~std::uint64_t{0}) == 0x7E01);
static_assert(generated::gf16_decode32(0x0001) == 0x2C00'0000u && generated::gf16_decode32(0xFE00) == 0xFF80'0000u);
static_assert(generated::gf16_decode64(0x7FFF) == 0x7FF8'0000'0000'0000u);

namespace {

double value(std::uint32_t word) { return GF16::decode(static_cast<GF16::Word>(word)); }

/// Inputs that were compared, and those on which the two codecs differ, x and -x alike.
struct Tally {
  std::uint64_t compared = 0, wrong = 0, subnormal = 0, infinite = 0;

  void probe(std::uint64_t bits) {
    for (const std::uint64_t sign : {std::uint64_t{0}, std::uint64_t{1} << 63}) {
      const GF16::Word expected = GF16::encode_family(std::bit_cast<double>(bits ^ sign));
      wrong += generated::gf16_encode64(bits ^ sign) != expected;
      subnormal += GF16::is_subnormal(expected);
      infinite += GF16::is_infinite(expected);
      ++compared;
    }
  }
};

}  // namespace

TEST_CASE("decode: all 65,536 words") {
  std::uint64_t wrong = 0;
  for (std::uint32_t w = 0; w < 65536; ++w) {
    const auto word = static_cast<GF16::Word>(w);
    const float value = GF16::decode_family(word);
    wrong += generated::gf16_decode32(word) != std::bit_cast<std::uint32_t>(value);
    // Widening a float to a double is exact, but C++ leaves the word of a NaN open: the canonical one is asked for.
    const std::uint64_t wide =
        std::isnan(value) ? 0x7FF8'0000'0000'0000u : std::bit_cast<std::uint64_t>(static_cast<double>(value));
    wrong += generated::gf16_decode64(word) != wide;
    wrong += generated::gf16_encode32(generated::gf16_decode32(word)) != (GF16::is_nan(word) ? GF16::nan : word);
    wrong += generated::gf16_encode64(generated::gf16_decode64(word)) != (GF16::is_nan(word) ? GF16::nan : word);
  }
  CHECK(wrong == 0);
}

TEST_CASE("encode: binary64 words around every GF16 number and every midpoint") {
  Tally tally;
  for (std::uint32_t w = 0; w <= GF16::infinity; ++w) {
    const double low = value(w), high = w + 1 < GF16::infinity ? value(w + 1) : 0x1p32;
    const auto here = std::bit_cast<std::uint64_t>(low), middle = std::bit_cast<std::uint64_t>(low / 2 + high / 2);
    for (std::uint64_t step = 0; step < 4; ++step) {
      tally.probe(here + step);
      if (here >= step) tally.probe(here - step);
      if (w < GF16::infinity) {
        tally.probe(middle + step);
        tally.probe(middle - step);
      }
    }
  }
  CHECK(tally.wrong == 0);
  CHECK(tally.compared > 1'000'000);
}

TEST_CASE("encode: every exponent field of binary64 with structured and with random fractions") {
  Tally tally;
  std::mt19937_64 random(16);
  for (std::uint64_t field = 0; field < 2048; ++field) {
    for (int bit = 0; bit < 52; ++bit) {  // one bit, all bits below it, all bits from it on
      const std::uint64_t one = std::uint64_t{1} << bit;
      for (const std::uint64_t fraction : {one, one - 1, (std::uint64_t{1} << 52) - one})
        tally.probe(field << 52 | fraction);
    }
    for (int i = 0; i < 2000; ++i) tally.probe(field << 52 | random() >> 12);
  }
  CHECK(tally.wrong == 0);
  CHECK(tally.compared == 2u * 2048u * (3 * 52 + 2000));
  CHECK(tally.subnormal > 0);
  CHECK(tally.infinite > 0);
}

}  // namespace printed_codec_test
