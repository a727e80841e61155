#include "scale/ratios.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/error_numbers.hpp"
#include "scale/scale_rule.hpp"

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

std::vector<Steps> multiples(const Steps& steps, std::span<const double> ratios, const Grid& grid,
                             ScaleStorage storage) {
  std::vector<Steps> found;
  for (const double sign : {1.0, -1.0})
    for (const double ratio : ratios) {
      if (sign < 0 && !grid.spec().either_sign) continue;
      Steps multiple = steps;
      bool usable = true;
      for (float& s : multiple.scales.reshaped()) {
        s = round_up(sign * ratio * s, scale_precision(storage));
        usable = usable && grid.exact_in_binary32(s) && holds(storage, s);
      }
      if (usable) found.push_back(std::move(multiple));
    }
  return found;
}

}  // namespace hallmark
