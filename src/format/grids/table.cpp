// table:FILE, the user's points: numbers in a text file, separated by white space. Files that hold codes of it carry
// the points themselves under the id table/1.
#include <fstream>

#include "base/error_numbers.hpp"
#include "format/grid_family.hpp"

namespace hallmark {
namespace {

Expected<std::optional<GridSpec>> parse(std::string_view text) {
  if (!text.starts_with("table:")) return std::optional<GridSpec>();
  const std::string path(text.substr(6));
  std::ifstream file(path);
  if (!file)
    return Error{Exit::io, error_number::cannot_read, "cannot read a table of points", path,
                 "table:FILE, a text file of increasing numbers"};
  std::vector<float> points;
  for (std::string word; file >> word;) {
    char* end = nullptr;
    const float point = std::strtof(word.c_str(), &end);
    if (end != word.c_str() + word.size())
      return Error{Exit::usage, error_number::table_invalid, "a table of points holds something else than numbers",
                   path + ": word " + std::to_string(points.size() + 1) + " is '" + word.substr(0, 40) + "'",
                   "numbers separated by white space"};
    points.push_back(point);
  }
  auto spec = GridSpec::table_of_user(std::string(text), std::move(points));
  if (!spec) return spec.error();
  return std::optional(*std::move(spec));
}

}  // namespace

namespace grids {
extern const GridFamily table;
const GridFamily table{"table:FILE", parse, true};
}  // namespace grids

}  // namespace hallmark
