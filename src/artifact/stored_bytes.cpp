#include "artifact/stored_bytes.hpp"

#include <fmt/format.h>

#include <cstring>

#include "format/golden_float.hpp"

namespace hallmark::detail {

namespace {

std::span<const std::byte> low_bytes(const auto& wide, std::vector<std::byte>& room) {
  room.resize(wide.size());
  for (std::size_t i = 0; i < wide.size(); ++i) room[i] = static_cast<std::byte>(wide[i] & 0xFF);
  return room;
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

std::vector<std::uint8_t> known_codes(const Grid& grid) {
  std::vector<std::uint8_t> known(std::size_t{1} << 16);
  for (std::size_t code = 0; code < known.size(); ++code) known[code] = grid.contains(static_cast<Code>(code));
  return known;
}

}  // namespace hallmark::detail
