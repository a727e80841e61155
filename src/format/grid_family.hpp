// The grids by name. A family is one file in format/grids/ that defines a GridFamily, and one line in grid_family.cpp.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "format/grid_spec.hpp"

namespace hallmark {

struct GridFamily {
  std::string_view names;  ///< for people: "int2 .. int8"
  /// The grid that a user's name or a file's id stands for; none where it is of another family. Errors: E0221, E0901.
  Expected<std::optional<GridSpec>> (*parse)(std::string_view text);
  bool of_user = false;  ///< its names are of files of the user's, which nothing but a user opens
};

std::span<const GridFamily* const> grid_families();

/// A decimal number of one or two digits, all of text.
std::optional<int> small_number(std::string_view text);

}  // namespace hallmark
