// Integers of 2 to 8 bits.
//
//   intB   all 2^B codes, -2^(B-1) .. 2^(B-1) - 1, scales of either sign; id intB/2
//   intBs  symmetric, -(2^(B-1) - 1) .. 2^(B-1) - 1; id intB/1, the name that the first files gave it
//   intBz  0 .. 2^B - 1 with a zero point for each scale; id intBz/1
#include "format/grid_family.hpp"

namespace hallmark {
namespace {

Expected<std::optional<GridSpec>> parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view version = slash == std::string_view::npos ? "" : text.substr(slash + 1);
  std::string_view word = text.substr(0, slash);
  if (!word.starts_with("int")) return std::optional<GridSpec>();
  word.remove_prefix(3);
  char form = ' ';
  if (word.ends_with('s') || word.ends_with('z')) form = word.back(), word.remove_suffix(1);
  const auto bits = small_number(word);
  if (!bits || *bits < 2 || *bits > 8) return std::optional<GridSpec>();
  if (slash != std::string_view::npos) {  // an id
    if (form == ' ' && version == "1") form = 's';
    else if (form == 's' || version != (form == ' ' ? "2" : "1")) return std::optional<GridSpec>();
  }

  const std::string base = "int" + std::to_string(*bits);
  const int half = 1 << (*bits - 1);
  if (form == 'z') return std::optional(GridSpec::with_zero_points(base + "z", base + "z/1", 2 * half - 1));
  if (form == 's') return std::optional(GridSpec::integer(base + "s", base + "/1", 1 - half, half - 1));
  GridSpec full = GridSpec::integer(base, base + "/2", -half, half - 1);
  full.either_sign = true;
  return std::optional(std::move(full));
}

}  // namespace

namespace grids {
extern const GridFamily integer;
const GridFamily integer{"int2 .. int8 (all codes), int2s .. int8s (symmetric), int2z .. int8z (zero points)", parse};
}  // namespace grids

}  // namespace hallmark
