// Codes of b bits side by side, beside a twin that packs bit by bit and bytes that were written by hand.
#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "artifact/packed_codes.hpp"

namespace packed_codes_test {

using namespace hallmark;

namespace {

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

std::vector<std::byte> packed(const std::vector<Code>& codes, int bits) {
  std::vector<std::byte> bytes(packed_size(codes.size(), bits), std::byte{0xA5});
  pack_codes(codes, bits, bytes);
  return bytes;
}

std::vector<Code> unpacked(const std::vector<std::byte>& bytes, std::size_t count, int bits, bool sign) {
  std::vector<Code> codes(count, 0x5A5A);
  unpack_codes(bytes, bits, sign, codes);
  return codes;
}

// Bit k of code i is bit (bits i + k) mod 8 of byte (bits i + k) / 8.
std::vector<std::byte> packed_ref(const std::vector<Code>& codes, int bits) {
  const auto b = static_cast<std::size_t>(bits);
  std::vector<std::byte> bytes((codes.size() * b + 7) / 8);
  for (std::size_t i = 0; i < codes.size(); ++i)
    for (std::size_t k = 0; k < b; ++k)
      if ((codes[i] >> k & 1) != 0) bytes[(b * i + k) / 8] |= std::byte{1} << (b * i + k) % 8;
  return bytes;
}

}  // namespace

TEST_CASE("every number of codes up to 130 of every width comes back, and the bytes are the twin's") {
  std::mt19937 random(29);
  for (int bits = 1; bits <= 8; ++bits)
    for (const bool sign : {false, true})
      for (std::size_t count = 0; count <= 130; ++count) {
        CAPTURE(bits);
        CAPTURE(count);
        std::vector<Code> codes(count);
        for (Code& code : codes)
          code = static_cast<Code>(static_cast<int>(random() % (1U << bits)) - (sign ? 1 << (bits - 1) : 0));
        const std::vector<std::byte> bytes = packed(codes, bits);
        REQUIRE(bytes == packed_ref(codes, bits));
        REQUIRE(unpacked(bytes, count, bits, sign) == codes);
        REQUIRE(padding_is_zero(bytes, count, bits));
      }
}

TEST_CASE("nothing is written or read beside the bytes and the codes") {
  for (int bits = 1; bits <= 8; ++bits)
    for (std::size_t count = 0; count <= 40; ++count) {
      CAPTURE(bits);
      CAPTURE(count);
      const std::size_t size = packed_size(count, bits);
      std::vector<std::byte> bytes(size + 16, std::byte{0xA5});
      pack_codes(std::vector<Code>(count, 0xFFFF), bits, std::span(bytes).first(size));
      for (std::size_t k = size; k < bytes.size(); ++k) REQUIRE(bytes[k] == std::byte{0xA5});
      std::vector<Code> codes(count + 16, 0x5A5A);
      unpack_codes(std::span(bytes).first(size), bits, false, std::span(codes).first(count));
      for (std::size_t k = 0; k < codes.size(); ++k) REQUIRE(codes[k] == (k < count ? (1 << bits) - 1 : 0x5A5A));
    }
}

TEST_CASE("3 bits, by hand: the codes 1 .. 7, 0, 5 and their complements") {
  // From the highest bit down: 00000 101 | 000 111 11 | 0 101 100 0 | 11 010 001.
  const std::vector<Code> codes{1, 2, 3, 4, 5, 6, 7, 0, 5};
  const std::vector<std::byte> golden = bytes_of({0xD1, 0x58, 0x1F, 0x05});
  CHECK(packed(codes, 3) == golden);
  CHECK(unpacked(golden, 9, 3, false) == codes);
  // In two's complement 4 .. 7 stand for -4 .. -1.
  std::vector<Code> below(codes);
  for (Code& code : below)
    if (code >= 4) code = static_cast<Code>(code - 8);
  CHECK(packed(below, 3) == golden);
  CHECK(unpacked(golden, 9, 3, true) == below);
}

TEST_CASE("the bytes of the witnesses of T29") {
  CHECK(packed({0, 1, 2, 3, 4, 5, 6, 7, 0}, 3) == bytes_of({0x88, 0xC6, 0xFA, 0}));
  const std::vector<Code> signed_codes{static_cast<Code>(-8), 7, static_cast<Code>(-1), 0};
  CHECK(packed(signed_codes, 4) == bytes_of({0x78, 0x0F}));
  CHECK(unpacked(bytes_of({0x78, 0x0F}), 4, 4, true) == signed_codes);
}

TEST_CASE("a bit after the last code is seen, wherever it stands, and no bit of a code is taken for one") {
  for (int bits = 1; bits <= 8; ++bits)
    for (std::size_t count = 1; count <= 24; ++count)
      for (std::size_t bit = 0; bit < 8 * packed_size(count, bits); ++bit) {
        CAPTURE(bits);
        CAPTURE(count);
        CAPTURE(bit);
        std::vector<std::byte> bytes(packed_size(count, bits));
        bytes[bit / 8] |= std::byte{1} << bit % 8;
        REQUIRE(padding_is_zero(bytes, count, bits) == (bit < count * static_cast<std::size_t>(bits)));
      }
}

}  // namespace packed_codes_test
