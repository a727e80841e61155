// libFuzzer target: any bytes as a safetensors file, judged by safetensors_oracle.hpp.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "safetensors_oracle.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const char* const wrong = hallmark::test::safetensors_disagreement({reinterpret_cast<const char*>(data), size});
  if (wrong != nullptr) {
    std::fprintf(stderr, "disagreement: %s\n", wrong);
    std::abort();
  }
  return 0;
}
