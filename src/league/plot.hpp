// The picture of the league, as SVG.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "league/standings.hpp"

namespace hallmark {

/// The places of the tables: "4.1" is the first of division 4, "4.e1" the first of those with an embedding of their
/// own.
std::vector<std::string> places_of(std::span<const Standing> standings);

/// Two panels, one above the other: damage against stored bits, and relative loss against seconds, all scales but that
/// of the bits logarithmic, each point with its place. The text depends on the standings alone. Left out are those of
/// more than 8 stored bits, and in the first panel those without damage.
std::string league_svg(std::span<const Standing> standings);

}  // namespace hallmark
