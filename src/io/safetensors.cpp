#include "io/safetensors.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <functional>

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
  auto next = tensors_.begin();
  const auto add = [&](Sha256& file, std::span<const std::byte> bytes) {
    std::size_t done = 0;
    for (; tensor && next != tensors_.end() && !stop.stop_requested();
         ++next) {  // of safetensors, without a gap from the header to the end
      const std::byte* begin = next->data.data();
      const bool copied = copies_.holds(next->data);
      if (!copied && (std::less{}(begin, bytes.data()) || std::less{}(bytes.data() + bytes.size(), begin)))
        break;  // of another file
      const auto first = copied ? 0 : static_cast<std::size_t>(begin - bytes.data());
      Sha256 own;
      if (copied || first < done) {  // of PyTorch: it is a copy, shares bytes with others, or stands in front of them
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
  };
  Sha256 first;
  add(first, files_.front().bytes());
  for (std::size_t i = 1; i < files_.size(); ++i) {
    Sha256 shard;
    add(shard, files_[i].bytes());
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
