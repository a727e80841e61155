// Usage messages: what was typed, and the nearest spelling that exists.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace hallmark::cli {

/// argv joined with spaces, as the user typed it.
std::string command_line(int argc, char** argv);

/// The candidate with the smallest edit distance to word, or "" when all are further than a third of its length + 1.
std::string nearest_spelling(std::string_view word, const std::vector<std::string>& candidates);

/// Where to read on, "hallmark quantize --help", with a did-you-mean in front when a subcommand or flag does not exist.
std::string usage_hint(const CLI::App& root, int argc, char** argv);

}  // namespace hallmark::cli
