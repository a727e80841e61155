#include "format/grid_family.hpp"

#include <array>
#include <charconv>

#include "format/grids/families.hpp"

namespace hallmark {
namespace {

constexpr std::array families = {
    GridFamily{"gf16, bf16, fp16, gf:E,M", grids::golden},
    GridFamily{"int2 .. int8 (all codes), int2s .. int8s (symmetric), int2z .. int8z (zero points)", grids::integer},
    GridFamily{"nf4", grids::nf4},
    GridFamily{"lloyd:2 .. lloyd:4", grids::lloyd},
    GridFamily{"table:FILE", grids::table},
};

}  // namespace

std::span<const GridFamily> grid_families() { return families; }

std::optional<int> small_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool plain = error == std::errc{} && end == text.data() + text.size() && text.size() <= 2 && text[0] != '-' &&
                     text[0] != '0';
  return plain ? std::optional(value) : std::nullopt;
}

}  // namespace hallmark
