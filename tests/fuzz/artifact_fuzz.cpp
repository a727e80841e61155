// libFuzzer target: any bytes as an artifact behind its magic and a digest that fits. What is accepted is as it says:
// every tensor that decodes has the bytes of its shape, what stands there is the one text that its compressor writes
// where that is part of the format, the container is a safetensors file, and no prefix is accepted too.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "artifact/pack/artifact.hpp"
#include "io/sha256.hpp"

namespace {

using namespace hallmark;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "wrong: %s\n", what);
  std::abort();
}

pack::Bytes artifact_of(std::span<const std::byte> rest) {
  pack::Bytes artifact(40 + rest.size());
  std::memcpy(artifact.data(), "hallpak1", 8);
  std::ranges::copy(rest, artifact.begin() + 40);
  const std::string hex = sha256_hex(rest);
  for (std::size_t i = 0; i < 32; ++i)
    artifact[8 + i] = static_cast<std::byte>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  return artifact;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto rest = std::as_bytes(std::span(data, size));
  const pack::Bytes artifact = artifact_of(rest);
  const auto parsed = pack::parse_artifact(artifact, "fuzz");
  if (!parsed) return 0;
  require(!pack::parse_artifact(artifact_of(rest.first(size - 1)), "fuzz"), "a prefix is an artifact");
  pack::Contents contents{parsed->head, {}};
  pack::Bytes container = parsed->head;
  for (std::size_t i = 0; i < parsed->tensors.size(); ++i) {
    const auto& [compressor, form, stored] = parsed->tensors[i];
    const auto bytes = pack::tensor_of(*parsed, i, "fuzz");
    if (!bytes) return 0;
    require(bytes->size() == parsed->layout.tensors[i].bytes, "a tensor has other bytes than its shape");
    container.insert(container.end(), bytes->begin(), bytes->end());
    contents.tensors.push_back({compressor, form, pack::Bytes(stored.begin(), stored.end())});
    if (compressor->id > 2 || form.bits != 8 || parsed->layout.tensors[i].plan.dtype != DType::U8) continue;
    const auto again = compressor->encode(*bytes, 1);  // bytes of U8 are their own symbols
    require(again && std::ranges::equal(*again, stored), "another text of the same content is read");
  }
  require(static_cast<bool>(parse_safetensors(container, "fuzz")), "the container is no safetensors file");
  if (parsed->head.size() > 65536) return 0;  // a head of spaces would be packed for seconds
  const auto written = pack::artifact_bytes(contents);
  require(static_cast<bool>(written), "what was read cannot be written");
  const auto again = pack::parse_artifact(*written, "fuzz");
  require(again && again->head == parsed->head, "what was written is read as something else");
  return 0;
}
