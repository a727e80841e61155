// The program's packed codes beside those that Coq printed from the functions of T29, and read back.
#include <doctest/doctest.h>

#include <bit>
#include <charconv>
#include <cstring>
#include <string_view>
#include <vector>

#include "../generated/coq_layouts.hpp"
#include "artifact/gguf_blocks.hpp"
#include "artifact/packed_codes.hpp"
#include "artifact/word_stream.hpp"
#include "io/sha256.hpp"

namespace coq_layouts_test {

using namespace hallmark;

namespace {

std::vector<std::byte> bytes_of(std::string_view digits) {
  std::vector<std::byte> bytes(digits.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    unsigned value = 0;
    REQUIRE(std::from_chars(digits.data() + 2 * i, digits.data() + 2 * i + 2, value, 16).ec == std::errc());
    bytes[i] = static_cast<std::byte>(value);
  }
  return bytes;
}

struct Example {
  int bits;
  std::size_t lines, length;
  std::vector<Code> codes;  // [lines, length]
  std::vector<std::byte> scales, bytes;

  Matrix<Code> matrix() const {
    return Eigen::Map<const Matrix<Code>>(codes.data(), static_cast<Index>(lines), static_cast<Index>(length));
  }
};

std::vector<Example> examples(std::string_view name) {
  std::vector<Example> found;
  for (const coq_layouts::Layout& layout : coq_layouts::layouts) {
    if (layout.name != name) continue;
    Example example{layout.bits, layout.lines, layout.length, {}, bytes_of(layout.scales), bytes_of(layout.bytes)};
    for (const std::byte code : bytes_of(layout.codes)) example.codes.push_back(std::to_integer<Code>(code));
    REQUIRE(example.codes.size() == example.lines * example.length);
    found.push_back(example);
  }
  REQUIRE(!found.empty());
  return found;
}

std::vector<std::byte> bytes_of(const Matrix<std::uint32_t>& words) {
  static_assert(std::endian::native == std::endian::little);
  std::vector<std::byte> bytes(static_cast<std::size_t>(words.size()) * sizeof(std::uint32_t));
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

}  // namespace

TEST_CASE("codes packed in bytes are Coq's") {
  for (const Example& e : examples("packed")) {
    CAPTURE(e.bits);
    CAPTURE(e.length);
    REQUIRE(packed_size(e.length, e.bits) == e.bytes.size());
    std::vector<std::byte> bytes(e.bytes.size());
    pack_codes(e.codes, e.bits, bytes);
    CHECK(bytes == e.bytes);
    std::vector<Code> codes(e.length);
    unpack_codes(e.bytes, e.bits, false, codes);
    CHECK(codes == e.codes);
    CHECK(padding_is_zero(e.bytes, e.length, e.bits));
  }
}

TEST_CASE("the 32-bit words of compressed-tensors, and transposed those of GPTQ, are Coq's") {
  for (const Example& e : examples("rows")) {
    CAPTURE(e.bits);
    CAPTURE(e.length);
    const Matrix<std::uint32_t> words = detail::pack_rows(e.matrix(), e.bits);
    CHECK(bytes_of(words) == e.bytes);
    CHECK(detail::unpack_rows(words, static_cast<Index>(e.length), e.bits).value() == e.matrix());
  }
  for (const Example& e : examples("columns")) {
    CAPTURE(e.bits);
    CAPTURE(e.length);
    CHECK(bytes_of(detail::pack_rows(e.matrix(), e.bits).transpose()) == e.bytes);
  }
}

TEST_CASE("blocks of GGUF are Coq's") {
  const auto check = [](std::string_view name, gguf::Type type, std::size_t size, auto code_of) {
    for (const Example& e : examples(name)) {
      REQUIRE(e.length == gguf::block_codes);
      REQUIRE(e.bytes.size() == e.lines * size);
      for (std::size_t k = 0; k < e.lines; ++k) {
        std::uint32_t scale = 0;
        std::memcpy(&scale, e.scales.data() + k * sizeof scale, sizeof scale);
        std::vector<Code> codes;
        for (std::size_t i = 0; i < e.length; ++i) codes.push_back(code_of(e.codes[k * e.length + i]));
        const std::vector<std::byte> golden(e.bytes.begin() + static_cast<std::ptrdiff_t>(k * size),
                                            e.bytes.begin() + static_cast<std::ptrdiff_t>((k + 1) * size));
        std::vector<std::byte> block(size);
        gguf::pack_block(type, static_cast<std::uint16_t>(scale), std::span<const Code, gguf::block_codes>(codes),
                         block.data());
        CHECK(block == golden);
        std::vector<Code> back(e.length);
        CHECK(gguf::unpack_block(type, golden.data(), std::span<Code, gguf::block_codes>(back)) == scale);
        CHECK(back == codes);
      }
    }
  };
  check("q4_0", gguf::Type::Q4_0, 18, [](Code u) { return static_cast<Code>(u - 8); });
  check("q8_0", gguf::Type::Q8_0, 34, [](Code u) { return static_cast<Code>(static_cast<std::int8_t>(u)); });
}

TEST_CASE("Coq's block of Q6_K is the one that ggml's reader takes for these codes") {
  for (const Example& e : examples("q6_k"))
    CHECK(sha256_hex(e.bytes) == "b56a922ed850b4155efd0b4ac17481b6dc6a3f8447f6ce515b6fb3cbe43de6f2");
}

}  // namespace coq_layouts_test
