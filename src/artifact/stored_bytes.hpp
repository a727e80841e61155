// Codes, zero points and scales as bytes: a number in one or two bytes each, of which the digests of a matrix are,
// whatever file holds it; and packed, as the container stores numbers of fewer than 8 bits from schema 4 on.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "io/safetensors.hpp"
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
/// The scales, or the factors of a correction, as F32, F16 or BF16.
std::span<const std::byte> scale_bytes(std::span<const float> scales, ScaleStorage storage,
                                       std::vector<std::byte>& room);

/// Whether codes and zero points of the grid take fewer bits than the bytes of their dtype.
inline bool packs(const GridSpec& grid) { return grid.bits < 8; }
/// Dtype and shape of numbers [rows, cols] of the grid. Packed, each row is one run of codes (packed_codes.hpp) and
/// begins a byte: [rows, ceil(cols bits / 8)] of U8.
struct StoredShape {
  DType dtype;
  Shape shape;
};
StoredShape stored_shape(const GridSpec& grid, std::uint64_t rows, std::uint64_t cols, bool packed);
/// Their bytes, packed where the grid packs. A view of `codes`, or of `room` where bytes had to be made.
std::span<const std::byte> packed_rows(std::span<const Code> codes, std::uint64_t cols, const GridSpec& grid,
                                       std::vector<std::byte>& room);
/// Marks of rotated rows, one bit each, in one run: [ceil(rows / 8)] of U8. A view of `room`.
std::span<const std::byte> packed_marks(std::span<const std::uint8_t> marks, std::vector<std::byte>& room);
/// The first row of `cols` codes of a packed tensor after which a bit is not 0.
std::optional<Index> first_bad_padding(const TensorInfo& tensor, Index rows, Index cols, const GridSpec& grid);
/// Numbers [rows, cols] of a tensor that has the stored_shape.
Matrix<Code> read_rows(const TensorInfo& tensor, Index rows, Index cols, const GridSpec& grid, bool packed);

/// Of a matrix with a rotation: the first mark that is neither 0 nor 1, or the first scale by which some number of its
/// row would not be exact in binary32.
std::optional<std::string> first_bad_mark(const Grid& grid, const Steps& steps);

/// Of a matrix with a correction: the first factor, or number of a corrected row, that is not finite.
std::optional<std::string> first_not_finite(const Grid& grid, std::span<const Code> codes, const Steps& steps);

/// 1 where the grid contains the code, otherwise 0, for all 2^16 codes.
std::vector<std::uint8_t> known_codes(const Grid& grid);

}  // namespace hallmark::detail
