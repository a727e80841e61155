// A model as an output: one safetensors file, or shards with the index that names them, as its path says.
#pragma once

#include <optional>
#include <unordered_map>

#include "io/safetensors.hpp"

namespace hallmark {

/// Shards that are written together at most: each is a file of its own until all get their names.
inline constexpr std::size_t most_shards = 500;

/// Whether the path is that of an index to be written, NAME.safetensors.index.json; its shards are called
/// NAME-00001-of-00003.safetensors, and NAME-r2-00001-of-00003.safetensors where such names are taken.
bool is_index_name(const std::string& path);

/// Tensors in each shard, in the order of the plan, so that no shard with more than one tensor has more than `most`
/// bytes of them. Errors: E0413, E0414.
Expected<std::vector<std::uint64_t>> cut_by_size(const std::vector<TensorPlan>& plan, std::uint64_t most);

/// Says before any work whether `count` shards may stand beside the index: their names are free, or, where an index is
/// replaced, none of the files that go with it is one of `inputs`. Errors: E0418, E0410, E0411; those of check_output.
Status check_shards(const std::string& index, bool overwrite, std::size_t count, const std::vector<std::string>& inputs,
                    std::string_view companion_ending = "");

/// Whether a file of this path could be of the set of the index: a shard or a companion of any number and generation.
bool may_be_of_set(const std::string& index, const std::string& path, std::string_view companion_ending);

/// The companion of the shards that an index names, NAME or NAME-r2 as they are and the ending; NAME where no index is
/// there or its shards are called otherwise.
std::string companion_of(const std::string& index, std::string_view ending);

/// What an output's files have beyond their tensors.
struct FileLayout {
  TensorOrder order = TensorOrder::given;  ///< in each file
  bool metadata_once = false;              ///< in the first shard alone, not in every one
  std::string companion_ending = {};       ///< of a file that belongs to the shards and is one of their set; none: ""
};

/// Writes the tensors of the plan in any order and in pieces; commit() makes all files appear, or none.
class WeightsWriter {
 public:
  /// `cut`: tensors in each shard, in the order of the plan; empty: all in one.
  /// Errors: E0418; those of SafeTensorsWriter::create.
  static Expected<WeightsWriter> create(const std::string& path, bool overwrite, const std::vector<TensorPlan>& plan,
                                        std::vector<std::uint64_t> cut,
                                        const std::map<std::string, std::string>& metadata,
                                        const FileLayout& layout = {});

  /// The tensors file by file.
  std::vector<TensorPlan> plan() const;
  /// Of the first file.
  const std::map<std::string, std::string>& metadata() const { return files_.front().metadata(); }
  /// In the first file, as SafeTensorsWriter::replace_metadata. Precondition: no other file has the entry.
  Status replace_metadata(const std::string& key, const std::string& value) {
    return files_.front().replace_metadata(key, value);
  }

  /// Appends to the tensor's bytes. Errors: those of SafeTensorsWriter::write.
  Status write(const std::string& tensor, std::span<const std::byte> bytes);
  /// Whether every tensor has its bytes. Errors: E0110.
  Status check_complete() const;
  /// Where the companion of an index is to be created; commit() names it as it then names the set.
  std::string companion_path() const;
  /// With a companion, both or neither: of one file by commit_pair, of shards as one of them. Errors: those of
  /// check_complete, AtomicFile::commit, commit_pair and commit_set.
  Status commit(AtomicFile* companion = nullptr, const std::string& waiting = "");

 private:
  Status commit_shards(AtomicFile* companion);

  std::string path_, companion_ending_;
  unsigned generation_ = 1;  // of names that were free at create()
  std::vector<SafeTensorsWriter> files_;
  std::optional<AtomicFile> index_;
  std::unordered_map<std::string, std::size_t> file_of_;
  std::uint64_t total_size_ = 0;  // bytes of all tensors
};

}  // namespace hallmark
