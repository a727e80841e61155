// What a shell and a manual know of the tool, made of the table of options that --help prints.
#pragma once

#include <string>

#include "cli/command.hpp"

namespace hallmark::cli {

/// A script for bash that completes commands, flags and the values of flags that take one of a few; elsewhere names of
/// files.
std::string bash_completion(const CLI::App& root);

/// The manual page in troff's man macros: every command with the options and the words of its --help.
std::string manual_page(const CLI::App& root);

}  // namespace hallmark::cli
