// Which SIMD targets there are: what the processor has must be there, or the tests that force each target would be
// content with the plain loops.
#include "base/simd.hpp"

#include <algorithm>

#include <doctest/doctest.h>

namespace simd_test {

using namespace hallmark;

TEST_CASE("the targets that this processor runs are offered, best first, the plain loops last") {
  std::vector<std::string> expected;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd"))
    expected.push_back("AVX3");
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
    expected.push_back("AVX2");
#elif defined(__aarch64__)
  expected.push_back("NEON");
#endif
  expected.push_back("reference");
  CHECK(simd_targets() == expected);
  CHECK(simd_target() == expected.front());
  for (const std::string& name : expected) MESSAGE("SIMD target: ", name);
}

TEST_CASE("a target is forced until the choice is given back; an unknown one is refused and changes nothing") {
  const std::string best = simd_target();
  REQUIRE(set_simd_target("reference"));
  CHECK(simd_target() == "reference");
  for (const char* name : {"AVX1024", "neon", "reference ", "AVX3_DL", "SVE", "SSE4"}) {
    const Status refused = set_simd_target(name);
    REQUIRE(!refused);
    CHECK(refused.error().number == 1301);
    CHECK(simd_target() == "reference");
  }
  REQUIRE(set_simd_target(""));
  CHECK(simd_target() == best);
}

}  // namespace simd_test
