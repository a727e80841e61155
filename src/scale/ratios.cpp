#include "scale/ratios.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/error_numbers.hpp"

namespace hallmark {

Expected<std::vector<double>> parse_ratios(std::string_view text) {
  std::vector<double> ratios;
  const auto bad = [&](std::string_view word) {
    return Error{Exit::usage, error_number::option_range, "an option is out of range",
                 fmt::format("ratios: '{}' of '{}'", word.substr(0, 60), text.substr(0, 60)),
                 "numbers above 0 and at most 4 with commas between, the first of them 1, at most 1000"};
  };
  for (std::size_t from = 0; from <= text.size();) {
    const std::string_view word = text.substr(from, text.find(',', from) - from);
    double ratio = 0;
    const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), ratio);
    const bool good = failure == std::errc{} && end == word.data() + word.size() && ratio > 0 && ratio <= 4;
    if (!good || (ratios.empty() && ratio != 1) || ratios.size() == 1000) return bad(word);
    ratios.push_back(ratio);
    from += word.size() + 1;
  }
  return ratios;
}

}  // namespace hallmark
