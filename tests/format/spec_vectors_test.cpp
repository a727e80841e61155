// docs/spec-gf16.md states the digest and the vectors that the code gives, to the character.
#include <fstream>
#include <iterator>
#include <string>

#include <doctest/doctest.h>

#include "spec_vectors.hpp"

namespace spec_vectors_test {

TEST_CASE("the specification page shows the vectors and the digest of the code") {
  std::ifstream page("docs/spec-gf16.md");  // ctest runs in the source folder
  REQUIRE(page);
  const std::string text{std::istreambuf_iterator<char>(page), {}};
  CHECK(text.find(hallmark::gf16_table_digest()) != std::string::npos);
  const std::string fence = "```\n", begin = "<!-- vectors -->\n" + fence;
  const std::size_t start = text.find(begin);
  REQUIRE(start != std::string::npos);
  const std::size_t first = start + begin.size();
  CHECK(text.substr(first, text.find(fence, first) - first) == hallmark::spec_vectors());
}

}  // namespace spec_vectors_test
