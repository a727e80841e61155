// GF16::encode on all 2^32 binary32 inputs, in seconds, without trusting it: each word owns an interval of binary32
// patterns, bounded by midpoints that are computed by counting (reference_codec.hpp), and every pattern of the interval
// must encode to it. Also the counts that an MPFR run of the same comparison gave.
#include <bit>
#include <cstdint>

#include <doctest/doctest.h>

#include "format/golden_float.hpp"
#include "reference_codec.hpp"

using namespace hallmark;

namespace {

constexpr std::uint64_t infinity_pattern = 0x7F80'0000u, patterns = 0x8000'0000u;

/// The largest non-negative binary32 pattern that belongs to word k or a smaller one. Patterns grow with the value, and
/// every midpoint (11 significant bits, at least 2^-40) is itself a binary32 number; a tie belongs to the even word.
std::uint64_t last_pattern(const reference::Codec& codec, std::uint32_t k) {
  const auto midpoint = static_cast<float>(codec.midpoints()[k]);
  const auto pattern = std::bit_cast<std::uint32_t>(midpoint);
  return k % 2 == 0 ? pattern : pattern - 1;
}

std::uint64_t mismatches(std::uint64_t first, std::uint64_t last, std::uint32_t expected, std::uint32_t sign) {
  std::uint64_t wrong = 0;
  for (std::uint64_t p = first; p <= last; ++p)
    wrong += GF16::encode(std::bit_cast<float>(static_cast<std::uint32_t>(p) | sign)) != expected;
  return wrong;
}

}  // namespace

TEST_CASE("all 4,294,967,296 binary32 inputs") {
  const reference::Codec codec(6, 9);
  for (std::uint32_t k = 0; k < codec.infinity(); ++k)  // no midpoint was rounded when it became binary32
    REQUIRE(static_cast<double>(static_cast<float>(codec.midpoints()[k])) == codec.midpoints()[k]);

  for (const bool negative : {false, true}) {
    const std::uint32_t pattern_sign = negative ? 0x8000'0000u : 0, word_sign = negative ? 0x8000u : 0;
    std::uint64_t wrong = 0, zero = 0, subnormal = 0, normal = 0;
#pragma omp parallel for schedule(dynamic, 64) reduction(+ : wrong, zero, subnormal, normal)
    for (std::uint32_t k = 0; k < codec.infinity(); ++k) {
      const std::uint64_t first = k == 0 ? 0 : last_pattern(codec, k - 1) + 1, last = last_pattern(codec, k);
      wrong += mismatches(first, last, k | word_sign, pattern_sign);
      (k == 0 ? zero : k < 512 ? subnormal : normal) += last - first + 1;
    }
    // Infinity and NaN are two long intervals: cut into pieces for the threads.
    const std::uint64_t first_infinite = last_pattern(codec, codec.infinity() - 1) + 1;
    constexpr int pieces = 64;
#pragma omp parallel for reduction(+ : wrong)
    for (int i = 0; i < pieces; ++i) {
      const auto piece = [i](std::uint64_t first, std::uint64_t end, std::uint32_t expected, std::uint32_t sign) {
        const std::uint64_t size = end - first, n = static_cast<std::uint64_t>(i);
        const std::uint64_t from = first + size * n / pieces, to = first + size * (n + 1) / pieces;
        return from == to ? 0 : mismatches(from, to - 1, expected, sign);
      };
      wrong += piece(first_infinite, infinity_pattern + 1, 0x7E00u | word_sign, pattern_sign);
      wrong += piece(infinity_pattern + 1, patterns, 0x7E01u, pattern_sign);
    }
    CHECK(wrong == 0);
    const std::uint64_t infinite = infinity_pattern + 1 - first_infinite, nan = patterns - 1 - infinity_pattern;
    CHECK(infinite == 805'314'561);
    CHECK(zero == 729'808'897);
    CHECK(subnormal == 83'869'695);
    CHECK(zero + subnormal + normal + infinite + nan == patterns);
  }
}
