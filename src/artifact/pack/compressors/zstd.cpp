// zstd at level 22, the planes one after the other.
#include <zstd.h>

#include <memory>
#include <new>

#include "artifact/pack/compressor.hpp"

namespace hallmark::pack {
namespace {

constexpr int level = 22;

std::optional<Bytes> encode(std::span<const std::byte> symbols, std::size_t) {
  Bytes data(ZSTD_compressBound(symbols.size()));
  const std::size_t size = ZSTD_compress(data.data(), data.size(), symbols.data(), symbols.size(), level);
  if (ZSTD_isError(size)) throw std::bad_alloc();  // of room for all, nothing else can fail
  data.resize(size);
  return data;
}

bool decode(std::span<const std::byte> data, std::size_t, std::span<std::byte> symbols) {
  // Of one frame, which says its size: what zstd skips or takes together is not what encode writes.
  if (ZSTD_getFrameContentSize(data.data(), data.size()) != symbols.size()) return false;
  if (ZSTD_findFrameCompressedSize(data.data(), data.size()) != data.size()) return false;
  return ZSTD_decompress(symbols.data(), symbols.size(), data.data(), data.size()) == symbols.size();
}

}  // namespace

namespace compressor {
extern const Compressor zstd;
const Compressor zstd{"zstd", 3, encode, decode};
}  // namespace compressor

}  // namespace hallmark::pack
