// table:FILE, the user's points: numbers in a text file, separated by white space; or the numbers themselves,
// table:-2,-1,1,2. Files that hold codes of it carry the points under the id table/1.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/error_numbers.hpp"
#include "format/grid_family.hpp"

namespace hallmark {
namespace {

Expected<std::vector<float>> numbers_in(std::istream& text, const std::string& where) {
  std::vector<float> points;
  for (std::string word; text >> word;) {
    char* end = nullptr;
    const float point = std::strtof(word.c_str(), &end);
    if (end != word.c_str() + word.size())
      return Error{Exit::usage, error_number::table_invalid, "a table of points holds something else than numbers",
                   where + ": word " + std::to_string(points.size() + 1) + " is '" + word.substr(0, 40) + "'",
                   "numbers separated by white space"};
    points.push_back(point);
  }
  return points;
}

Expected<std::optional<GridSpec>> parse(std::string_view text) {
  if (!text.starts_with("table:")) return std::optional<GridSpec>();
  std::string given(text.substr(6));
  const bool listed = given.find(',') != given.npos && given.find_first_not_of("0123456789.,+-e") == given.npos;
  Expected<std::vector<float>> points = [&]() -> Expected<std::vector<float>> {
    if (listed) {
      std::ranges::replace(given, ',', ' ');
      std::istringstream numbers(given);
      return numbers_in(numbers, std::string(text));
    }
    std::ifstream file(given);
    if (!file)
      return Error{Exit::io, error_number::cannot_read, "cannot read a table of points", given,
                   "table:FILE, a text file of increasing numbers, or the numbers: table:-2,-1,1,2"};
    return numbers_in(file, given);
  }();
  if (!points) return points.error();
  auto spec = GridSpec::table_of_user(std::string(text), *std::move(points));
  if (!spec) return spec.error();
  return std::optional(*std::move(spec));
}

}  // namespace

namespace grids {
extern const GridFamily table;
const GridFamily table{"table:FILE", parse, true};
}  // namespace grids

}  // namespace hallmark
