#include "method/options_json.hpp"

#include "method/low_rank.hpp"

namespace hallmark {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* points_key = "points";

Json json_of(const Grid& value) { return value.id(); }
Json json_of(const std::string& value) { return value; }
Json json_of(ScaleStorage value) { return std::string(to_string(value)); }
Json json_of(Index value) { return value; }
Json json_of(double value) { return value + 0.0; }  // a zero has no sign: one content, one text
Json json_of(bool value) { return value; }

bool read(const nlohmann::json& item, const OptionInfo& info, auto& value) {
  return item.is_string() && bool(set_option(info, item.get<std::string>(), value));
}
bool read(const nlohmann::json& item, const OptionInfo& info, Index& value) {
  return item.is_number_integer() && bool(set_option(info, item.dump(), value));
}
bool read(const nlohmann::json& item, const OptionInfo& info, double& value) {
  if (!item.is_number()) return false;
  value = item.get<double>();
  return info.range.contains(value);
}
bool read(const nlohmann::json& item, const OptionInfo&, bool& value) {
  if (!item.is_boolean()) return false;
  value = item.get<bool>();
  return true;
}

// A grid by its id; the user's table by its points.
std::optional<Grid> grid_of(const nlohmann::json& object) {
  const auto id = object.find("grid"), points = object.find(points_key);
  if (id == object.end() || !id->is_string()) return std::nullopt;
  if (points != object.end()) {
    if (id->get<std::string>() != GridSpec::id_of_user || !points->is_array()) return std::nullopt;
    std::vector<float> values;
    for (const auto& point : *points) {
      if (!point.is_number()) return std::nullopt;
      values.push_back(point.get<float>());
    }
    auto spec = GridSpec::table_of_user("table", std::move(values));
    return spec ? std::optional(Grid(*std::move(spec))) : std::nullopt;
  }
  Expected<Grid> grid = Grid::of_id(id->get<std::string>());
  return grid ? std::optional(*std::move(grid)) : std::nullopt;
}

}  // namespace

Json options_json(const Options& options) {
  Json object = Json::object();
  const auto put = [&](const OptionInfo& info, const auto& value) { object[std::string(info.name)] = json_of(value); };
  visit_options(options, put);
  const Options defaults{options.grid};
  visit_options(defaults, [&](const OptionInfo& info, const auto& value) {
    if (const auto item = object.find(info.name); info.later && *item == json_of(value)) object.erase(item);
  });
  if (options.grid.spec().of_user) object[points_key] = options.grid.spec().points;
  return object;
}

std::optional<Options> options_of_json(const nlohmann::json& object) {
  if (!object.is_object()) return std::nullopt;
  const std::optional<Grid> grid = grid_of(object);
  if (!grid) return std::nullopt;
  Options options{*grid};
  bool good = true;
  visit_options(options, [&](const OptionInfo& info, auto& value) {
    const auto item = object.find(info.name);
    if (info.later && item == object.end()) return;
    if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(value)>, Grid>)
      good = good && item != object.end() && read(*item, info, value);
  });
  good = good && (options.rotation != no_rotation || options.rotation_seed == 0) && !rotation_obstacle(options) &&
         !target_obstacle(options) && !low_rank_obstacle(options) &&
         (options.low_rank > 0 ||
          (options.low_rank_weights == hessian_weights && options.low_rank_storage == ScaleStorage::bf16));
  // No other keys, and one text for one content.
  return good && options_json(options).size() == object.size() ? std::optional(std::move(options)) : std::nullopt;
}

}  // namespace hallmark
