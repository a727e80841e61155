// Sharded models: model.safetensors.index.json = {"metadata": {...}, "weight_map": {tensor name: shard file name}}.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "base/error_numbers.hpp"
#include "io/safetensors.hpp"
#include "io/utf8.hpp"

namespace hallmark {

namespace {

using json = nlohmann::json;

/// Collects the weight map; what stands beside it (a total size, whose meaning varies between writers) is not used.
class IndexReader : public nlohmann::json_sax<json> {
 public:
  explicit IndexReader(const std::string& path) : path_(path) {}

  std::map<std::string, std::string> shard_of;
  bool seen = false;
  std::optional<Error> error;

  bool null() override { return scalar(); }
  bool boolean(bool) override { return scalar(); }
  bool number_integer(number_integer_t) override { return scalar(); }
  bool number_unsigned(number_unsigned_t) override { return scalar(); }
  bool number_float(number_float_t, const string_t&) override { return scalar(); }
  bool binary(binary_t&) override { return scalar(); }
  bool string(string_t& file) override {
    if (!in_map()) return scalar();
    shard_of[key_] = file;
    return true;
  }
  bool start_object(std::size_t) override { return open(true); }
  bool end_object() override { return --depth_, true; }
  bool start_array(std::size_t) override { return open(false); }
  bool end_array() override { return --depth_, true; }
  bool key(string_t& name) override {
    if (depth_ == 1) {
      if (name == "weight_map" && seen) return fail(error_number::index_duplicate, "the index has two weight maps", "");
      part_ = name;
    }
    if (in_map() && depth_ == 2 && shard_of.contains(name))
      return fail(error_number::index_duplicate, "a tensor occurs twice in the index",
                  "tensor '" + printable(name) + "'");
    key_ = std::move(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const json::exception&) override {
    return fail(error_number::index_invalid, "the index is not JSON", fmt::format("near byte {}", position));
  }

 private:
  static constexpr int max_depth = 64;

  bool in_map() const { return depth_ >= 2 && part_ == "weight_map"; }
  bool open(bool object) {
    if (in_map() || depth_ == max_depth || (depth_ == 0 && !object) ||
        (depth_ == 1 && part_ == "weight_map" && !object))
      return scalar();
    if (depth_ == 1 && part_ == "weight_map") seen = true;
    ++depth_;
    return true;
  }
  bool scalar() {
    if (depth_ == 0 || in_map() || (depth_ == 1 && part_ == "weight_map"))
      return fail(error_number::index_invalid, "the index is not an object with a weight_map of strings",
                  key_.empty() ? "" : fmt::format("at '{}'", printable(key_)));
    return depth_ < max_depth || fail(error_number::index_invalid, "the index is nested too deep", "");
  }
  bool fail(int number, std::string what, const std::string& where) {
    error = Error{Exit::input, number, std::move(what), path_ + (where.empty() ? "" : ": " + where),
                  "write the index again with the program that made the shards"};
    return false;
  }

  const std::string& path_;
  int depth_ = 0;
  std::string part_, key_;
};

Error incomplete(const std::string& path, int number, std::string what, const std::string& where) {
  return {Exit::input, number, std::move(what), path + ": " + where, "put all shards of one model beside their index"};
}

}  // namespace

Expected<std::map<std::string, std::string>> read_index(const MappedFile& index) {
  using namespace error_number;
  const std::string& path = index.path();
  const auto invalid = [&](int number, std::string what, const std::string& where) {
    return incomplete(path, number, std::move(what), where);
  };
  const std::string_view text(reinterpret_cast<const char*>(index.bytes().data()), index.bytes().size());
  if (text.size() > max_header_bytes)
    return invalid(index_invalid, "the index is too large", fmt::format("{} bytes", text.size()));
  IndexReader reader(path);
  // A zero byte ends the parser's input, so it must not be there.
  if (text.find('\0') != std::string_view::npos)
    return invalid(index_invalid, "the index is not JSON", "it holds a zero byte");
  if (!json::sax_parse(text.begin(), text.end(), &reader)) return *reader.error;
  if (!reader.seen) return invalid(index_invalid, "the index has no weight_map", "its top level lacks the key");
  for (const auto& [tensor, shard] : reader.shard_of)
    if (shard.empty() || shard.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos ||
        shard.find("..") != std::string::npos)
      return invalid(index_path, "the index names a shard outside its folder",
                     fmt::format("tensor '{}': '{}'", printable(tensor), printable(shard)));
  return std::move(reader.shard_of);
}

Expected<SafeTensors> SafeTensors::open_index(const std::string& path) {
  using namespace error_number;
  const auto invalid = [&](int number, std::string what, const std::string& where) {
    return incomplete(path, number, std::move(what), where);
  };
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file) return file.error();
  const auto shard_of = read_index(*file);
  if (!shard_of) return shard_of.error();

  SafeTensors model;
  model.files_.push_back(std::move(*file));
  model.paths_.push_back(path);
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : *shard_of) shards.insert(shard);
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  std::set<std::string> disputed;
  for (const std::string& shard : shards) {
    Expected<MappedFile> part = MappedFile::open(folder + shard);
    if (!part) return invalid(index_missing_shard, "a shard of the model cannot be read", part.error().where);
    Expected<ParsedSafeTensors> parsed = parse_safetensors(part->bytes(), folder + shard);
    if (!parsed) return parsed.error();
    for (TensorInfo& tensor : parsed->tensors) {
      const auto mapped = shard_of->find(tensor.name);
      if (mapped == shard_of->end() || mapped->second != shard)
        return invalid(index_extra_tensor, "a shard holds a tensor that the index does not place there",
                       fmt::format("tensor '{}' in {}: the index says {}", printable(tensor.name), printable(shard),
                                   mapped == shard_of->end() ? "nothing" : printable(mapped->second)));
      model.tensors_.push_back(std::move(tensor));
    }
    model.shards_.push_back(parsed->tensors.size());
    for (const auto& [key, value] : parsed->metadata)
      if (const auto [entry, fresh] = model.metadata_.emplace(key, value); !fresh && entry->second != value)
        disputed.insert(key);
    model.files_.push_back(std::move(*part));
    model.paths_.push_back(folder + shard);
  }
  for (const std::string& key : disputed) model.metadata_.erase(key);
  model.index_names();
  for (const auto& [tensor, shard] : *shard_of)
    if (model.find(tensor) == nullptr)
      return invalid(index_missing_tensor, "a shard lacks a tensor of the index",
                     fmt::format("tensor '{}' in {}", printable(tensor), printable(shard)));
  return model;
}

}  // namespace hallmark
