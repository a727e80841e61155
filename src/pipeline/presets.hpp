// What to ask for who names nothing but a size, or the blocks of a file that other programs read.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hallmark {

/// The settings that stand for others.
inline constexpr std::string_view bits_setting = "bits", preset_setting = "preset";

/// Puts in the place of each of the two the settings that it stands for; what the settings say of an option themselves
/// stays. "bits" B, 2 to 8: codes of B bits with one scale of 16 bits a row; at 2 to 4 bits they had the least damage
/// of their effort in docs/league.md, which has not met them beyond, nor the trellis. "preset" q4_0, q6_k or q8_0: the
/// grid, group size and scale storage of these blocks, so that `export --to gguf` changes no number. `place` is named
/// in errors. Errors: E0227 another word, E0230 both.
Status expand_presets(std::map<std::string, std::string>& settings, std::string_view place);

}  // namespace hallmark
