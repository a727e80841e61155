// What each file of this folder gives to grid_family.cpp.
#pragma once

#include "format/grid_family.hpp"

namespace hallmark::grids {

Expected<std::optional<GridSpec>> golden(std::string_view text);    ///< gf16, bf16, fp16, gf:E,M
Expected<std::optional<GridSpec>> integer(std::string_view text);   ///< int2 .. int8, int2s .. int8s, int2z .. int8z
Expected<std::optional<GridSpec>> nf4(std::string_view text);       ///< nf4
Expected<std::optional<GridSpec>> lloyd(std::string_view text);     ///< lloyd:2 .. lloyd:4
Expected<std::optional<GridSpec>> table(std::string_view text);     ///< table:FILE

}  // namespace hallmark::grids
