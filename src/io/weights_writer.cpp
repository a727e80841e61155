#include "io/weights_writer.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error_numbers.hpp"

namespace hallmark {

namespace {

constexpr std::string_view index_suffix = ".safetensors.index.json";

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }  // npos + 1 is 0

std::string stem_of(const std::string& index) { return index.substr(0, index.size() - index_suffix.size()); }

/// No name in use gets another content: where a file has one of these, the whole set takes the next generation.
std::string set_name(const std::string& stem, unsigned generation) {
  return generation == 1 ? stem : fmt::format("{}-r{}", stem, generation);
}

/// The shards, and the companion behind them where there is an ending.
std::vector<std::string> set_paths(const std::string& name, std::size_t count, std::string_view companion_ending) {
  std::vector<std::string> all;
  for (std::size_t shard = 1; shard <= count; ++shard)
    all.push_back(fmt::format("{}-{:05}-of-{:05}.safetensors", name, shard, count));
  if (!companion_ending.empty()) all.push_back(fmt::format("{}{}", name, companion_ending));
  return all;
}

bool any_taken(const std::vector<std::string>& paths) {
  return std::ranges::any_of(
      paths, [](const std::string& path) { return std::filesystem::exists(std::filesystem::symlink_status(path)); });
}

/// The name of the set of which this is a shard; none where it is not called like ours.
std::optional<std::string> set_of_shard(const std::string& stem, const std::string& shard) {
  constexpr std::string_view tail = "-00001-of-00001.safetensors";
  if (shard.size() < stem.size() + tail.size() || !shard.starts_with(stem)) return std::nullopt;
  const std::string name = shard.substr(0, shard.size() - tail.size());
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t i = 0; i < tail.size(); ++i)
    if (const char c = shard[name.size() + i]; digit(tail[i]) ? !digit(c) : c != tail[i]) return std::nullopt;
  const std::string_view run = std::string_view(name).substr(stem.size());
  if (run.empty() || (run.size() > 2 && run.starts_with("-r") && std::ranges::all_of(run.substr(2), digit)))
    return name;
  return std::nullopt;
}

Status check_count(const std::string& index, std::size_t count) {
  if (count <= most_shards) return ok();
  return Error{Exit::infeasible, error_number::shards_many, "too many shards",
               fmt::format("{}: {}, the limit is {}", index, count, most_shards), "a larger --max-shard-size"};
}

/// Shards of an index that is about to be replaced, as far as they are called like ours: nobody else is to name them.
std::vector<std::string> shards_of(const std::string& path) {
  const Expected<MappedFile> file = MappedFile::open(path);
  if (!file) return {};
  const auto shard_of = read_index(*file);
  if (!shard_of) return {};
  std::set<std::string> found;
  for (const auto& [tensor, shard] : *shard_of)
    if (may_be_of_set(path, folder_of(path) + shard, "")) found.insert(folder_of(path) + shard);
  return {found.begin(), found.end()};
}

/// What goes with an index that is replaced.
std::vector<std::string> replaced_by(const std::string& index, std::string_view companion_ending) {
  std::vector<std::string> all = shards_of(index);
  if (!all.empty() && !companion_ending.empty()) all.push_back(companion_of(index, companion_ending));
  return all;
}

}  // namespace

bool is_index_name(const std::string& path) {
  return path.ends_with(index_suffix) && path.size() > index_suffix.size() &&
         path[path.size() - index_suffix.size() - 1] != '/';
}

bool may_be_of_set(const std::string& index, const std::string& path, std::string_view companion_ending) {
  const std::string folder = folder_of(index), other = folder_of(path), stem = stem_of(index).substr(folder.size());
  const std::string name = path.substr(other.size());
  const bool companion = !companion_ending.empty() && name.starts_with(stem) && name.ends_with(companion_ending);
  return (companion || (name.starts_with(stem + "-") && name.ends_with(".safetensors"))) &&
         (folder == other || same_file(folder.empty() ? "." : folder, other.empty() ? "." : other));
}

std::string companion_of(const std::string& index, std::string_view ending) {
  const std::string stem = stem_of(index);
  for (const std::string& shard : shards_of(index))
    if (const auto name = set_of_shard(stem, shard)) return fmt::format("{}{}", *name, ending);
  return fmt::format("{}{}", stem, ending);
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

Status check_shards(const std::string& index, bool overwrite, std::size_t count, const std::vector<std::string>& inputs,
                    std::string_view companion_ending) {
  if (const Status fit = check_count(index, count); !fit) return fit;
  for (const std::string& path :
       overwrite ? replaced_by(index, companion_ending) : set_paths(stem_of(index), count, companion_ending))
    if (const Status free = check_output(path, overwrite, inputs); !free) return free;
  return ok();
}

Expected<WeightsWriter> WeightsWriter::create(const std::string& path, bool overwrite,
                                              const std::vector<TensorPlan>& plan, std::vector<std::uint64_t> cut,
                                              const std::map<std::string, std::string>& metadata,
                                              const FileLayout& layout) {
  const bool sharded = is_index_name(path);
  if (!sharded || cut.empty()) cut = {plan.size()};
  if (const Status fit = check_count(path, cut.size()); !fit) return fit.error();
  WeightsWriter writer;
  writer.path_ = path;
  if (sharded) {
    Expected<AtomicFile> index = AtomicFile::create(path, overwrite);
    if (!index) return index.error();
    writer.index_ = *std::move(index);
  }
  // Where nothing is replaced the first names have to be free. Else these are free for now, and all is asked again when
  // names are given: what another writer does meanwhile is no error.
  writer.companion_ending_ = layout.companion_ending;
  std::vector<std::string> names{path};
  if (sharded) names = set_paths(stem_of(path), cut.size(), layout.companion_ending);
  while (sharded && overwrite && any_taken(names))
    names = set_paths(set_name(stem_of(path), ++writer.generation_), cut.size(), layout.companion_ending);
  auto first = plan.begin();
  for (std::size_t shard = 0; shard < cut.size(); ++shard) {
    const std::vector<TensorPlan> part(first, first + static_cast<std::ptrdiff_t>(cut[shard]));
    first += static_cast<std::ptrdiff_t>(cut[shard]);
    const bool bare = layout.metadata_once && shard > 0;
    Expected<SafeTensorsWriter> file = SafeTensorsWriter::create(
        names[shard], overwrite, part, bare ? std::map<std::string, std::string>() : metadata, layout.order);
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

std::vector<TensorPlan> WeightsWriter::plan() const {
  std::vector<TensorPlan> all;
  for (const SafeTensorsWriter& file : files_) all.insert(all.end(), file.plan().begin(), file.plan().end());
  return all;
}

Status WeightsWriter::check_complete() const {
  for (const SafeTensorsWriter& file : files_)
    if (Status complete = file.check_complete(); !complete) return complete;
  return ok();
}

std::string WeightsWriter::companion_path() const { return set_name(stem_of(path_), generation_) + companion_ending_; }

Status WeightsWriter::commit(AtomicFile* companion, const std::string& waiting) {
  if (Status complete = check_complete(); !complete) return complete;
  if (index_) return commit_shards(companion);
  AtomicFile& file = files_.front().file();
  return companion ? commit_pair(file, *companion, waiting) : file.commit();
}

Status WeightsWriter::commit_shards(AtomicFile* companion) {
  const auto paths = [&](unsigned generation) {
    return set_paths(set_name(stem_of(path_), generation), files_.size(), companion_ending_);
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
  if (companion) parts.push_back(companion);
  return commit_set(parts, *index_, {paths, text, [&] { return replaced_by(path_, companion_ending_); }});
}

}  // namespace hallmark
