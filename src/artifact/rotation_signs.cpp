#include "artifact/rotation_signs.hpp"

#include <fmt/format.h>

#include <charconv>

#include "io/sha256.hpp"

namespace hallmark {

std::vector<float> rotation_signs(const Options& options, std::string_view name, Index columns) {
  std::vector<float> signs;
  if (options.rotation == no_rotation) return signs;
  std::string digest;
  for (Index j = 0; j < Rotation::columns_of(columns); ++j) {
    const Index at = j % 256;
    if (at == 0)
      digest = sha256_hex(fmt::format("hallmark.rotation/1\n{}\n{}\n{}", options.rotation_seed, j / 256, name));
    unsigned digit = 0;
    std::from_chars(digest.data() + at / 4, digest.data() + at / 4 + 1, digit, 16);
    signs.push_back((digit >> (3 - at % 4) & 1) != 0 ? -1.0F : 1.0F);
  }
  return signs;
}

}  // namespace hallmark
