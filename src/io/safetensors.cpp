#include "io/safetensors.hpp"

#include "io/sha256.hpp"

namespace hallmark {

namespace {

// Hashes without keeping the pages: a model may be larger than memory.
void update_in_pieces(Sha256& digest, std::span<const std::byte> bytes) {
  constexpr std::size_t piece = std::size_t{16} << 20;
  while (!bytes.empty()) {
    const auto head = bytes.first(std::min(piece, bytes.size()));
    digest.update(head);
    forget_pages(head);
    bytes = bytes.subspan(head.size());
  }
}

}  // namespace

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

std::string SafeTensors::digest() const {
  Sha256 first;
  update_in_pieces(first, files_.front().bytes());
  for (std::size_t i = 1; i < files_.size(); ++i) {
    Sha256 shard;
    update_in_pieces(shard, files_[i].bytes());
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
