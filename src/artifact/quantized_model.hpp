// A quantized model, whatever file holds it: what inspect, dequantize, export and verify read.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
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

/// What a model says of itself. Digests are 64 hexadecimal digits, or empty for "none".
struct QuantizedHeader {
  std::string tool;           ///< "hallmark 0.1.0"
  std::string source_sha256;  ///< of the file that was quantized
  std::string calibration_sha256;
  std::vector<OriginalTensor> tensors;                 ///< all tensors of W, in W's order
  std::vector<QuantizedMatrix> matrices;               ///< in the order of their tensors, stacks by index
  std::map<std::string, std::string> source_metadata;  ///< W's own
  std::vector<std::uint64_t> source_shards;            ///< tensors in each shard of W, in order; empty for one file
  int schema = 2;  ///< of the file that was read (docs/file-format.md); a writer takes the one that its content needs
};

/// The matrices of each tensor of the header, in its order; none where the tensor passes through. Views into the
/// header.
std::vector<std::span<const QuantizedMatrix>> matrices_by_tensor(const QuantizedHeader& header);

/// Names, shapes and options are known and agree; codes and steps are decoded matrix by matrix, so that no caller holds
/// more than one. Values are judged by check_values, not here.
class QuantizedModel {
 public:
  virtual ~QuantizedModel() = default;
  const QuantizedHeader& header() const { return header_; }

  /// Precondition of both: a matrix of the header. Errors: those of the format, where a file cannot be decoded.
  virtual Expected<Matrix<Code>> codes(const QuantizedMatrix& matrix) const = 0;  ///< [rows, cols]
  virtual Expected<Steps> steps(const QuantizedMatrix& matrix) const = 0;
  /// The bytes of a tensor of W that passes through. Precondition: there is one. Errors: those of sink and format.
  virtual Status pass_through(const std::string& tensor, const ByteSink& sink) const = 0;

  /// Whether the tensors are those that were written, by a digest of theirs where the format has one. Errors: E0710.
  virtual Status check_whole() const = 0;
  /// The digest by which a certificate waits for this model (commit_pair), as the file says it; "" where it has none.
  virtual std::string payload_sha256() const { return ""; }
  /// Fails when one of the files changed since it was opened. Errors: E0902.
  virtual Status files_unchanged() const = 0;
  /// Every file that is open: none of them may become an output.
  virtual std::vector<std::string> paths() const = 0;

 protected:
  explicit QuantizedModel(QuantizedHeader header) : header_(std::move(header)) {}
  QuantizedModel(QuantizedModel&&) = default;
  QuantizedModel& operator=(QuantizedModel&&) = default;

 private:
  QuantizedHeader header_;
};

/// Whether every code is a point of the matrix's grid, every step one that the grid takes, and of a matrix with a
/// rotation every number exact in binary32, of one with a correction finite. Errors: E0365, E0366, E0369, E0389.
Status check_values(const QuantizedModel& model, const QuantizedMatrix& matrix, const Matrix<Code>& codes,
                    const Steps& steps);
/// Whether the model is whole and the values of every matrix are sound. Errors: E0710, E0365, E0366, E0369,
/// E0389.
Status check_model(const QuantizedModel& model);

/// SHA-256 of codes, scales, zero points, marks of rotated rows and correction ("" without): scales and the factors, A
/// before B, as the container stores them, of the others one byte for each, two for codes of U16, unpacked: of the
/// numbers, whatever file holds them.
struct StoredDigests {
  std::string codes, scales, zeros, rotated, low_rank;
};
StoredDigests stored_digests(const QuantizedMatrix& matrix, const Matrix<Code>& codes, const Steps& steps);

}  // namespace hallmark
