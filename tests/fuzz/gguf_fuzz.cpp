// libFuzzer target: any bytes as a GGUF file. What is accepted is as the format says: its tensors have the bytes of
// their shapes, stand in order without overlap, and the bytes after none of them matter: no prefix is accepted too.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "io/gguf.hpp"

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "wrong: %s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace gguf = hallmark::gguf;
  const auto file = std::as_bytes(std::span(data, size));
  const auto parsed = gguf::parse(file, "fuzz");
  if (!parsed) return 0;
  const std::byte* end = file.data() + 24;
  for (const gguf::Tensor& tensor : parsed->tensors) {
    require(gguf::tensor_bytes(tensor).value() == tensor.data.size(), "a tensor has other bytes than its shape");
    require(tensor.data.data() >= end, "tensors overlap");
    end = tensor.data.data() + tensor.data.size();
    require(end <= file.data() + size, "a tensor ends outside the file");
  }
  require(!gguf::parse(file.first(size - 1), "fuzz"), "a prefix is a file");
  hallmark::gguf::Metadata strings(parsed->strings.begin(), parsed->strings.end());
  const auto header = gguf::header(strings, {parsed->tensors.begin(), parsed->tensors.end()});
  require(static_cast<bool>(header), "what was read cannot be written");
  return 0;
}
