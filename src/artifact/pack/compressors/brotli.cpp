// brotli at quality 11, the planes one after the other.
#include <brotli/decode.h>
#include <brotli/encode.h>

#include <memory>
#include <new>

#include "artifact/pack/compressor.hpp"

namespace hallmark::pack {
namespace {

const std::uint8_t* octets(const std::byte* bytes) { return reinterpret_cast<const std::uint8_t*>(bytes); }
std::uint8_t* octets(std::byte* bytes) { return reinterpret_cast<std::uint8_t*>(bytes); }

std::optional<Bytes> encode(std::span<const std::byte> symbols, std::size_t) {
  std::size_t size = BrotliEncoderMaxCompressedSize(symbols.size());
  if (size == 0) return std::nullopt;  // larger than brotli counts
  Bytes data(size);
  if (!BrotliEncoderCompress(BROTLI_MAX_QUALITY, BROTLI_MAX_WINDOW_BITS, BROTLI_DEFAULT_MODE, symbols.size(),
                             octets(symbols.data()), &size, octets(data.data())))
    throw std::bad_alloc();  // of room for all, nothing else can fail
  data.resize(size);
  return data;
}

bool decode(std::span<const std::byte> data, std::size_t, std::span<std::byte> symbols) {
  const std::unique_ptr<BrotliDecoderState, decltype(&BrotliDecoderDestroyInstance)> state(
      BrotliDecoderCreateInstance(nullptr, nullptr, nullptr), BrotliDecoderDestroyInstance);
  if (!state) throw std::bad_alloc();
  std::size_t left = data.size(), room = symbols.size();
  const std::uint8_t* in = octets(data.data());
  std::uint8_t* out = octets(symbols.data());
  return BrotliDecoderDecompressStream(state.get(), &left, &in, &room, &out, nullptr) ==
             BROTLI_DECODER_RESULT_SUCCESS &&
         left == 0 && room == 0;
}

}  // namespace

namespace compressor {
extern const Compressor brotli;
const Compressor brotli{"brotli", 5, encode, decode};
}  // namespace compressor

}  // namespace hallmark::pack
