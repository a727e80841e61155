// The quantized container: a safetensors file in which each quantized matrix `name` is `name.codes`, `name.scale` and,
// where its grid has zero points, `name.zero_point`; every other tensor is unchanged, and the metadata says how to get
// back a file with the names, shapes and order of W. Layout and metadata table: docs/file-format.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "io/safetensors.hpp"
#include "method/options.hpp"

namespace hallmark {

/// A tensor of W.
struct OriginalTensor {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
};

/// A matrix [rows, cols] of W that was quantized: a 2-D tensor, or one of those that a 3-D tensor stacks.
struct QuantizedMatrix {
  std::string name;                    ///< the tensor's, or "tensor[index]"
  std::string tensor;                  ///< of W
  std::optional<std::uint64_t> index;  ///< in a stack
  bool transposed = false;             ///< W holds it as [cols, rows]
  std::uint64_t rows = 0, cols = 0;
  Options options;
};

/// What the metadata says. Digests are 64 hexadecimal digits, or empty for "none".
struct QuantizedHeader {
  std::string tool;           ///< "hallmark 0.1.0"
  std::string source_sha256;  ///< of the file that was quantized
  std::string calibration_sha256;
  std::vector<OriginalTensor> tensors;                 ///< all tensors of W, in W's order
  std::vector<QuantizedMatrix> matrices;               ///< in the order of their tensors, stacks by index
  std::map<std::string, std::string> source_metadata;  ///< W's own
  int schema = 2;                                      ///< 1: one set of options for all matrices
};

/// Writes a container: create() with the whole header, then each matrix and each other tensor of W once in any order,
/// then commit().
class QuantizedFileWriter {
 public:
  /// Errors: those of SafeTensorsWriter::create (E0413 also when W has a tensor called like our `name.codes`); E0110.
  static Expected<QuantizedFileWriter> create(const std::string& path, bool overwrite, QuantizedHeader header);

  /// codes [rows, cols] row-major. Errors: E0110 wrong sizes or not planned as quantized, E0365 and E0366 values that
  /// the reader would refuse; E0904, E0905.
  Status write_quantized(const std::string& name, std::span<const Code> codes, const Steps& steps);
  /// A tensor that passes through. Errors: E0110, E0904, E0905.
  Status write_unchanged(const TensorInfo& tensor);
  /// The SHA-256 of the bytes of a tensor of the container that was written, by its name there ("w.codes"); "" where
  /// there is none of this name.
  std::string digest(const std::string& name) const;
  /// Enters the digests of the inputs in place of those that create() was given; both are there or neither is, as
  /// before. They can be computed beside the tensors. Errors: E0110.
  Status replace_digests(const std::string& source_sha256, const std::string& calibration_sha256);
  /// Enters the payload digest, then commits. Errors: those of SafeTensorsWriter::commit.
  Status commit();

 private:
  QuantizedFileWriter(SafeTensorsWriter writer, QuantizedHeader header)
      : writer_(std::move(writer)), header_(std::move(header)) {}
  Status write(const std::string& name, std::span<const std::byte> bytes);

  SafeTensorsWriter writer_;
  QuantizedHeader header_;
  std::map<std::string, std::string> digests_;  // of each tensor's bytes, by name
};

/// An open container; all of it is checked by open(): metadata, names, dtypes, shapes, codes, steps, payload digest.
class QuantizedFile {
 public:
  /// Errors: those of SafeTensors::open; E0360..E0366; E0710 when the tensors are not those that were written.
  static Expected<QuantizedFile> open(const std::string& path);
  /// Without judging values: neither codes and steps nor the payload digest are checked. For whoever compares them with
  /// what they should be and can name tensor and row. Errors: those of SafeTensors::open; E0360..E0364.
  static Expected<QuantizedFile> open_unjudged(const std::string& path);
  /// Whether the payload digest is that of the tensors. Errors: E0710.
  Status check_payload() const;
  /// Whether every code is a point and every step one that the grid takes. Errors: E0365, E0366.
  Status check_values(const QuantizedMatrix& matrix) const;

  const QuantizedHeader& header() const { return header_; }
  /// Precondition: a matrix of the header.
  std::vector<Code> codes(const QuantizedMatrix& matrix) const;  ///< [rows, cols]
  Steps steps(const QuantizedMatrix& matrix) const;
  /// Precondition: a tensor of W that passes through.
  const TensorInfo& unchanged(const std::string& name) const;

  const SafeTensors& file() const { return file_; }

 private:
  QuantizedFile(SafeTensors file, QuantizedHeader header) : file_(std::move(file)), header_(std::move(header)) {}

  SafeTensors file_;
  QuantizedHeader header_;
};

/// Whether some matrix of the header is of this tensor of W.
bool is_quantized(const QuantizedHeader& header, const std::string& tensor);

/// SHA-256 over the tensors' names, dtypes, shapes and the SHA-256 of their bytes, sorted by name: equal for files that
/// hold the same tensors, in whatever order and with whatever metadata.
std::string payload_digest(const SafeTensors& file);

}  // namespace hallmark
