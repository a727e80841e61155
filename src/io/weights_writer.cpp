#include "io/weights_writer.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error_numbers.hpp"

namespace hallmark {

namespace {

constexpr std::string_view index_suffix = ".safetensors.index.json";

std::string stem_of(const std::string& index) { return index.substr(0, index.size() - index_suffix.size()); }

/// No name in use gets another content: where a file has one of these, the whole set takes the next generation.s.
std::string shard_path(const std::string& stem, std::size_t shard, std::size_t count, unsigned generation) {
  const std::string run = generation == 1 ? "" : fmt::format("-r{}", generation);
  return fmt::format("{}{}-{:05}-of-{:05}.safetensors", stem, run, shard + 1, count);
}

bool any_taken(const std::string& stem, std::size_t count, unsigned generation) {
  for (std::size_t shard = 0; shard < count; ++shard)
    if (std::filesystem::exists(std::filesystem::symlink_status(shard_path(stem, shard, count, generation))))
      return true;
  return false;
}

/// Shards of an index that is about to be replaced, as far as they are called like ours: nobody else is to name them.
std::vector<std::string> shards_of(const std::string& path) {
  const Expected<MappedFile> file = MappedFile::open(path);
  if (!file) return {};
  const auto shard_of = read_index(*file);
  if (!shard_of) return {};
  const std::string stem = stem_of(path), folder = stem.substr(0, stem.rfind('/') + 1);  // npos + 1 is 0
  std::set<std::string> found;
  for (const auto& [tensor, shard] : *shard_of)
    if ((folder + shard).starts_with(stem + "-") && shard.ends_with(".safetensors")) found.insert(folder + shard);
  return {found.begin(), found.end()};
}

}  // namespace

bool is_index_name(const std::string& path) {
  return path.ends_with(index_suffix) && path.size() > index_suffix.size() &&
         path[path.size() - index_suffix.size() - 1] != '/';
}

Expected<std::vector<std::uint64_t>> cut_by_size(const std::vector<TensorPlan>& plan, std::uint64_t most) {
  std::vector<std::uint64_t> cut;
  std::uint64_t filled = 0;
  for (const TensorPlan& tensor : plan) {
    const Expected<std::uint64_t> bytes = tensor_bytes(tensor);
    if (!bytes) return bytes.error();
    if (cut.empty() || filled > most || *bytes > most - filled) {
      cut.push_back(0);
      filled = 0;
    }
    ++cut.back();
    filled += *bytes;
  }
  return cut;
}

Expected<WeightsWriter> WeightsWriter::create(const std::string& path, bool overwrite,
                                              const std::vector<TensorPlan>& plan, std::vector<std::uint64_t> cut,
                                              const std::map<std::string, std::string>& metadata) {
  const bool sharded = is_index_name(path);
  if (!sharded || cut.empty()) cut = {plan.size()};
  if (cut.size() > most_shards)
    return Error{Exit::infeasible, error_number::shards_many, "too many shards",
                 fmt::format("{}: {}, the limit is {}", path, cut.size(), most_shards), "a larger --max-shard-size"};
  WeightsWriter writer;
  writer.path_ = path;
  if (sharded) {
    Expected<AtomicFile> index = AtomicFile::create(path, overwrite);
    if (!index) return index.error();
    writer.index_ = *std::move(index);
  }
  // Where nothing is replaced the first names have to be free. All is asked again when the names are given.
  unsigned generation = 1;
  while (sharded && overwrite && any_taken(stem_of(path), cut.size(), generation)) ++generation;
  auto first = plan.begin();
  for (std::size_t shard = 0; shard < cut.size(); ++shard) {
    const std::vector<TensorPlan> part(first, first + static_cast<std::ptrdiff_t>(cut[shard]));
    first += static_cast<std::ptrdiff_t>(cut[shard]);
    Expected<SafeTensorsWriter> file =
        sharded ? SafeTensorsWriter::create(shard_path(stem_of(path), shard, cut.size(), generation), false, part,
                                            metadata, TensorOrder::given)
                : SafeTensorsWriter::create(path, overwrite, part, metadata, TensorOrder::given);
    if (!file) return file.error();
    for (const TensorPlan& tensor : part) {
      writer.file_of_.emplace(tensor.name, shard);
      writer.total_size_ += *tensor_bytes(tensor);
    }
    writer.files_.push_back(*std::move(file));
  }
  return writer;
}

Status WeightsWriter::write(const std::string& tensor, std::span<const std::byte> bytes) {
  const auto file = file_of_.find(tensor);
  return files_[file == file_of_.end() ? 0 : file->second].write(tensor, bytes);
}

Status WeightsWriter::commit() {
  if (!index_) return files_.front().commit();
  for (const SafeTensorsWriter& file : files_)
    if (const Status complete = file.check_complete(); !complete) return complete;
  return commit_shards();
}

Status WeightsWriter::commit_shards() {
  const std::string stem = stem_of(path_);
  const auto paths = [&](unsigned generation) {
    std::vector<std::string> all;
    for (std::size_t shard = 0; shard < files_.size(); ++shard)
      all.push_back(shard_path(stem, shard, files_.size(), generation));
    return all;
  };
  const auto text = [&](unsigned generation) {
    nlohmann::json index{{"metadata", {{"total_size", total_size_}}}, {"weight_map", nlohmann::json::object()}};
    const std::vector<std::string> all = paths(generation);
    for (const auto& [tensor, shard] : file_of_)
      index["weight_map"][tensor] = all[shard].substr(all[shard].rfind('/') + 1);
    return index.dump(2) + "\n";  // as transformers writes it
  };
  std::vector<AtomicFile*> parts;
  for (SafeTensorsWriter& file : files_) parts.push_back(&file.file());
  return commit_set(parts, *index_, {paths, text, [&] { return shards_of(path_); }});
}

}  // namespace hallmark
