#include "io/safetensors.hpp"

#include "io/sha256.hpp"

namespace hallmark {

Expected<SafeTensors> SafeTensors::open(const std::string& path) {
  if (path.ends_with(".json")) return open_index(path);
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file) return file.error();
  Expected<ParsedSafeTensors> parsed = parse_safetensors(file->bytes(), path);
  if (!parsed) return parsed.error();
  SafeTensors result;
  result.files_.push_back(std::move(*file));
  result.paths_.push_back(path);
  result.tensors_ = std::move(parsed->tensors);
  result.metadata_ = std::move(parsed->metadata);
  result.index_names();
  return result;
}

void SafeTensors::index_names() {
  by_name_.reserve(tensors_.size());
  for (std::size_t i = 0; i < tensors_.size(); ++i) by_name_.emplace(tensors_[i].name, i);
}

const TensorInfo* SafeTensors::find(std::string_view name) const {
  const auto found = by_name_.find(std::string(name));
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

std::string SafeTensors::digest(const std::stop_token& stop) const {
  Sha256 first;
  update_mapped(first, files_.front().bytes(), stop);
  for (std::size_t i = 1; i < files_.size(); ++i) {
    Sha256 shard;
    update_mapped(shard, files_[i].bytes(), stop);
    first.update(shard.hex());
  }
  return first.hex();
}

Status SafeTensors::unchanged() const {
  for (const MappedFile& file : files_)
    if (Status same = file.unchanged(); !same) return same;
  return ok();
}

}  // namespace hallmark
