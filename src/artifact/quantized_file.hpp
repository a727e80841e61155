// The quantized container: a safetensors file in which each quantized `name` is `name.codes` and `name.scale`, every
// other tensor is unchanged, and the metadata says how to get back a file with the names, shapes and order of W.
// Layout and metadata table: docs/file-format.md.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "format/grid.hpp"
#include "io/safetensors.hpp"

namespace hallmark {

/// A tensor of the file that was quantized.
struct OriginalTensor {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
  bool quantized = false;
};

/// What the metadata says. Digests are 64 hexadecimal digits, or empty for "none".
struct QuantizedHeader {
  std::string tool;    ///< "hallmark 0.1.0"
  std::string grid;    ///< versioned: "gf16/1"
  std::string method;  ///< "gptq" or "rtn"
  std::string scale_rule;
  std::uint64_t group_size = 0;  ///< 0: one scale per row
  std::uint64_t block_size = 128;
  double damp_percent = 0.01;
  bool desc_act = false;
  bool guard = true;
  std::string source_sha256;  ///< of the file that was quantized
  std::string calibration_sha256;
  std::vector<OriginalTensor> tensors;                 ///< all tensors of W, in W's order
  std::map<std::string, std::string> source_metadata;  ///< W's own
};

/// Scales per row of a matrix of `cols` columns: 1 when group_size is 0, else ceil(cols / group_size).
std::uint64_t group_count(std::uint64_t cols, std::uint64_t group_size);

/// The grid that a versioned name stands for. Errors: E0362.
Expected<Grid> grid_of_file(const std::string& versioned_name);

/// Writes a container: create() with the whole header, then each tensor of W once in any order, then commit().
class QuantizedFileWriter {
 public:
  /// Errors: E0362; those of SafeTensorsWriter::create (E0413 also when W has a tensor called like our `name.codes`).
  static Expected<QuantizedFileWriter> create(const std::string& path, bool overwrite, QuantizedHeader header);

  /// codes [rows, cols] row-major, scales [rows, groups]. Errors: E0110 wrong sizes or not planned as quantized, E0365
  /// and E0366 values that the reader would refuse; E0904, E0905.
  Status write_quantized(const std::string& name, std::span<const Code> codes, std::span<const float> scales);
  /// A tensor that passes through. Errors: E0110, E0904, E0905.
  Status write_unchanged(const TensorInfo& tensor);
  /// The SHA-256 of the bytes of a tensor of the container that was written, by its name there ("w.codes").
  const std::string& digest(const std::string& name) const { return digests_.at(name); }
  /// Enters the digests of the inputs in place of those that create() was given; both are there or neither is, as
  /// before. They can be computed beside the tensors. Errors: E0110.
  Status replace_digests(const std::string& source_sha256, const std::string& calibration_sha256);
  /// Enters the payload digest, then commits. Errors: those of SafeTensorsWriter::commit.
  Status commit();

 private:
  QuantizedFileWriter(SafeTensorsWriter writer, Grid grid, QuantizedHeader header);
  Status write(const std::string& name, std::span<const std::byte> bytes);

  SafeTensorsWriter writer_;
  Grid grid_;
  QuantizedHeader header_;
  std::unordered_map<std::string, const OriginalTensor*> originals_;
  std::vector<std::uint8_t> known_codes_;
  std::map<std::string, std::string> digests_;  // of each tensor's bytes, by name
};

/// An open container; all of it is checked by open(): metadata, names, dtypes, shapes, codes, scales, payload digest.
class QuantizedFile {
 public:
  /// Errors: those of SafeTensors::open; E0360..E0366; E0710 when the tensors are not those that were written.
  static Expected<QuantizedFile> open(const std::string& path);
  /// Without judging values: neither codes and scales nor the payload digest are checked. For whoever compares them
  /// with what they should be and can name tensor and row. Errors: those of SafeTensors::open; E0360..E0364.
  static Expected<QuantizedFile> open_unjudged(const std::string& path);
  /// Whether the payload digest is that of the tensors. Errors: E0710.
  Status check_payload() const;

  const QuantizedHeader& header() const { return header_; }
  const Grid& grid() const { return grid_; }
  /// Precondition for these three: `name` is a tensor of W, quantized for the first two, not for the third.
  std::vector<Code> codes(const std::string& name) const;    ///< [rows, cols]
  std::vector<float> scales(const std::string& name) const;  ///< [rows, groups]
  const TensorInfo& unchanged(const std::string& name) const;

  const SafeTensors& file() const { return file_; }

 private:
  QuantizedFile(SafeTensors file, Grid grid, QuantizedHeader header)
      : file_(std::move(file)), grid_(std::move(grid)), header_(std::move(header)) {}

  SafeTensors file_;
  Grid grid_;
  QuantizedHeader header_;
};

/// SHA-256 over the tensors' names, dtypes, shapes and the SHA-256 of their bytes, sorted by name: equal for files that
/// hold the same tensors, in whatever order and with whatever metadata.
std::string payload_digest(const SafeTensors& file);

}  // namespace hallmark
