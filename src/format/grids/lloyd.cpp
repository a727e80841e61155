// The levels that minimise the mean squared error of a normal distribution (Lloyd 1957, Max 1960), as integers of seven
// bits and a sign: the last level is 127.
#include "format/grid_family.hpp"

namespace hallmark {
namespace {

Expected<std::optional<GridSpec>> parse(std::string_view text) {
  if (text.ends_with("/1")) text.remove_suffix(2);
  if (!text.starts_with("lloyd:")) return std::optional<GridSpec>();
  const auto bits = small_number(text.substr(6));
  std::vector<float> positive;
  if (bits == 2) positive = {38, 127};
  else if (bits == 3) positive = {14, 45, 79, 127};
  else if (bits == 4) positive = {6, 18, 31, 44, 58, 75, 96, 127};
  else return std::optional<GridSpec>();
  std::vector<float> levels;
  for (auto level = positive.rbegin(); level != positive.rend(); ++level) levels.push_back(-*level);
  levels.insert(levels.end(), positive.begin(), positive.end());
  const std::string name(text);
  auto spec = GridSpec::table(name, name + "/1", std::move(levels));
  if (!spec) return spec.error();
  return std::optional(*std::move(spec));
}

}  // namespace

namespace grids {
extern const GridFamily lloyd;
const GridFamily lloyd{"lloyd:2 .. lloyd:4", parse};
}  // namespace grids

}  // namespace hallmark
