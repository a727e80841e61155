// What the tool says: results on standard output, everything else on standard error.
#pragma once

#include <cstdio>
#include <iostream>
#include <utility>

#include <fmt/format.h>

#include "io/utf8.hpp"

namespace hallmark::cli {

/// A result, on standard output. Never throws: main finds a loss when the command is through (E0901).
template <class... Args>
void print(fmt::format_string<Args...> format, Args&&... args) {
  std::cout << without_c1(fmt::format(format, std::forward<Args>(args)...));
}

/// A line for people, on standard error, made printable. Losing it never stops the work.
template <class... Args>
void note(fmt::format_string<Args...> format, Args&&... args) {
  const std::string line = escaped(fmt::format(format, std::forward<Args>(args)...)) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace hallmark::cli
