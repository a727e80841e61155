// NF4, the 16 quantiles of the normal distribution that QLoRA uses (Dettmers et al. 2023, appendix E), each rounded to
// 13 significant bits so that a scale times a point is exact in binary32; the rounding moves no point by more than
// 2^-13 of itself.
#include "format/grid_family.hpp"

namespace hallmark {
namespace {

Expected<std::optional<GridSpec>> parse(std::string_view text) {
  if (text != "nf4" && text != "nf4/1") return std::optional<GridSpec>();
  auto spec = GridSpec::table(
      "nf4", "nf4/1",
      {-1.0F, -0x1.647p-1F, -0x1.0cdp-1F, -0x1.946p-2F, -0x1.234p-2F, -0x1.7a7p-3F, -0x1.74fp-4F, 0.0F, 0x1.45fp-4F,
       0x1.49ap-3F, 0x1.f81p-3F, 0x1.5a0p-2F, 0x1.c35p-2F, 0x1.201p-1F, 0x1.722p-1F, 1.0F});
  if (!spec) return spec.error();
  return std::optional(*std::move(spec));
}

}  // namespace

namespace grids {
extern const GridFamily nf4;
const GridFamily nf4{"nf4", parse};
}  // namespace grids

}  // namespace hallmark
