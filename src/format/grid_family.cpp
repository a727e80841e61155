#include "format/grid_family.hpp"

#include <array>
#include <charconv>

// Every family: the name of its GridFamily in namespace grids.
#define HALLMARK_GRIDS(FAMILY) \
  FAMILY(golden)               \
  FAMILY(integer)              \
  FAMILY(nf4)                  \
  FAMILY(lloyd)                \
  FAMILY(trellis)              \
  FAMILY(table)

namespace hallmark {

#define DECLARE(family) extern const GridFamily family;
namespace grids {
HALLMARK_GRIDS(DECLARE)
}
#undef DECLARE

std::span<const GridFamily* const> grid_families() {
#define ENTRY(family) &grids::family,
  static constexpr std::array families = {HALLMARK_GRIDS(ENTRY)};
#undef ENTRY
  return families;
}

std::optional<int> small_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool plain =
      error == std::errc{} && end == text.data() + text.size() && text.size() <= 2 && text[0] != '-' && text[0] != '0';
  return plain ? std::optional(value) : std::nullopt;
}

}  // namespace hallmark
