// The CUDA device against the CPU, bit for bit: the codec on all 65,536 words and all 2^32 binary32 inputs (`quick`,
// for compute-sanitizer: 2^20 of them), and the digests of whole layers. Exit 0 and a line NOT RUN without a device:
// tools/check_cuda.sh and CI count it.
#include <bit>
#include <cstdio>
#include <string_view>
#include <vector>

#include "cuda/backend.hpp"
#include "format/golden_float.hpp"
#include "quantize/layers.hpp"

using namespace hallmark;

namespace {

void must(const Status& done) {
  if (!done) throw std::runtime_error(to_string(done.error()));
}

void check_codec(cuda::Engine& engine, bool quick) {
  std::vector<std::uint16_t> words(65536);
  for (std::size_t w = 0; w < words.size(); ++w) words[w] = static_cast<std::uint16_t>(w);
  std::vector<float> values(words.size());
  must(engine.decode(words, values));
  for (std::size_t w = 0; w < words.size(); ++w)
    if (std::bit_cast<std::uint32_t>(values[w]) != std::bit_cast<std::uint32_t>(GF16::decode(words[w])))
      throw std::runtime_error("decode differs at word " + std::to_string(w) + "\n");

  const std::uint64_t all = std::uint64_t{1} << 32, chunk = quick ? std::uint64_t{1} << 20 : std::uint64_t{1} << 26;
  const std::uint64_t step = quick ? 4097 : 1;  // odd: the quick run meets every exponent
  std::vector<float> inputs(chunk);
  std::vector<std::uint16_t> codes(chunk);
  for (std::uint64_t base = 0; base < (quick ? 1 : all); base += chunk) {
    for (std::uint64_t i = 0; i < chunk; ++i)
      inputs[i] = std::bit_cast<float>(static_cast<std::uint32_t>((base + i) * step));
    must(engine.encode(inputs, codes));
    for (std::uint64_t i = 0; i < chunk; ++i)
      if (codes[i] != GF16::encode(inputs[i]))
        throw std::runtime_error("encode differs at binary32 word " +
                                 std::to_string(std::bit_cast<std::uint32_t>(inputs[i])) + "\n");
  }
}

std::size_t check_layers(cuda::EngineBackend& backend) {
  const auto layers = test::layers();
  for (const test::Layer& layer : layers) {
    const Matrix<double> expected = gram_ref(layer.X);
    cuda::EngineGram gram(backend.engine(), layer.X.cols());
    test::add_in_chunks(layer.X, 37, [&](MatrixRef<float> X) { return gram.add(X); });
    const auto G = gram.gram();
    if (!G) throw std::runtime_error(to_string(G.error()));
    for (const Index block : {8, 128})
      if (test::digest_of(layer, *G, block, &backend) != test::digest_of(layer, expected, block))
        throw std::runtime_error(std::string("the device gives other bits: ") + layer.name + "\n");
  }
  return layers.size();
}

}  // namespace

int main(int argc, char** argv) try {
  const bool quick = argc == 2 && std::string_view(argv[1]) == "quick";
  auto engine = cuda::device_engine();
  if (!engine)
    return std::printf("NOT RUN: CUDA tests: %s (%s)\n", engine.error().what.c_str(), engine.error().where.c_str()), 0;
  cuda::EngineBackend backend(*std::move(engine));
  check_codec(backend.engine(), quick);
  const std::size_t layers = check_layers(backend);
  std::printf("CUDA on %s equals the CPU: 65,536 words, %s inputs, %zu layers\n", backend.engine().name().c_str(),
              quick ? "2^20" : "2^32", layers);
  return 0;
} catch (const std::exception& error) {
  return std::fputs(error.what(), stderr), 1;
}
