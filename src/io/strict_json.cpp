#include "io/strict_json.hpp"

#include <set>
#include <string>
#include <vector>

namespace hallmark {

std::optional<nlohmann::ordered_json> strict_json(std::string_view text) {
  using Json = nlohmann::ordered_json;
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  bool repeated = false;
  const auto watch = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::key) repeated |= !keys.back().insert(value.get<std::string>()).second;
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    return true;
  };
  Json json = Json::parse(text, watch, false);
  if (json.is_discarded() || repeated) return std::nullopt;
  return json;
}

}  // namespace hallmark
