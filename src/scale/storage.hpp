// How a file stores scales, and so what scales there are.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace hallmark {

/// f32 holds every scale; f16 those of 11 significant bits from 2^-14 to 65504; bf16 those of 8 from 2^-126 up.
enum class ScaleStorage { f32, f16, bf16 };

inline constexpr std::array<std::string_view, 3> scale_storage_names = {"f32", "f16", "bf16"};

constexpr std::string_view to_string(ScaleStorage storage) {
  return scale_storage_names[static_cast<std::size_t>(storage)];
}

constexpr std::optional<ScaleStorage> parse_scale_storage(std::string_view name) {
  for (std::size_t i = 0; i < scale_storage_names.size(); ++i)
    if (scale_storage_names[i] == name) return static_cast<ScaleStorage>(i);
  return std::nullopt;
}

/// Significant bits to which a computed scale is rounded up: 11, so that products with points are exact in binary32.
constexpr int scale_precision(ScaleStorage storage) { return storage == ScaleStorage::bf16 ? 8 : 11; }

/// Whether storing and reading s gives s, without subnormal words, which other programs may flush.
bool holds(ScaleStorage storage, float s);

}  // namespace hallmark
