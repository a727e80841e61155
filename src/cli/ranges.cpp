#include "cli/ranges.hpp"

#include <charconv>
#include <string>

#include <fmt/format.h>

namespace hallmark::cli {
namespace {

/// Whether the whole word is one number, and the number; CLI11's own conversion reads "" as 0 and clamps what is too
/// large.
template <class T>
bool parse(const std::string& word, T& value) {
  const char* const end = word.data() + word.size();
  const auto [stop, failure] = std::from_chars(word.data(), end, value);
  return failure == std::errc{} && stop == end;
}

}  // namespace

CLI::Validator whole_number(std::int64_t least, std::int64_t most) {
  const std::string range = fmt::format("{}..{}", least, most);
  return CLI::Validator(
      [=](const std::string& word) {
        std::int64_t value = 0;
        const bool good = parse(word, value) && value >= least && value <= most;
        return good ? std::string{} : fmt::format("'{}' is not a whole number from {} to {}", word, least, most);
      },
      range);
}

CLI::Validator fraction() {
  return CLI::Validator(
      [](const std::string& word) {
        double value = 0;
        const bool good = parse(word, value) && value > 0 && value < 1;
        return good ? std::string{} : fmt::format("'{}' is not a number above 0 and below 1", word);
      },
      "(0,1)");
}

}  // namespace hallmark::cli
