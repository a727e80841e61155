// Numbers on the command line: the whole word is a number inside its range, or a usage error; nothing is clamped.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>

namespace hallmark::cli {

/// Threads of a run: more than any machine this was tried on, and few enough to be started.
inline constexpr std::int64_t most_threads = 1024;

/// A decimal whole number from least to most.
CLI::Validator whole_number(std::int64_t least, std::int64_t most);

/// A decimal number x with 0 < x < 1.
CLI::Validator fraction();

}  // namespace hallmark::cli
