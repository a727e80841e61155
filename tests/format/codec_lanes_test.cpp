// The array codec: on every SIMD target the words and values of the scalar codec, for any length and alignment.
#include "format/codec_lanes.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <vector>

#include "../linalg/random.hpp"
#include "format/golden_float.hpp"

namespace codec_lanes_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

std::vector<std::uint32_t> bits_of(const std::vector<float>& values) {
  std::vector<std::uint32_t> bits;
  for (const float v : values) bits.push_back(std::bit_cast<std::uint32_t>(v));
  return bits;
}

}  // namespace

TEST_CASE("decode: all words, on every target, each seen to run") {
  std::vector<std::uint16_t> words(65536);
  for (std::size_t w = 0; w < words.size(); ++w) words[w] = static_cast<std::uint16_t>(w);
  std::vector<float> expected(words.size());
  decode_gf16_ref(words, expected);
  for_each_target([&] {
    CHECK(codec_target() == simd_target());
    std::vector<float> values(words.size(), -1.0F);
    REQUIRE(decode_gf16(words, values));
    CHECK(bits_of(values) == bits_of(expected));
  });
}

TEST_CASE("encode: every upper half of binary32 with the lower halves that can decide, and at random") {
  // GF16 keeps 9 of 23 fraction bits: the midpoint is 0x2000 of the lower 14, and the words' last bit is 0x4000. In
  // GF16's subnormal range the midpoint lies higher, where the upper halves run through everything.
  std::vector<float> values;
  for (std::uint32_t high = 0; high < 65536; ++high)
    for (const std::uint32_t low :
         {0x0000u, 0x0001u, 0x1FFFu, 0x2000u, 0x2001u, 0x5FFFu, 0x6000u, 0x6001u, 0x8000u, 0xA000u, 0xFFFFu})
      values.push_back(std::bit_cast<float>(high << 16 | low));
  std::mt19937 random(7);
  for (int i = 0; i < 1 << 20; ++i) values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(random())));
  std::vector<std::uint16_t> expected(values.size());
  encode_gf16_ref(values, expected);
  for_each_target([&] {
    std::vector<std::uint16_t> words(values.size(), 0xABCD);
    REQUIRE(encode_gf16(values, words));
    CHECK(words == expected);
  });
}

TEST_CASE("any length and any alignment, and nothing written outside") {
  std::mt19937 random(8);
  std::vector<float> values(300);
  for (float& v : values) v = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
  for_each_target([&] {
    for (const std::size_t offset : {0U, 1U, 3U})
      for (std::size_t count = 0; count + offset + 1 <= 150; ++count) {
        std::vector<std::uint16_t> words(300, 0xABCD), word_twin = words;
        REQUIRE(encode_gf16({values.data() + offset, count}, {words.data() + offset, count}));
        encode_gf16_ref({values.data() + offset, count}, {word_twin.data() + offset, count});
        CHECK(words == word_twin);
        std::vector<float> back(300, -1.0F), back_twin = back;
        REQUIRE(decode_gf16({words.data() + offset, count}, {back.data() + offset, count}));
        decode_gf16_ref({words.data() + offset, count}, {back_twin.data() + offset, count});
        CHECK(bits_of(back) == bits_of(back_twin));
      }
  });
}

TEST_CASE("large arrays, written past the caches by any number of threads, from odd addresses") {
  const std::size_t count = (std::size_t{1} << 21) + 77;  // 4 MiB of words and more
  std::vector<float> values(count + 3);
  std::mt19937 random(9);
  for (float& v : values) v = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
  std::vector<std::uint16_t> expected(count), words(count + 3);
  std::vector<float> decoded(count), back(count + 3);
  encode_gf16_ref({values.data() + 3, count}, expected);
  decode_gf16_ref(expected, decoded);
  const auto check = [&] {
    std::fill(words.begin(), words.end(), std::uint16_t{0xABCD});
    std::fill(back.begin(), back.end(), -1.0F);
    REQUIRE(encode_gf16({values.data() + 3, count}, {words.data() + 3, count}));
    CHECK(std::equal(expected.begin(), expected.end(), words.begin() + 3));
    CHECK(words[2] == 0xABCD);
    REQUIRE(decode_gf16({words.data() + 3, count}, {back.data() + 3, count}));
    CHECK(bits_of({back.begin() + 3, back.end()}) == bits_of(decoded));
    CHECK(back[2] == -1.0F);
  };
  for_each_target(check);
  for_each_thread_count(check);
}

TEST_CASE("the largest magnitude, and what is not finite shows") {
  for_each_target([] {
    CHECK(largest_magnitude({}) == 0.0F);
    for (std::size_t count = 1; count <= 70; ++count)
      for (std::size_t at = 0; at < count; ++at) {
        std::vector<float> x(count, -0x1p-140F);
        CHECK(largest_magnitude(x) == 0x1p-140F);
        x[at] = -3.5F;
        CHECK(largest_magnitude(x) == 3.5F);
        x[at] = -INFINITY;
        CHECK(std::isinf(largest_magnitude(x)));
        x[(at + 1) % count] = std::copysign(NAN, -1.0F);
        CHECK(std::isnan(largest_magnitude(x)));
      }
  });
}

TEST_CASE("arrays of different lengths or overlapping are refused and left alone") {
  std::vector<float> values(64, 1.5F);
  std::vector<std::uint16_t> words(63, 0xABCD);
  CHECK(encode_gf16(values, words).error().number == 112);
  CHECK(decode_gf16(words, values).error().number == 112);
  CHECK(words == std::vector<std::uint16_t>(63, 0xABCD));
  const std::span<std::uint16_t> inside(reinterpret_cast<std::uint16_t*>(values.data() + 32), 64);
  CHECK(encode_gf16(values, inside).error().number == 112);
  CHECK(values == std::vector<float>(64, 1.5F));
}

}  // namespace codec_lanes_test
