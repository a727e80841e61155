#include "artifact/stored_bytes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "artifact/packed_codes.hpp"
#include "format/golden_float.hpp"

namespace hallmark::detail {

namespace {

std::span<const std::byte> low_bytes(const auto& wide, std::vector<std::byte>& room) {
  room.resize(wide.size());
  for (std::size_t i = 0; i < wide.size(); ++i) room[i] = static_cast<std::byte>(wide[i] & 0xFF);
  return room;
}

/// Element i of a U16, U8 or I8 tensor.
Code code_at(const TensorInfo& tensor, std::size_t i) {
  if (tensor.dtype == DType::U16) {
    Code code;
    std::memcpy(&code, tensor.data.data() + 2 * i, sizeof code);
    return code;
  }
  const auto value = std::to_integer<std::uint8_t>(tensor.data[i]);
  return tensor.dtype == DType::I8 ? static_cast<Code>(static_cast<std::int8_t>(value)) : Code{value};
}

std::span<const std::byte> packed_row(const TensorInfo& tensor, Index row, Index cols, const GridSpec& grid) {
  const std::size_t bytes = packed_size(static_cast<std::size_t>(cols), grid.bits);
  return tensor.data.subspan(static_cast<std::size_t>(row) * bytes, bytes);
}

}  // namespace

std::span<const std::byte> code_bytes(std::span<const Code> codes, const GridSpec& grid, std::vector<std::byte>& room) {
  return grid.code_dtype() == "U16" ? std::as_bytes(codes) : low_bytes(codes, room);
}

std::span<const std::byte> zero_bytes(std::span<const std::int16_t> zeros, std::vector<std::byte>& room) {
  return low_bytes(zeros, room);  // a grid with zero points has at most 2^8 codes
}

std::span<const std::byte> scale_bytes(std::span<const float> scales, ScaleStorage storage,
                                       std::vector<std::byte>& room) {
  if (storage == ScaleStorage::f32) return std::as_bytes(scales);
  room.resize(2 * scales.size());
  for (std::size_t i = 0; i < scales.size(); ++i) {
    const std::uint16_t word = storage == ScaleStorage::f16 ? FP16::encode(scales[i]) : BF16::encode(scales[i]);
    std::memcpy(room.data() + 2 * i, &word, sizeof word);
  }
  return room;
}

StoredShape stored_shape(const GridSpec& grid, std::uint64_t rows, std::uint64_t cols, bool packed) {
  if (packed && packs(grid)) return {DType::U8, {rows, packed_size(cols, grid.bits)}};
  return {*parse_dtype(grid.code_dtype()), {rows, cols}};
}

std::span<const std::byte> packed_rows(std::span<const Code> codes, std::uint64_t cols, const GridSpec& grid,
                                       std::vector<std::byte>& room) {
  if (!packs(grid)) return code_bytes(codes, grid, room);
  const std::size_t rows = cols == 0 ? 0 : codes.size() / cols, bytes = packed_size(cols, grid.bits);
  room.resize(rows * bytes);
  for (std::size_t i = 0; i < rows; ++i)
    pack_codes(codes.subspan(i * cols, cols), grid.bits, std::span(room).subspan(i * bytes, bytes));
  return room;
}

std::span<const std::byte> packed_marks(std::span<const std::uint8_t> marks, std::vector<std::byte>& room) {
  room.resize(packed_size(marks.size(), 1));
  pack_codes(std::vector<Code>(marks.begin(), marks.end()), 1, room);
  return room;
}

std::optional<Index> first_bad_padding(const TensorInfo& tensor, Index rows, Index cols, const GridSpec& grid) {
  for (Index i = 0; i < rows; ++i)
    if (!padding_is_zero(packed_row(tensor, i, cols, grid), static_cast<std::size_t>(cols), grid.bits)) return i;
  return std::nullopt;
}

Matrix<Code> read_rows(const TensorInfo& tensor, Index rows, Index cols, const GridSpec& grid, bool packed) {
  Matrix<Code> codes(rows, cols);
  const auto row_of = [&](Index i) { return std::span(codes.row(i).data(), static_cast<std::size_t>(cols)); };
  const bool sign = grid.code_dtype() == "I8";
#pragma omp parallel for
  for (Index i = 0; i < rows; ++i)
    if (packed && packs(grid)) unpack_codes(packed_row(tensor, i, cols, grid), grid.bits, sign, row_of(i));
    else
      for (Index j = 0; j < cols; ++j) codes(i, j) = code_at(tensor, static_cast<std::size_t>(i * cols + j));
  return codes;
}

std::optional<std::string> first_bad_mark(const Grid& grid, const Steps& steps) {
  for (Index i = 0; steps.rotation.any() && i < steps.scales.rows(); ++i) {
    const int mark = steps.rotation.rows[static_cast<std::size_t>(i)];
    if (mark > 1) return fmt::format("row {} is marked {}", i, mark);
    for (Index g = 0; g < steps.scales.cols(); ++g)
      if (const float s = steps.scales(i, g); mark == 1 ? !exact_when_rotated(grid, s) : !grid.exact_in_binary32(s))
        return fmt::format("scale {} of row {}{} gives numbers that are not exact in binary32", s, i,
                           mark == 1 ? ", which is rotated," : "");
  }
  return std::nullopt;
}

std::optional<std::string> first_not_finite(const Grid& grid, std::span<const Code> codes, const Steps& steps) {
  if (!steps.low_rank.any()) return std::nullopt;
  if (!steps.low_rank.A.allFinite()) return "a number in A";
  if (!steps.low_rank.B.allFinite()) return "a number in B";
  std::vector<float> q(static_cast<std::size_t>(steps.low_rank.B.cols()));
  for (Index i = 0; i < steps.low_rank.A.rows(); ++i) {
    if (!steps.low_rank.of_row(i)) continue;
    decode_row(grid, steps, codes.subspan(static_cast<std::size_t>(i) * q.size(), q.size()), i, q);
    const auto bad = std::ranges::find_if_not(q, [](float x) { return std::isfinite(x); });
    if (bad != q.end()) return fmt::format("row {}, column {}", i, bad - q.begin());
  }
  return std::nullopt;
}

std::vector<std::uint8_t> known_codes(const Grid& grid) {
  std::vector<std::uint8_t> known(std::size_t{1} << 16);
  for (std::size_t code = 0; code < known.size(); ++code) known[code] = grid.contains(static_cast<Code>(code));
  return known;
}

}  // namespace hallmark::detail
