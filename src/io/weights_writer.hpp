// An ordinary model as an output: one safetensors file, or shards with the index that names them, as its path says.
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

/// Writes the tensors of the plan in any order and in pieces; commit() makes all files appear, or none.
class WeightsWriter {
 public:
  /// `cut`: tensors in each shard, in the order of the plan; empty: all in one. Every shard has the metadata.
  /// Errors: E0418; those of SafeTensorsWriter::create.
  static Expected<WeightsWriter> create(const std::string& path, bool overwrite, const std::vector<TensorPlan>& plan,
                                        std::vector<std::uint64_t> cut,
                                        const std::map<std::string, std::string>& metadata);

  /// Appends to the tensor's bytes. Errors: those of SafeTensorsWriter::write.
  Status write(const std::string& tensor, std::span<const std::byte> bytes);
  /// Errors: those of SafeTensorsWriter::check_complete, AtomicFile::commit and commit_set.
  Status commit();

 private:
  Status commit_shards();

  std::string path_;
  std::vector<SafeTensorsWriter> files_;
  std::optional<AtomicFile> index_;
  std::unordered_map<std::string, std::size_t> file_of_;
  std::uint64_t total_size_ = 0;  // bytes of all tensors
};

}  // namespace hallmark
