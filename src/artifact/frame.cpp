#include "artifact/frame.hpp"

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <new>

namespace hallmark {
namespace {

using Bytes = std::vector<std::byte>;

const std::uint8_t* octets(const std::byte* bytes) { return reinterpret_cast<const std::uint8_t*>(bytes); }
std::uint8_t* octets(std::byte* bytes) { return reinterpret_cast<std::uint8_t*>(bytes); }

/// What a step of a decoder did: bytes written, and whether the frame ended, with the last byte of the input or before.
struct Taken {
  std::size_t written = 0;
  bool ended = false, with_input = false;
};

/// Takes steps into growing room until the frame ends, nothing comes any more, or there are `most` bytes.
template <class Decode>
Bytes in_steps(std::size_t most, bool& whole, Decode decode) {
  Bytes data;
  std::size_t size = 0;
  whole = false;
  for (Taken step{1}; !step.ended && step.written > 0 && size < most; size += step.written) {
    if (size == data.size()) data.resize(std::min(most, std::max(std::size_t{1} << 16, 2 * size)));
    step = decode(std::span(data).subspan(size));
    whole = step.ended && step.with_input;
  }
  data.resize(size);
  return data;
}

Bytes zlib_compress(std::span<const std::byte> data) {
  uLongf size = compressBound(data.size());
  Bytes frame(size);
  if (compress2(octets(frame.data()), &size, octets(data.data()), data.size(), Z_BEST_COMPRESSION) != Z_OK)
    throw std::bad_alloc();  // of room for all, nothing else can fail
  frame.resize(size);
  return frame;
}

Bytes zlib_decompress(std::span<const std::byte> frame, std::size_t most, bool& whole) {
  constexpr std::size_t widest = std::numeric_limits<uInt>::max();
  whole = false;
  if (frame.size() > widest) return {};
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> ended(&stream, inflateEnd);
  stream.next_in = const_cast<std::uint8_t*>(octets(frame.data()));
  stream.avail_in = static_cast<uInt>(frame.size());
  return in_steps(most, whole, [&](std::span<std::byte> room) {
    const std::size_t offered = std::min(room.size(), widest);
    stream.next_out = octets(room.data());
    stream.avail_out = static_cast<uInt>(offered);
    const int done = inflate(&stream, Z_NO_FLUSH);
    if (done == Z_MEM_ERROR) throw std::bad_alloc();
    return Taken{offered - stream.avail_out, done == Z_STREAM_END, stream.avail_in == 0};
  });
}

Bytes zstd_compress(std::span<const std::byte> data) {
  Bytes frame(ZSTD_compressBound(data.size()));
  const std::size_t size = ZSTD_compress(frame.data(), frame.size(), data.data(), data.size(), ZSTD_maxCLevel());
  if (ZSTD_isError(size)) throw std::bad_alloc();  // of room for all, nothing else can fail
  frame.resize(size);
  return frame;
}

Bytes zstd_decompress(std::span<const std::byte> frame, std::size_t most, bool& whole) {
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) throw std::bad_alloc();
  ZSTD_inBuffer input{frame.data(), frame.size(), 0};
  return in_steps(most, whole, [&](std::span<std::byte> room) {
    ZSTD_outBuffer output{room.data(), room.size(), 0};
    const std::size_t left = ZSTD_decompressStream(context.get(), &output, &input);
    return Taken{ZSTD_isError(left) ? 0 : output.pos, left == 0, input.pos == input.size};
  });
}

Bytes xz_compress(std::span<const std::byte> data) {
  Bytes frame(lzma_stream_buffer_bound(data.size()));
  std::size_t size = 0;
  if (lzma_easy_buffer_encode(9 | LZMA_PRESET_EXTREME, LZMA_CHECK_CRC64, nullptr, octets(data.data()), data.size(),
                              octets(frame.data()), &size, frame.size()) != LZMA_OK)
    throw std::bad_alloc();  // of room for all, nothing else can fail
  frame.resize(size);
  return frame;
}

Bytes xz_decompress(std::span<const std::byte> frame, std::size_t most, bool& whole) {
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, std::uint64_t{128} << 20, 0) != LZMA_OK) throw std::bad_alloc();
  const std::unique_ptr<lzma_stream, void (*)(lzma_stream*)> ended(&stream, lzma_end);
  stream.next_in = octets(frame.data());
  stream.avail_in = frame.size();
  return in_steps(most, whole, [&](std::span<std::byte> room) {
    stream.next_out = octets(room.data());
    stream.avail_out = room.size();
    const lzma_ret done = lzma_code(&stream, LZMA_FINISH);
    if (done == LZMA_MEM_ERROR) throw std::bad_alloc();
    return Taken{room.size() - stream.avail_out, done == LZMA_STREAM_END, stream.avail_in == 0};
  });
}

Bytes brotli_compress(std::span<const std::byte> data) {
  std::size_t size = BrotliEncoderMaxCompressedSize(data.size());
  Bytes frame(size);
  if (!BrotliEncoderCompress(BROTLI_MAX_QUALITY, BROTLI_MAX_WINDOW_BITS, BROTLI_DEFAULT_MODE, data.size(),
                             octets(data.data()), &size, octets(frame.data())))
    throw std::bad_alloc();  // of room for all, nothing else can fail
  frame.resize(size);
  return frame;
}

Bytes brotli_decompress(std::span<const std::byte> frame, std::size_t most, bool& whole) {
  const std::unique_ptr<BrotliDecoderState, decltype(&BrotliDecoderDestroyInstance)> state(
      BrotliDecoderCreateInstance(nullptr, nullptr, nullptr), BrotliDecoderDestroyInstance);
  if (!state) throw std::bad_alloc();
  const std::uint8_t* in = octets(frame.data());
  std::size_t left = frame.size();
  return in_steps(most, whole, [&](std::span<std::byte> room) {
    std::uint8_t* out = octets(room.data());
    std::size_t free = room.size();
    const BrotliDecoderResult done = BrotliDecoderDecompressStream(state.get(), &left, &in, &free, &out, nullptr);
    const BrotliDecoderErrorCode fault = BrotliDecoderGetErrorCode(state.get());
    if (fault <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES && fault >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES)
      throw std::bad_alloc();
    return Taken{room.size() - free, done == BROTLI_DECODER_RESULT_SUCCESS, left == 0};
  });
}

}  // namespace

const Frame zlib_frame{"zlib", zlib_compress, zlib_decompress};
const Frame zstd_frame{"zstd", zstd_compress, zstd_decompress};
const Frame xz_frame{"xz", xz_compress, xz_decompress};
const Frame brotli_frame{"brotli", brotli_compress, brotli_decompress};

}  // namespace hallmark
