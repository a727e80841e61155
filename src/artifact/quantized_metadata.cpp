#include "artifact/quantized_metadata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "io/error_numbers.hpp"
#include "io/utf8.hpp"

namespace hallmark::detail {

namespace {

using json = nlohmann::json;

// The keys, in the order of docs/file-format.md.
constexpr const char* schema = "hallmark.schema";
constexpr const char* tool = "hallmark.tool";
constexpr const char* grid = "hallmark.grid";
constexpr const char* method = "hallmark.method";
constexpr const char* scale_rule = "hallmark.scale_rule";
constexpr const char* rounding = "hallmark.rounding";
constexpr const char* group_size = "hallmark.group_size";
constexpr const char* block_size = "hallmark.block_size";
constexpr const char* damp_percent = "hallmark.damp_percent";
constexpr const char* desc_act = "hallmark.desc_act";
constexpr const char* guard = "hallmark.guard";
constexpr const char* source_metadata = "hallmark.source.metadata";
constexpr const char* tensors = "hallmark.tensors";

std::string compact(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

json tensor_map(const std::vector<OriginalTensor>& originals) {
  json list = json::array();
  for (const OriginalTensor& t : originals)
    list.push_back({{"name", t.name}, {"dtype", dtype_name(t.dtype)}, {"shape", t.shape}, {"quantized", t.quantized}});
  return list;
}

template <class Number>
std::optional<Number> number(const std::string& text) {
  Number value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_digest(const std::string& text) {
  return text.empty() || (text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos);
}

std::optional<Shape> parse_shape(const json& list) {
  if (!list.is_array() || list.size() > max_rank) return std::nullopt;
  Shape shape;
  for (const json& dimension : list) {
    if (!dimension.is_number_unsigned() || dimension.get<std::uint64_t>() > max_size) return std::nullopt;
    shape.push_back(dimension.get<std::uint64_t>());
  }
  return shape;
}

std::optional<std::vector<OriginalTensor>> parse_tensor_map(const std::string& text) {
  const json list = json::parse(text, nullptr, false);
  if (!list.is_array()) return std::nullopt;
  std::vector<OriginalTensor> originals;
  std::set<std::string> names;
  for (const json& item : list) {
    if (!item.is_object() || item.size() != 4 || !item.contains("name") || !item.contains("dtype") ||
        !item.contains("shape") || !item.contains("quantized") || !item["name"].is_string() ||
        !item["dtype"].is_string() || !item["quantized"].is_boolean())
      return std::nullopt;
    const Expected<DType> dtype = parse_dtype(item["dtype"].get<std::string>());
    const std::optional<Shape> shape = parse_shape(item["shape"]);
    OriginalTensor tensor{item["name"].get<std::string>(), DType::F32, {}, item["quantized"].get<bool>()};
    if (!dtype || !shape || (tensor.quantized && shape->size() != 2) || !names.insert(tensor.name).second)
      return std::nullopt;
    tensor.dtype = *dtype;
    tensor.shape = *shape;
    originals.push_back(std::move(tensor));
  }
  return originals;
}

std::optional<std::map<std::string, std::string>> parse_strings(const std::string& text) {
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  std::map<std::string, std::string> strings;
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string()) return std::nullopt;
    strings[key] = value.get<std::string>();
  }
  return strings;
}

}  // namespace

std::map<std::string, std::string> to_metadata(const QuantizedHeader& header) {
  const auto truth = [](bool value) { return std::string(value ? "true" : "false"); };
  return {{"format", "pt"},
          {schema, "1"},
          {tool, header.tool},
          {grid, header.grid},
          {method, header.method},
          {scale_rule, header.scale_rule},
          {rounding, "nearest-even"},
          {group_size, std::to_string(header.group_size)},
          {block_size, std::to_string(header.block_size)},
          {damp_percent, fmt::format("{}", header.damp_percent)},
          {desc_act, truth(header.desc_act)},
          {guard, truth(header.guard)},
          {source_key, header.source_sha256},
          {source_metadata, compact(json(header.source_metadata))},
          {calibration_key, header.calibration_sha256},
          {tensors, compact(tensor_map(header.tensors))}};
}

Expected<QuantizedHeader> from_metadata(const std::map<std::string, std::string>& metadata, const std::string& path) {
  std::optional<Error> error;
  const auto fail = [&](std::string what, const std::string& where) {
    if (!error)
      error = Error{Exit::input, error_number::quantized_metadata, std::move(what), path + ": " + where,
                    "quantize the weights again"};
  };
  const auto entry = [&](const char* key) -> std::string {
    const auto found = metadata.find(key);
    if (found != metadata.end()) return found->second;
    fail("not a quantized file of Hallmark's, or an incomplete one", fmt::format("no metadata entry '{}'", key));
    return "";
  };
  // Reads the entry as `parse` does and keeps the first failure.
  const auto read = [&](const char* key, auto parse, auto& target) {
    const std::string text = entry(key);
    if (error) return;
    if (auto value = parse(text)) {
      target = std::move(*value);
    } else {
      fail("a metadata entry is malformed", fmt::format("'{}' is '{}'", key, printable(text)));
    }
  };
  const auto word = [](const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); };
  const auto digest = [](const std::string& text) { return is_digest(text) ? std::optional(text) : std::nullopt; };
  const auto truth = [](const std::string& text) {
    return text == "true" || text == "false" ? std::optional(text == "true") : std::nullopt;
  };

  const std::string version = entry(schema);
  if (!error && version != "1")
    return Error{Exit::input, error_number::quantized_schema, "a quantized file of an unknown schema",
                 fmt::format("{}: {} is '{}', this build reads 1", path, schema, printable(version)),
                 "use the version of the tool that wrote the file"};
  QuantizedHeader header;
  std::string rule;
  read(tool, word, header.tool);
  read(grid, word, header.grid);
  read(method, word, header.method);
  read(scale_rule, word, header.scale_rule);
  read(
      rounding, [](const std::string& t) { return t == "nearest-even" ? std::optional(t) : std::nullopt; }, rule);
  read(group_size, number<std::uint64_t>, header.group_size);
  read(block_size, number<std::uint64_t>, header.block_size);
  read(
      damp_percent,
      [](const std::string& t) {
        const auto value = number<double>(t);
        return value && *value >= 0 && std::isfinite(*value) ? value : std::nullopt;
      },
      header.damp_percent);
  read(desc_act, truth, header.desc_act);
  read(guard, truth, header.guard);
  read(source_key, digest, header.source_sha256);
  read(source_metadata, parse_strings, header.source_metadata);
  read(calibration_key, digest, header.calibration_sha256);
  read(tensors, parse_tensor_map, header.tensors);
  if (error) return *error;
  return header;
}

std::string payload_line(const std::string& name, DType dtype, const Shape& shape, const std::string& sha256) {
  // Names hold no control characters, so the lines can be told apart.
  return fmt::format("{}\n{} {} {}\n", name, dtype_name(dtype), shape_text(shape), sha256);
}

std::vector<TensorPlan> container_plan(const QuantizedHeader& header, const Grid& target) {
  const DType code_dtype = *parse_dtype(target.code_dtype());
  std::vector<TensorPlan> plan;
  for (const OriginalTensor& t : header.tensors) {
    if (!t.quantized) {
      plan.push_back({t.name, t.dtype, t.shape});
      continue;
    }
    plan.push_back({t.name + ".codes", code_dtype, t.shape});
    Shape scales{t.shape[0]};
    if (header.group_size > 0) scales.push_back(group_count(t.shape[1], header.group_size));
    plan.push_back({t.name + ".scale", DType::F32, std::move(scales)});
  }
  return plan;
}

std::vector<std::uint8_t> known_codes(const Grid& points) {
  std::vector<std::uint8_t> known(std::size_t{1} << 16);
  for (std::size_t code = 0; code < known.size(); ++code) known[code] = points.contains(static_cast<Code>(code));
  return known;
}

}  // namespace hallmark::detail
