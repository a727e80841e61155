// Usage messages: what was typed, and the nearest spelling that exists.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/spelling.hpp"

namespace hallmark::cli {

/// argv as the user typed it, on one line.
std::string command_line(int argc, char** argv);

/// E0201: an unknown or missing command where there is one, else `what`; with the command's --help, and a did-you-mean
/// in front when a command or flag does not exist.
Error usage_error(const CLI::App& root, const std::string& what, int argc, char** argv);

/// E0201: an empty word, or a flag with nothing behind `=`, which CLI11 reads as 0, or as none at all.
Status check_words(const CLI::App& root, int argc, char** argv);

}  // namespace hallmark::cli
