#include "artifact/quantized_metadata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <unordered_map>

#include "artifact/packed_codes.hpp"
#include "artifact/stored_bytes.hpp"
#include "method/options_json.hpp"
#include "base/error_numbers.hpp"
#include "io/sha256.hpp"
#include "io/strict_json.hpp"
#include "io/utf8.hpp"
#include "method/low_rank.hpp"

namespace hallmark::detail {

namespace {

using json = nlohmann::json;

// The keys, in the order of docs/file-format.md; the last block is schema 1's, which says once what holds for all.
constexpr const char* schema = "hallmark.schema";
constexpr const char* tool = "hallmark.tool";
constexpr const char* rounding = "hallmark.rounding";
constexpr const char* source_metadata = "hallmark.source.metadata";
constexpr const char* source_shards = "hallmark.source.shards";  // only where W was sharded
constexpr const char* tensors = "hallmark.tensors";
constexpr const char* matrices = "hallmark.matrices";

constexpr const char* grid_v1 = "hallmark.grid";
constexpr const char* method_v1 = "hallmark.method";
constexpr const char* scale_rule_v1 = "hallmark.scale_rule";
constexpr const char* group_size_v1 = "hallmark.group_size";
constexpr const char* block_size_v1 = "hallmark.block_size";
constexpr const char* damp_percent_v1 = "hallmark.damp_percent";
constexpr const char* desc_act_v1 = "hallmark.desc_act";
constexpr const char* guard_v1 = "hallmark.guard";

std::string compact(const auto& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

json tensor_map(const std::vector<OriginalTensor>& originals) {
  json list = json::array();
  for (const OriginalTensor& t : originals)
    list.push_back({{"name", t.name}, {"dtype", dtype_name(t.dtype)}, {"shape", t.shape}});
  return list;
}

// A 2-D tensor as it is: {"tensor", "options"}; otherwise with "index" or "transposed" too.
nlohmann::ordered_json matrix_list(const std::vector<QuantizedMatrix>& found) {
  auto list = nlohmann::ordered_json::array();
  for (const QuantizedMatrix& m : found) {
    nlohmann::ordered_json item{{"tensor", m.tensor}};
    if (m.index) item["index"] = *m.index;
    if (m.transposed) item["transposed"] = true;
    item["options"] = options_json(m.options);
    list.push_back(std::move(item));
  }
  return list;
}

bool is_digest(const std::string& text) {
  return text.empty() || (text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos);
}

// Bounded before it is built, no key twice; discarded where it is not.
json parsed(const std::string& text) {
  constexpr JsonLimits limits{8, std::size_t{1} << 23, std::size_t{1} << 20};
  return is_strict_json(text, limits) ? json::parse(text) : json(json::value_t::discarded);
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

bool has_keys(const json& item, std::initializer_list<const char*> keys) {
  return item.is_object() && std::ranges::all_of(keys, [&](const char* key) { return item.contains(key); });
}

// Schema 1 marks in the map which tensors were quantized: their names go into `quantized`.
std::optional<std::vector<OriginalTensor>> parse_tensor_map(const std::string& text, int version,
                                                            std::vector<std::string>& quantized) {
  const json list = parsed(text);
  if (!list.is_array()) return std::nullopt;
  std::vector<OriginalTensor> originals;
  std::set<std::string> names;
  for (const json& item : list) {
    if (!has_keys(item, {"name", "dtype", "shape"}) || item.size() != (version == 1 ? 4 : 3) ||
        !item["name"].is_string() || !item["dtype"].is_string() ||
        (version == 1 && (!item.contains("quantized") || !item["quantized"].is_boolean())))
      return std::nullopt;
    const Expected<DType> dtype = parse_dtype(item["dtype"].get<std::string>());
    const std::optional<Shape> shape = parse_shape(item["shape"]);
    if (!dtype || !shape) return std::nullopt;
    originals.push_back({item["name"].get<std::string>(), *dtype, *shape});
    if (!names.insert(originals.back().name).second) return std::nullopt;
    if (version == 1 && item["quantized"].get<bool>()) {
      if (shape->size() != 2) return std::nullopt;
      quantized.push_back(originals.back().name);
    }
  }
  return originals;
}

using ByName = std::unordered_map<std::string, const OriginalTensor*>;

ByName named(const std::vector<OriginalTensor>& originals) {
  ByName found;
  for (const OriginalTensor& tensor : originals) found.emplace(tensor.name, &tensor);
  return found;
}

std::optional<QuantizedMatrix> parse_matrix(const json& item, const ByName& originals) {
  if (!has_keys(item, {"tensor", "options"}) || !item["tensor"].is_string()) return std::nullopt;
  const bool stacked = item.contains("index"), transposed = item.contains("transposed");
  if (item.size() != 2U + (stacked ? 1 : 0) + (transposed ? 1 : 0)) return std::nullopt;
  if ((stacked && !item["index"].is_number_unsigned()) || (transposed && item["transposed"] != true))
    return std::nullopt;
  const auto name = item["tensor"].get<std::string>();
  const auto found = originals.find(name);
  if (found == originals.end() || found->second->shape.size() != (stacked ? 3 : 2)) return std::nullopt;
  const OriginalTensor* const tensor = found->second;
  const std::optional<Options> options = options_of_json(item["options"]);
  if (!options) return std::nullopt;
  QuantizedMatrix matrix{
      name, name, std::nullopt, transposed, tensor->shape[stacked ? 1 : 0], tensor->shape[stacked ? 2 : 1], *options};
  if (transposed) std::swap(matrix.rows, matrix.cols);
  if (low_rank_obstacle(*options, static_cast<Index>(matrix.rows), static_cast<Index>(matrix.cols)))
    return std::nullopt;
  if (stacked) {
    matrix.index = item["index"].get<std::uint64_t>();
    if (*matrix.index >= tensor->shape[0]) return std::nullopt;
    matrix.name = stacked_name(name, *matrix.index);
  }
  return matrix;
}

// All matrices of a tensor stand side by side, those of a stack completely and in order.
bool in_order(const std::vector<QuantizedMatrix>& found, const std::vector<OriginalTensor>& originals) {
  std::size_t k = 0;
  for (const OriginalTensor& tensor : originals) {
    if (k == found.size() || found[k].tensor != tensor.name) continue;
    const std::uint64_t count = found[k].index ? tensor.shape[0] : 1;
    for (std::uint64_t i = 0; i < count; ++i, ++k)
      if (k == found.size() || found[k].tensor != tensor.name || found[k].index.value_or(0) != i ||
          found[k].transposed != found[k - i].transposed)
        return false;
  }
  return k == found.size();
}

std::optional<std::vector<QuantizedMatrix>> parse_matrices(const std::string& text,
                                                           const std::vector<OriginalTensor>& originals) {
  const json list = parsed(text);
  if (!list.is_array()) return std::nullopt;
  const ByName by_name = named(originals);
  std::vector<QuantizedMatrix> found;
  for (const json& item : list) {
    std::optional<QuantizedMatrix> matrix = parse_matrix(item, by_name);
    if (!matrix) return std::nullopt;
    found.push_back(*std::move(matrix));
  }
  return in_order(found, originals) ? std::optional(std::move(found)) : std::nullopt;
}

// Shards hold all tensors, none is empty.
std::optional<std::vector<std::uint64_t>> parse_shards(const std::string& text, std::size_t count) {
  const json list = parsed(text);
  if (!list.is_array() || list.empty()) return std::nullopt;
  std::vector<std::uint64_t> shards;
  for (const json& item : list) {
    if (!item.is_number_unsigned() || item.get<std::uint64_t>() == 0 || item.get<std::uint64_t>() > count)
      return std::nullopt;
    shards.push_back(item.get<std::uint64_t>());
    count -= shards.back();
  }
  return count == 0 ? std::optional(shards) : std::nullopt;
}

std::optional<std::map<std::string, std::string>> parse_strings(const std::string& text) {
  const json object = parsed(text);
  if (!object.is_object()) return std::nullopt;
  std::map<std::string, std::string> strings;
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string()) return std::nullopt;
    strings[key] = value.get<std::string>();
  }
  return strings;
}

// Reads entries and keeps the first failure.
class Entries {
 public:
  Entries(const std::map<std::string, std::string>& metadata, const std::string& path)
      : metadata_(metadata), path_(path) {}

  std::string text(const char* key) {
    const auto found = metadata_.find(key);
    if (found != metadata_.end()) return found->second;
    fail("not a quantized file of Hallmark's, or an incomplete one", fmt::format("no metadata entry '{}'", key));
    return "";
  }
  template <class Target>
  void read(const char* key, const auto& parse, Target& target) {
    const std::string word = text(key);
    if (error) return;
    if (auto value = parse(word)) target = *std::move(value);
    else fail("a metadata entry is malformed", fmt::format("'{}' is '{}'", key, printable(word)));
  }
  /// An entry of schema 1 that is an option now.
  void option(const char* key, std::string_view name, Options& options) {
    const std::string word = text(key);
    if (!error && !set_option(options, name, word))
      fail("a metadata entry is malformed", fmt::format("'{}' is '{}'", key, printable(word)));
  }
  void fail(std::string what, const std::string& where) {
    if (!error)
      error = Error{Exit::input, error_number::quantized_metadata, std::move(what), path_ + ": " + where,
                    "quantize the weights again"};
  }

  std::optional<Error> error;

 private:
  const std::map<std::string, std::string>& metadata_;
  const std::string& path_;
};

// One content, one text: another spacing or order, a key twice or an unknown entry of ours is another content.
void check_canonical(Entries& entries, const std::map<std::string, std::string>& metadata,
                     const std::map<std::string, std::string>& canonical) {
  for (const auto& [key, value] : metadata) {
    if (!is_ours(key) || key == payload_key || key == metadata_key) continue;
    const auto found = canonical.find(key);
    if (found == canonical.end()) entries.fail("a metadata entry that this schema has not", printable(key));
    else if (found->second != value)
      entries.fail("a metadata entry is not the text that its content has",
                   fmt::format("'{}' is '{}'", key, printable(value)));
  }
}

// Schema 1: one set of options for all matrices.
Options options_of_schema_1(Entries& entries, const std::string& path) {
  Options options{Grid(GridSpec::golden("gf16", "gf16/1", 6, 9))};
  const std::string id = entries.text(grid_v1);
  const Expected<Grid> grid = Grid::of_id(id);
  if (!entries.error && !grid)
    entries.error =
        Error{Exit::input, error_number::quantized_grid, "unknown grid", fmt::format("{}: '{}'", path, printable(id)),
              "use the version of the tool that wrote the file"};
  if (grid) options.grid = *grid;
  entries.option(method_v1, "method", options);
  entries.option(scale_rule_v1, "scale_rule", options);
  entries.option(group_size_v1, "group_size", options);
  entries.option(block_size_v1, "block_size", options);
  entries.option(damp_percent_v1, "damp_fraction", options);
  entries.option(desc_act_v1, "desc_act", options);
  entries.option(guard_v1, "guard", options);
  return options;
}

}  // namespace

std::string stacked_name(const std::string& tensor, std::uint64_t index) {
  return fmt::format("{}[{}]", tensor, index);
}

std::string metadata_digest(const std::map<std::string, std::string>& metadata) {
  Sha256 digest;
  for (const auto& [key, value] : metadata)
    if (is_ours(key) && key != metadata_key) digest.update(fmt::format("{}\n{}\n", key, value.size())).update(value);
  return digest.hex();
}

namespace {

bool is_corrected(const QuantizedMatrix& matrix) { return matrix.options.low_rank > 0; }

// Readers of schema 2 would take a rotated row for one that is not, or judge losses that the certificate does not mean.
// Corrections are younger than packed codes.
int unpacked_schema(const QuantizedHeader& header) {
  if (std::ranges::any_of(header.matrices, is_corrected)) return packed_schema;
  const bool younger = std::ranges::any_of(header.matrices, [](const QuantizedMatrix& m) {
    return m.options.rotation != no_rotation || m.options.target != plain_target;
  });
  return younger ? 3 : 2;
}

}  // namespace

int schema_to_write(const QuantizedHeader& header) {
  const bool packed = std::ranges::any_of(header.matrices, [](const QuantizedMatrix& m) {
    return packs(m.options.grid.spec()) || m.options.rotation != no_rotation || is_corrected(m);
  });
  return packed ? packed_schema : unpacked_schema(header);
}

std::map<std::string, std::string> to_metadata(const QuantizedHeader& header) {
  const int of_content = header.schema >= packed_schema ? schema_to_write(header) : unpacked_schema(header);
  std::map<std::string, std::string> entries{{"format", "pt"},
                                             {schema, fmt::format("{}", of_content)},
                                             {tool, header.tool},
                                             {rounding, "nearest-even"},
                                             {source_key, header.source_sha256},
                                             {source_metadata, compact(json(header.source_metadata))},
                                             {calibration_key, header.calibration_sha256},
                                             {tensors, compact(tensor_map(header.tensors))},
                                             {matrices, compact(matrix_list(header.matrices))}};
  if (!header.source_shards.empty()) entries[source_shards] = compact(json(header.source_shards));
  return entries;
}

Expected<QuantizedHeader> from_metadata(const std::map<std::string, std::string>& metadata, const std::string& path) {
  Entries entries(metadata, path);
  const auto word = [](const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); };
  const auto digest = [](const std::string& text) { return is_digest(text) ? std::optional(text) : std::nullopt; };
  const std::string version = entries.text(schema);
  const std::string_view known = "1234";
  if (!entries.error && (version.size() != 1 || known.find(version) == known.npos))
    return Error{Exit::input, error_number::quantized_schema, "a quantized file of an unknown schema",
                 fmt::format("{}: {} is '{}', this build reads 1 to 4", path, schema, printable(version)),
                 "use the version of the tool that wrote the file"};
  QuantizedHeader header;
  header.schema = entries.error ? packed_schema : version.front() - '0';
  std::string rule;
  std::vector<std::string> quantized;
  entries.read(tool, word, header.tool);
  entries.read(
      rounding, [](const std::string& t) { return t == "nearest-even" ? std::optional(t) : std::nullopt; }, rule);
  entries.read(source_key, digest, header.source_sha256);
  entries.read(source_metadata, parse_strings, header.source_metadata);
  entries.read(calibration_key, digest, header.calibration_sha256);
  entries.read(
      tensors, [&](const std::string& text) { return parse_tensor_map(text, header.schema, quantized); },
      header.tensors);
  if (header.schema >= 2) {
    if (metadata.contains(source_shards))
      entries.read(
          source_shards, [&](const std::string& text) { return parse_shards(text, header.tensors.size()); },
          header.source_shards);
    entries.read(
        matrices, [&](const std::string& text) { return parse_matrices(text, header.tensors); }, header.matrices);
  } else {
    const Options options = options_of_schema_1(entries, path);
    const ByName by_name = named(header.tensors);
    for (const std::string& name : quantized) {
      const Shape& shape = by_name.at(name)->shape;
      header.matrices.push_back({name, name, std::nullopt, false, shape[0], shape[1], options});
    }
  }
  if (!entries.error && header.schema >= 2) check_canonical(entries, metadata, to_metadata(header));
  if (entries.error) return *entries.error;
  return header;
}

std::string payload_line(const std::string& name, DType dtype, const Shape& shape, const std::string& sha256) {
  // Names hold no control characters, so the lines can be told apart.
  return fmt::format("{}\n{} {} {}\n", name, dtype_name(dtype), shape_text(shape), sha256);
}

DType storage_dtype(ScaleStorage storage) {
  switch (storage) {
    case ScaleStorage::f16: return DType::F16;
    case ScaleStorage::bf16: return DType::BF16;
    case ScaleStorage::f32: break;
  }
  return DType::F32;
}

std::vector<TensorPlan> matrix_plan(const QuantizedMatrix& m, bool packed) {
  std::vector<TensorPlan> plan;
  const GridSpec& grid = m.options.grid.spec();
  const auto groups = static_cast<std::uint64_t>(groups_of(static_cast<Index>(m.cols), m.options.group_size));
  const auto add = [&](const char* suffix, std::uint64_t cols) {
    StoredShape stored = stored_shape(grid, m.rows, cols, packed);
    plan.push_back({m.name + suffix, stored.dtype, std::move(stored.shape)});
  };
  add(".codes", m.cols);
  Shape scales{m.rows};
  if (m.options.group_size > 0) scales.push_back(groups);
  plan.push_back({m.name + ".scale", storage_dtype(m.options.scale_storage), std::move(scales)});
  if (grid.zero_points) add(".zero_point", groups);
  if (m.options.rotation != no_rotation)
    plan.push_back({m.name + ".rotated", DType::U8, {packed ? packed_size(m.rows, 1) : m.rows}});
  if (const auto rank = static_cast<std::uint64_t>(m.options.low_rank); rank > 0) {
    plan.push_back({m.name + ".low_rank_a", storage_dtype(m.options.low_rank_storage), {m.rows, rank}});
    plan.push_back({m.name + ".low_rank_b", storage_dtype(m.options.low_rank_storage), {rank, m.cols}});
  }
  return plan;
}

std::vector<TensorPlan> container_plan(const QuantizedHeader& header) {
  std::vector<TensorPlan> plan;
  std::size_t k = 0;
  for (const OriginalTensor& t : header.tensors) {
    if (k == header.matrices.size() || header.matrices[k].tensor != t.name) plan.push_back({t.name, t.dtype, t.shape});
    for (; k < header.matrices.size() && header.matrices[k].tensor == t.name; ++k) {
      std::vector<TensorPlan> parts = matrix_plan(header.matrices[k], header.schema >= packed_schema);
      std::ranges::move(parts, std::back_inserter(plan));
    }
  }
  return plan;
}

}  // namespace hallmark::detail
