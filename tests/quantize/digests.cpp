// The same layers by every way of computing them: threads, SIMD targets, block sizes, and the programs of the CUDA
// library on the host, in both orders of their threads. One digest each, the same with every compiler and on every
// processor: digests.txt.
#include <doctest/doctest.h>

#include <fstream>
#include <set>

#include "../cuda/executors.hpp"
#include "../linalg/random.hpp"
#include "layers.hpp"

namespace digests_test {

using namespace hallmark;
using namespace hallmark::test;

TEST_CASE("one digest for every thread count, SIMD target and block size") {
  std::set<std::string> seen;
  std::ifstream written("tests/quantize/digests.txt");
  std::string line;
  REQUIRE(std::getline(written, line));  // the command that makes it
  for (const test::Layer& layer : layers()) {
    CAPTURE(layer.name);
    const std::string plain = plain_digest(layer);
    CHECK(seen.insert(plain).second);  // the digest looks at the data
    std::getline(written, line);
    CHECK(digest_line(layer, plain) == line);
    for_each_target([&] {
      for_each_thread_count([&] {
        for (const Index block : {8, 24, 128}) {
          CAPTURE(block);
          GramAccumulator gram(layer.X.cols());
          add_in_chunks(layer.X, block, [&](MatrixRef<float> X) { return gram.add(X); });
          CHECK(digest_of(layer, gram.gram(), block) == plain);
        }
      });
    });
  }
  CHECK(!std::getline(written, line));
}

TEST_CASE("and for the programs of the CUDA library") {
  for (const test::Layer& layer : layers()) {
    CAPTURE(layer.name);
    const std::string plain = plain_digest(layer);
    const auto check = [&](cuda::EngineBackend backend, Index block) {
      CAPTURE(block);
      cuda::EngineGram gram(backend.engine(), layer.X.cols());
      add_in_chunks(layer.X, block, [&](MatrixRef<float> X) { return gram.add(X); });
      const auto G = gram.gram();
      REQUIRE(G);
      CHECK(digest_of(layer, *G, block, &backend) == plain);
    };
    const Index cols = layer.W.cols();
    check(backend_of(cuda::HostExecutor(), Index{1} << 27, 64), 128);
    check(backend_of(ReversedExecutor(), Index{1} << 27, 32), 24);
    check(backend_of(ReversedExecutor(), 20 * cols, 7), 8);  // 20 rows at a time
    check(backend_of(cuda::HostExecutor(), 1, 1), 1);        // row by row
  }
}

}  // namespace digests_test
