// trellis:B, B bits a weight: in rotated rows the points are those of a trellis (format/trellis.hpp), in others, which
// round-to-nearest leaves, the levels of lloyd:B.
#include "format/grid_family.hpp"

namespace hallmark {
namespace {

Expected<std::optional<GridSpec>> parse(std::string_view text) {
  if (text.ends_with("/1")) text.remove_suffix(2);
  std::vector<float> levels;
  if (text == "trellis:2") levels = {-127, -38, 38, 127};
  else if (text == "trellis:3") levels = {-127, -79, -45, -14, 14, 45, 79, 127};
  else return std::optional<GridSpec>();
  const std::string name(text);
  auto spec = GridSpec::table(name, name + "/1", std::move(levels));
  if (!spec) return spec.error();
  spec->windowed = true;
  return std::optional(*std::move(spec));
}

}  // namespace

namespace grids {
extern const GridFamily trellis;
const GridFamily trellis{"trellis:2, trellis:3", parse};
}  // namespace grids

}  // namespace hallmark
