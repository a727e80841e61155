// The GoldenFloat family: gf16 = gf:6,9, bf16 = gf:8,7, fp16 = gf:5,10, and every other GF(E,M) of at most 16 bits.
#include "format/grid_family.hpp"

namespace hallmark {
namespace {

Expected<std::optional<GridSpec>> parse(std::string_view text) {
  if (text.ends_with("/1")) text.remove_suffix(2);
  int E = 0, M = 0;
  if (text == "gf16") E = 6, M = 9;
  else if (text == "bf16") E = 8, M = 7;
  else if (text == "fp16") E = 5, M = 10;
  else {
    const std::size_t comma = text.find(',');
    if (!text.starts_with("gf:") || comma == std::string_view::npos) return std::optional<GridSpec>();
    const auto exponent = small_number(text.substr(3, comma - 3)), fraction = small_number(text.substr(comma + 1));
    if (!exponent || !fraction || *exponent < 2 || *exponent > 8 || *fraction > 12 || 1 + *exponent + *fraction > 16)
      return std::optional<GridSpec>();
    E = *exponent, M = *fraction;
  }
  const bool gf16 = E == 6 && M == 9, bf16 = E == 8 && M == 7, fp16 = E == 5 && M == 10;
  const std::string name = gf16   ? "gf16"
                           : bf16 ? "bf16"
                           : fp16 ? "fp16"
                                  : "gf:" + std::to_string(E) + "," + std::to_string(M);
  GridSpec spec = GridSpec::golden(name, name + "/1", E, M);
  spec.unit_by_default = bf16 || fp16;
  return std::optional(std::move(spec));
}

}  // namespace

namespace grids {
extern const GridFamily golden;
const GridFamily golden{"gf16, bf16, fp16, gf:E,M", parse};
}  // namespace grids

}  // namespace hallmark
