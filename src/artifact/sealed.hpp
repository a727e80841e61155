// safetensors files that carry the header of a quantized model and two digests of what they hold: the container, and
// the layouts of other programs that are read back. The tensors are those of a plan, and nothing decoded is outside a
// digest.
#pragma once

#include "artifact/quantized_model.hpp"

namespace hallmark::detail {

/// Whether the tensors are those of the plan, of its dtypes and shapes, and no others. Errors: E0363, E0364.
Status check_tensors(const SafeTensors& file, std::vector<TensorPlan> plan);
/// Whether the metadata have the digests: that of the metadata from schema 2 on. Errors: E0360.
Status check_sealed(const SafeTensors& file, int schema);
/// Whether tensors and metadata have the digests that the metadata say. Precondition: check_sealed. Errors: E0710.
Status check_digests(const SafeTensors& file);

/// Writes such a file: create(), each tensor once in any order, then commit(), or seal() and the commit of file().
class SealedWriter {
 public:
  /// Errors: those of SafeTensorsWriter::create.
  static Expected<SealedWriter> create(const std::string& path, bool overwrite, std::vector<TensorPlan> plan,
                                       std::map<std::string, std::string> metadata);

  /// All bytes of a tensor, at once or from a source that hands them on in pieces. Errors: those of
  /// SafeTensorsWriter::write and of the source.
  Status write(const std::string& name, std::span<const std::byte> bytes);
  Status write_in_pieces(const std::string& name, const std::function<Status(const ByteSink&)>& from);
  /// The SHA-256 of the bytes of a tensor that was written; "" where there is none of this name.
  std::string digest(const std::string& name) const;
  /// Gives an entry another value of the same length. Errors: those of SafeTensorsWriter::replace_metadata.
  Status replace_metadata(const std::string& key, const std::string& value) {
    return writer_.replace_metadata(key, value);
  }
  /// Enters both digests and returns that of the tensors. Errors: E0110, E0904, E0905.
  Expected<std::string> seal();
  /// Seals, then commits. Errors: those of SafeTensorsWriter::commit.
  Status commit();
  AtomicFile& file() { return writer_.file(); }

 private:
  explicit SealedWriter(SafeTensorsWriter writer) : writer_(std::move(writer)) {}

  SafeTensorsWriter writer_;
  std::map<std::string, std::string> digests_;  // of each tensor's bytes, by name
};

}  // namespace hallmark::detail
