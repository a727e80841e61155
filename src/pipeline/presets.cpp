#include "pipeline/presets.hpp"

#include <fmt/format.h>

#include "base/error_numbers.hpp"

namespace hallmark {

Status expand_bits(std::map<std::string, std::string>& settings, std::string_view place) {
  const auto found = settings.find(std::string(bits_setting));
  if (found == settings.end()) return ok();
  const std::string word = found->second;
  if (word.size() != 1 || word < "2" || word > "8")
    return Error{Exit::usage, error_number::option_range, "an option is out of range",
                 fmt::format("{}: bits is '{}'", place, word.substr(0, 60)), "a whole number from 2 to 8"};
  const bool tabulated = word <= "4";  // there are no tables beyond, where levels of equal distance lose little
  settings.erase(found);
  settings.merge(std::map<std::string, std::string>{{"grid", (tabulated ? "lloyd:" : "int") + word},
                                                    {"method", "best"},
                                                    {"rotation", "hadamard:16"},
                                                    {"scale_storage", "f16"}});
  return ok();
}

}  // namespace hallmark
