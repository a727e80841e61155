// The signs of a matrix's rotation, by name and seed: what a file says of a rotation beside which rows it turns.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "method/options.hpp"

namespace hallmark {

/// sigma of the columns of whole blocks, for options with a rotation: column j has -1 where bit j mod 256, counted from
/// the highest of the first byte, is set in the SHA-256 of "hallmark.rotation/1\n<seed>\n<j / 256>\n<name>".
std::vector<float> rotation_signs(const Options& options, std::string_view name, Index columns);

}  // namespace hallmark
