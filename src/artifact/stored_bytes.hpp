// Codes and steps as the container stores them; digests of a matrix are of these bytes, whatever file holds it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "method/options.hpp"

namespace hallmark::detail {

template <class T>
std::span<const T> all(const Matrix<T>& M) {
  return {M.data(), static_cast<std::size_t>(M.size())};
}

/// Two bytes or the low byte of each code or zero point, whose sign I8 extends on reading. A view of `codes`, or of
/// `room` where bytes had to be made.
std::span<const std::byte> code_bytes(std::span<const Code> codes, const GridSpec& grid, std::vector<std::byte>& room);
std::span<const std::byte> zero_bytes(std::span<const std::int16_t> zeros, std::vector<std::byte>& room);
/// The scales as F32, F16 or BF16.
std::span<const std::byte> scale_bytes(std::span<const float> scales, ScaleStorage storage,
                                       std::vector<std::byte>& room);

/// Of a matrix with a rotation: the first mark that is neither 0 nor 1, or the first scale by which some number of its
/// row would not be exact in binary32.
std::optional<std::string> first_bad_mark(const Grid& grid, const Steps& steps);

/// 1 where the grid contains the code, otherwise 0, for all 2^16 codes.
std::vector<std::uint8_t> known_codes(const Grid& grid);

}  // namespace hallmark::detail
