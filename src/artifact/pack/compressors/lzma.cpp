// LZMA2 without a frame at preset 9e, the planes one after the other. The dictionary is no larger than the symbols, so
// that the memory of either side is bounded by them.
#include <lzma.h>

#include <algorithm>
#include <bit>
#include <new>

#include "artifact/pack/compressor.hpp"

namespace hallmark::pack {
namespace {

constexpr std::size_t largest_dictionary = std::size_t{64} << 20;  // of the preset

lzma_options_lzma options_for(std::size_t count) {
  lzma_options_lzma options;
  if (lzma_lzma_preset(&options, 9 | LZMA_PRESET_EXTREME)) throw std::bad_alloc();  // the library was built without it
  const std::size_t size = std::clamp(count, std::size_t{LZMA_DICT_SIZE_MIN}, largest_dictionary);
  options.dict_size = static_cast<std::uint32_t>(std::bit_ceil(size));
  return options;
}

const std::uint8_t* octets(const std::byte* bytes) { return reinterpret_cast<const std::uint8_t*>(bytes); }
std::uint8_t* octets(std::byte* bytes) { return reinterpret_cast<std::uint8_t*>(bytes); }

std::optional<Bytes> encode(std::span<const std::byte> symbols, std::size_t) {
  lzma_options_lzma options = options_for(symbols.size());
  const lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
  Bytes data(symbols.size() + symbols.size() / 1024 + 64);  // chunks that do not shrink take 3 bytes for 65536
  std::size_t size = 0;
  const lzma_ret done = lzma_raw_buffer_encode(filters, nullptr, octets(symbols.data()), symbols.size(),
                                               octets(data.data()), &size, data.size());
  if (done != LZMA_OK) throw std::bad_alloc();  // of room for all, nothing else can fail
  data.resize(size);
  return data;
}

bool decode(std::span<const std::byte> data, std::size_t, std::span<std::byte> symbols) {
  lzma_options_lzma options = options_for(symbols.size());
  const lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
  std::size_t read = 0, written = 0;
  const lzma_ret done = lzma_raw_buffer_decode(filters, nullptr, octets(data.data()), &read, data.size(),
                                               octets(symbols.data()), &written, symbols.size());
  if (done == LZMA_MEM_ERROR) throw std::bad_alloc();
  return done == LZMA_OK && read == data.size() && written == symbols.size();
}

}  // namespace

namespace compressor {
extern const Compressor lzma;
const Compressor lzma{"lzma", 4, encode, decode};
}  // namespace compressor

}  // namespace hallmark::pack
