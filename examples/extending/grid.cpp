// A grid of its own: pow2:B, zero and the signed powers of two that B bits can tell apart.
#include "format/grid_family.hpp"

namespace hallmark {
namespace {

Expected<std::optional<GridSpec>> parse(std::string_view text) {
  if (text.ends_with("/1")) text.remove_suffix(2);
  if (!text.starts_with("pow2:")) return std::optional<GridSpec>();
  const auto bits = small_number(text.substr(5));
  if (!bits || *bits < 2 || *bits > 4) return std::optional<GridSpec>();
  std::vector<float> points{0};
  for (int k = 0; k < (1 << (*bits - 1)) - 1; ++k) {
    const auto point = static_cast<float>(1 << k);
    points.insert(points.begin(), -point);
    points.push_back(point);
  }
  auto spec = GridSpec::table(std::string(text), std::string(text) + "/1", std::move(points));
  if (!spec) return spec.error();
  return std::optional(*std::move(spec));
}

}  // namespace

namespace grids {
extern const GridFamily pow2;
const GridFamily pow2{"pow2:2 .. pow2:4", parse};
}  // namespace grids

}  // namespace hallmark
