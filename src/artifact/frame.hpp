// Frames of general compressors around a whole file, as other programs write and read them: zlib, zstd, xz, brotli.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace hallmark {

struct Frame {
  std::string_view name;
  /// At the strongest level. Throws std::bad_alloc.
  std::vector<std::byte> (*compress)(std::span<const std::byte> data);
  /// The data, or the first `most` bytes of them, or those in front of a fault; `whole` where they are all and end with
  /// the frame's last byte. Brotli has no mark of its own, so that some bytes come out of many a file. Memory in
  /// proportion to what comes out. Throws std::bad_alloc.
  std::vector<std::byte> (*decompress)(std::span<const std::byte> frame, std::size_t most, bool& whole);
};

extern const Frame zlib_frame, zstd_frame, xz_frame, brotli_frame;

}  // namespace hallmark
