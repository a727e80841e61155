// Prints tests/quantize/digests.txt (make fixtures).
#include <cstdio>

#include "layers.hpp"

int main() {
  std::puts("# make fixtures");
  for (const auto& layer : hallmark::test::layers())
    std::puts(hallmark::test::digest_line(layer, hallmark::test::plain_digest(layer)).c_str());
}
