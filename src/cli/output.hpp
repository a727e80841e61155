// What the tool says: results on standard output, everything else on standard error.
#pragma once

#include <cstdio>
#include <iostream>
#include <utility>

#include <fmt/format.h>

#include "cli/progress.hpp"
#include "io/utf8.hpp"

namespace hallmark::cli {

/// A result, on standard output. Never throws: main finds a loss when the command is through (E0901).
template <class... Args>
void print(fmt::format_string<Args...> format, Args&&... args) {
  Progress::erase();
  std::cout << without_c1(fmt::format(format, std::forward<Args>(args)...));
}

/// Whether only results, warnings and errors are wanted (--quiet).
inline bool quiet = false;

/// A line for people that nobody may miss, on standard error, made printable. Losing it never stops the work.
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  Progress::erase();
  const std::string line = escaped(fmt::format(format, std::forward<Args>(args)...)) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

/// The same of what goes well, which --quiet leaves out.
template <class... Args>
void note(fmt::format_string<Args...> format, Args&&... args) {
  if (!quiet) warn(format, std::forward<Args>(args)...);
}

}  // namespace hallmark::cli
