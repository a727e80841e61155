// The formats of files that hold a model. One is a file in artifact/formats/ that defines a FileFormat, and one line in
// file_format.cpp.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "artifact/quantized_model.hpp"

namespace hallmark {

namespace llama {
struct Folder;
}

/// Where a format writes, and whom it tells how far it is.
struct Destination {
  std::string path;
  bool overwrite = false;
  std::uint64_t max_shard_bytes = 0;  ///< of tensors in a shard, where the format writes shards; 0: as W was cut
  std::function<void(double done, double total, const std::string& tensor)> progress = {};  ///< may be empty
  const llama::Folder* llama = nullptr;  ///< the model's own folder, where llama.cpp is to run it; of `gguf` alone
};

struct FileFormat {
  std::string_view name, summary;
  /// The model in a file; null where the file is of another format. Null: what is written is no quantized model any
  /// more. Values are not judged. Errors: those of the format.
  Expected<std::unique_ptr<QuantizedModel>> (*read)(const std::string& path);
  /// Why the model cannot be written with every number unchanged: names the tensor and the reason; null: it always can.
  Status (*obstacle)(const QuantizedModel& model);
  /// Writes every tensor, matrix by matrix; the output appears whole or not at all. Precondition: no obstacle.
  /// Errors: those of the model and of AtomicFile.
  Status (*write)(const QuantizedModel& model, const Destination& to);
};

std::span<const FileFormat* const> file_formats();

/// Errors: E0231 (usage).
Expected<const FileFormat*> find_file_format(std::string_view name);

/// The model in a file of any format that is read; values are not judged (check_model). Errors: those of the format.
Expected<std::unique_ptr<QuantizedModel>> read_quantized(const std::string& path);

/// Writes the model, unless an obstacle of the format refuses it first. Errors: the obstacle's; those of write.
Status write_quantized(const QuantizedModel& model, const FileFormat& format, const Destination& to);

}  // namespace hallmark
