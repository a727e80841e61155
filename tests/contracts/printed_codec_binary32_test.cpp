// The encoder that Coq printed, which ships, against the program of the family, on all 2^32 binary32 words.
#include <bit>
#include <cstdint>

#include <doctest/doctest.h>

#include "contracts/generated/gf16_codec.hpp"
#include "format/golden_float.hpp"

using namespace hallmark;

TEST_CASE("all 4,294,967,296 binary32 words") {
  std::uint64_t wrong = 0, compared = 0, nan = 0;
#pragma omp parallel for schedule(static) reduction(+ : wrong, compared, nan)
  for (std::int64_t block = 0; block < 65536; ++block) {
    for (std::uint32_t low = 0; low < 65536; ++low) {
      const std::uint32_t bits = static_cast<std::uint32_t>(block) << 16 | low;
      const GF16::Word expected = GF16::encode_family(std::bit_cast<float>(bits));
      wrong += generated::gf16_encode32(bits) != expected;
      nan += expected == GF16::nan;
      ++compared;
    }
  }
  CHECK(wrong == 0);
  CHECK(compared == std::uint64_t{1} << 32);
  CHECK(nan == 2 * (0x7FFF'FFFFu - 0x7F80'0000u));
}
