#include "pipeline/presets.hpp"

#include <fmt/format.h>

#include "base/error_numbers.hpp"

namespace hallmark {
namespace {

using Settings = std::map<std::string, std::string>;

Error out_of_range(std::string_view place, std::string_view setting, const std::string& word, std::string hint) {
  return {Exit::usage, error_number::option_range, "an option is out of range",
          fmt::format("{}: {} is '{}'", place, setting, word.substr(0, 60)), std::move(hint)};
}

// The setting is taken out, and gives its word; none where it is not there.
std::optional<std::string> taken(Settings& settings, std::string_view setting) {
  const auto found = settings.find(std::string(setting));
  if (found == settings.end()) return std::nullopt;
  std::string word = found->second;
  settings.erase(found);
  return word;
}

}  // namespace

Status expand_presets(Settings& settings, std::string_view place) {
  const std::optional<std::string> bits = taken(settings, bits_setting), preset = taken(settings, preset_setting);
  if (bits && preset)
    return Error{Exit::usage, error_number::rule_conflict, "a rule contradicts itself",
                 fmt::format("{}: bits {} and preset {}", place, bits->substr(0, 60), preset->substr(0, 60)),
                 "one of them"};
  if (bits) {
    if (bits->size() != 1 || *bits < "2" || *bits > "8")
      return out_of_range(place, bits_setting, *bits, "a whole number from 2 to 8");
    const bool tabulated = *bits <= "4";  // there are no tables beyond, where levels of equal distance lose little
    settings.merge(Settings{{"grid", (tabulated ? "lloyd:" : "int") + *bits},
                            {"method", "best"},
                            {"rotation", "hadamard:16"},
                            {"scale_storage", "f16"}});
  }
  if (preset) {
    const std::map<std::string_view, std::pair<const char*, const char*>> blocks{
        {"q4_0", {"int4", "32"}}, {"q6_k", {"int6", "256"}}, {"q8_0", {"int8", "32"}}};
    const auto found = blocks.find(*preset);
    if (found == blocks.end()) return out_of_range(place, preset_setting, *preset, "q4_0, q6_k or q8_0");
    const auto [grid, group] = found->second;
    settings.merge(Settings{{"grid", grid}, {"group_size", group}, {"scale_storage", "f16"}});
  }
  return ok();
}

}  // namespace hallmark
