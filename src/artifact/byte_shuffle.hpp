// The shuffle of bytes that parameter-golf's scripts put before a compressor. With a stride s it is "BSHF", s in one
// byte, then for r = 0 .. s - 1 the bytes of the data at r, r + s, r + 2 s, ...: of 16-bit numbers all low bytes, then
// all high ones.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace hallmark {

inline constexpr std::size_t shuffle_header = 5;  // bytes

/// The data shuffled with stride 2, header first.
std::vector<std::byte> byte_shuffled(std::span<const std::byte> data);

/// Whether the bytes begin as shuffled ones do.
bool is_byte_shuffled(std::span<const std::byte> shuffled);

/// The data, of any stride. Precondition: is_byte_shuffled.
std::vector<std::byte> byte_unshuffled(std::span<const std::byte> shuffled);

}  // namespace hallmark
