// The quantized container: a safetensors file in which each quantized matrix `name` is `name.codes`, `name.scale` and,
// where its grid has zero points, `name.zero_point`, and where it has a rotation, `name.rotated`; every other tensor is
// unchanged, and the metadata says how to get back a file with the names, shapes and order of W. By its name it is one
// file or an index and shards, the first of which has the metadata. Layout and metadata table: docs/file-format.md.
#pragma once

#include <unordered_map>

#include "artifact/quantized_model.hpp"
#include "io/weights_writer.hpp"

namespace hallmark {

/// A certificate's name ends so; in shards it is one of their set.
inline constexpr std::string_view certificate_ending = ".certificate.json";

/// Tensors of the container in each shard, in the order of W: what stands for a tensor of W where W has that, or by
/// cut_by_size where max_shard_bytes is not 0. Errors: those of cut_by_size.
Expected<std::vector<std::uint64_t>> container_cut(const QuantizedHeader& header, std::uint64_t max_shard_bytes);

/// Writes a container: create() with the whole header, then each matrix and each other tensor of W once in any order,
/// then commit().
class QuantizedFileWriter {
 public:
  /// An index name is cut by container_cut. Errors: those of WeightsWriter::create (E0413 also when W has a tensor
  /// called like our `name.codes`); E0110.
  static Expected<QuantizedFileWriter> create(const std::string& path, bool overwrite, QuantizedHeader header,
                                              std::uint64_t max_shard_bytes = 0);

  /// codes [rows, cols] row-major. Errors: E0110 wrong sizes or not planned as quantized, E0365, E0366 and E0369 values
  /// that the reader would refuse; E0904, E0905.
  Status write_quantized(const std::string& name, std::span<const Code> codes, const Steps& steps);
  /// A tensor that passes through, from a map whose pages are forgotten. Errors: E0110, E0904, E0905.
  Status write_unchanged(const TensorInfo& tensor);
  /// The same from a model that has it. Errors: E0110, E0904, E0905; those of the model.
  Status write_unchanged(const QuantizedModel& model, const std::string& tensor);
  /// Enters the digests of the inputs in place of those that create() was given; both are there or neither is, as
  /// before. They can be computed beside the tensors. Errors: E0110.
  Status replace_digests(const std::string& source_sha256, const std::string& calibration_sha256);
  /// Enters both digests and returns that of the metadata, which covers the payload's. Errors: E0110, E0904, E0905.
  Expected<std::string> seal();
  /// Seals, then commits. Errors: those of seal() and WeightsWriter::commit.
  Status commit();
  /// The file or shards, for a certificate beside them after seal().
  WeightsWriter& files() { return writer_; }

 private:
  QuantizedFileWriter(WeightsWriter writer, QuantizedHeader header);
  Status write(const std::string& name, std::span<const std::byte> bytes);
  Status write_in_pieces(const std::string& name, const std::function<Status(const ByteSink&)>& from);

  WeightsWriter writer_;
  QuantizedHeader header_;
  std::unordered_map<std::string, std::size_t> matrix_at_, passing_at_;  // matrices, and tensors that have none
  std::map<std::string, std::string> digests_;                           // of each tensor's bytes, by name
};

/// An open container: metadata, names, dtypes and shapes are checked.
class QuantizedFile final : public QuantizedModel {
 public:
  /// Checks codes, steps and payload digest too. Errors: those of open_unjudged and check_model.
  static Expected<QuantizedFile> open(const std::string& path);
  /// For whoever compares values with what they should be and can name tensor and row. Errors: those of
  /// SafeTensors::open; E0360..E0364.
  static Expected<QuantizedFile> open_unjudged(const std::string& path);

  Expected<Matrix<Code>> codes(const QuantizedMatrix& matrix) const override;
  Expected<Steps> steps(const QuantizedMatrix& matrix) const override;
  Status pass_through(const std::string& tensor, const ByteSink& sink) const override;
  Status check_whole() const override;
  std::string payload_sha256() const override;
  /// Of all that a decoder reads, the metadata digest; of schema 1, which has none, the payload's.
  std::string content_sha256() const;
  Status files_unchanged() const override { return file_.unchanged(); }
  std::vector<std::string> paths() const override { return file_.paths(); }

  const SafeTensors& file() const { return file_; }

 private:
  Expected<Matrix<Code>> rows_of(const TensorInfo& tensor, const QuantizedMatrix& matrix, Index cols, int number) const;
  Expected<std::vector<std::uint8_t>> marks(const QuantizedMatrix& matrix) const;
  QuantizedFile(SafeTensors file, QuantizedHeader header) : QuantizedModel(std::move(header)), file_(std::move(file)) {}

  SafeTensors file_;
};

/// SHA-256 over the tensors' names, dtypes, shapes and the SHA-256 of their bytes, sorted by name: equal for files that
/// hold the same tensors, in whatever order and with whatever metadata.
std::string payload_digest(const SafeTensors& file);

}  // namespace hallmark
