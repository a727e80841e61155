// What to ask for who names nothing but a size.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hallmark {

/// The setting that stands for others.
inline constexpr std::string_view bits_setting = "bits";

/// Puts in the place of "bits" B, 2 to 8, the settings that it stands for: codes of B bits with one scale of 16 bits a
/// row. At 2 to 4 bits they had the least damage of their effort in docs/league.md, which has not met them beyond, nor
/// the trellis. What the settings say of an option themselves stays. `place` is named in errors. Errors: E0227 another
/// number.
Status expand_bits(std::map<std::string, std::string>& settings, std::string_view place);

}  // namespace hallmark
