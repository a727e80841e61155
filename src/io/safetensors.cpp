#include "io/safetensors.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <functional>
#include <numeric>

#include "base/error_numbers.hpp"
#include "io/pytorch.hpp"
#include "io/sha256.hpp"

namespace hallmark {

namespace {

// A folder stands for the model in it, under the names that transformers gives it.
Expected<std::string> model_in(const std::string& path) {
  std::error_code fault;
  if (!std::filesystem::is_directory(path, fault)) return path;
  for (const char* name : {"model.safetensors.index.json", "model.safetensors"})
    if (const auto file = std::filesystem::path(path) / name; std::filesystem::exists(file, fault))
      return file.string();
  return Error{Exit::io, error_number::cannot_read, "cannot read the file",
               fmt::format("{}: a folder without model.safetensors and model.safetensors.index.json", path),
               "name a file of the folder"};
}

// Which file stands under the name: another after it was replaced.
std::array<std::int64_t, 4> version_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino), status.st_mtim.tv_sec,
          status.st_mtim.tv_nsec};
}

}  // namespace

Expected<SafeTensors> SafeTensors::open(const std::string& named) {
  const Expected<std::string> found = model_in(named);
  if (!found) return found.error();
  const std::string& path = *found;
  if (path.ends_with(".json"))
    for (;;) {  // shards of an index that was replaced meanwhile may be gone, or be those of a third
      const auto before = version_of(path);
      Expected<SafeTensors> model = open_index(path);
      if (version_of(path) == before) return model;
    }
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file) return file.error();
  Expected<ParsedSafeTensors> parsed =
      pytorch::is_archive(file->bytes()) ? pytorch::parse(file->bytes(), path) : parse_safetensors(file->bytes(), path);
  if (!parsed) return parsed.error();
  SafeTensors result;
  result.files_.push_back(std::move(*file));
  result.paths_.push_back(path);
  result.tensors_ = std::move(parsed->tensors);
  result.metadata_ = std::move(parsed->metadata);
  result.copies_ = std::move(parsed->copies);
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

std::string SafeTensors::digest(const std::stop_token& stop,
                                const std::function<void(const TensorInfo&, std::string)>& tensor) const {
  std::vector<std::string> digests;
  for (std::size_t part = 0; part < parts(); ++part) digests.push_back(part_digest(part, stop, tensor));
  return digest_of_parts(digests);
}

std::string SafeTensors::digest_of_parts(std::span<const std::string> digests) const {
  if (shards_.empty()) return digests.front();
  Sha256 all;
  update_mapped(all, files_.front().bytes());
  for (const std::string& shard : digests) all.update(shard);
  return all.hex();
}

std::string SafeTensors::part_digest(std::size_t part, const std::stop_token& stop,
                                     const std::function<void(const TensorInfo&, std::string)>& tensor) const {
  const auto shards = static_cast<std::ptrdiff_t>(shards_.empty() ? 0 : part);
  auto next = tensors_.begin() +
              static_cast<std::ptrdiff_t>(std::accumulate(shards_.begin(), shards_.begin() + shards, std::uint64_t{0}));
  const auto end = shards_.empty() ? tensors_.end() : next + static_cast<std::ptrdiff_t>(shards_[part]);
  const std::span<const std::byte> bytes = part_file(part).bytes();
  Sha256 file;
  std::size_t done = 0;
  for (; tensor && next != end && !stop.stop_requested(); ++next) {  // without a gap from the header to the end
    const bool copied = copies_.holds(next->data);
    const bool apart = copied || next->data.empty();
    const auto first = apart ? 0 : static_cast<std::size_t>(next->data.data() - bytes.data());
    Sha256 own;
    if (apart || first < done) {  // of PyTorch: it is a copy, shares bytes with others, or stands in front of them
      update_mapped(own, next->data, stop);
      tensor(*next, own.hex());
      continue;
    }
    update_mapped(file, bytes.subspan(done, first - done), stop);
    update_mapped(file, next->data, stop, &own);
    tensor(*next, own.hex());
    done = first + next->data.size();
  }
  update_mapped(file, bytes.subspan(done), stop);
  return file.hex();
}

std::string SafeTensors::identity() const {
  std::string all;
  for (const MappedFile& file : files_) all += file.identity() + "\n";
  return all;
}

Status SafeTensors::unchanged() const {
  for (const MappedFile& file : files_)
    if (Status same = file.unchanged(); !same) return same;
  return ok();
}

}  // namespace hallmark
