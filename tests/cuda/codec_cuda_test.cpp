// The CUDA codec against the scalar codec: all 65,536 words and all 2^32 binary32 inputs, bit for bit.
// Exit 0 and a line NOT RUN without a device: tools/check_cuda.sh and CI count it.
#include <bit>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "cuda/codec.hpp"
#include "format/golden_float.hpp"

int main() {
  using namespace hallmark;
  const auto device = cuda::device_name();
  if (!device) return std::printf("NOT RUN: CUDA codec test: %s (%s)\n", device.error().what.c_str(), device.error().where.c_str()), 0;

  std::vector<std::uint16_t> words(65536);
  for (std::size_t w = 0; w < words.size(); ++w) words[w] = static_cast<std::uint16_t>(w);
  std::vector<float> values(words.size());
  if (const Status done = cuda::decode(words, values); !done) return std::fputs(to_string(done.error()).c_str(), stderr), 1;
  for (std::size_t w = 0; w < words.size(); ++w)
    if (std::bit_cast<std::uint32_t>(values[w]) != std::bit_cast<std::uint32_t>(GF16::decode(words[w])))
      return std::fprintf(stderr, "decode differs at word 0x%04zX\n", w), 1;

  constexpr std::uint64_t chunk = std::uint64_t{1} << 26;
  std::vector<float> inputs(chunk);
  std::vector<std::uint16_t> codes(chunk);
  for (std::uint64_t base = 0; base < (std::uint64_t{1} << 32); base += chunk) {
    for (std::uint64_t i = 0; i < chunk; ++i) inputs[i] = std::bit_cast<float>(static_cast<std::uint32_t>(base + i));
    if (const Status done = cuda::encode(inputs, codes); !done) return std::fputs(to_string(done.error()).c_str(), stderr), 1;
    for (std::uint64_t i = 0; i < chunk; ++i)
      if (codes[i] != GF16::encode(inputs[i]))
        return std::fprintf(stderr, "encode differs at binary32 word 0x%08llX\n", static_cast<unsigned long long>(base + i)), 1;
  }
  std::printf("CUDA codec equals the scalar codec on %s: 65,536 words, 2^32 inputs\n", device->c_str());
  return 0;
}
