// safetensors: a strict reader of one file or of a sharded model, and a writer whose bytes depend on the content alone.
// The rules, each with its error number: docs/file-format.md. There is no unvalidated state: what opens is valid.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "io/file.hpp"

namespace hallmark {

/// Element types, in the rank order by which the reference writer sorts tensors (last rank first).
enum class DType : std::uint8_t {
  BOOL,
  F4,
  F6_E2M3,
  F6_E3M2,
  U8,
  I8,
  F8_E5M2,
  F8_E4M3,
  F8_E8M0,
  F8_E4M3FNUZ,
  F8_E5M2FNUZ,
  I16,
  U16,
  F16,
  BF16,
  I32,
  U32,
  F32,
  C64,
  F64,
  I64,
  U64,
};

std::string_view dtype_name(DType dtype);
/// Bits of one element; a tensor fills whole bytes, elements of F4 and F6 do not.
unsigned dtype_bits(DType dtype);
/// Exact, upper-case names only. Errors: E0312.
Expected<DType> parse_dtype(std::string_view name);

using Shape = std::vector<std::uint64_t>;

/// Product of the dimensions; 1 for rank 0.
std::uint64_t element_count(const Shape& shape);
/// "[2, 3]"
std::string shape_text(const Shape& shape);

/// One tensor of an open file: row-major and dense, little-endian, perhaps unaligned; a view into the map, or into the
/// copy that stands for it.
struct TensorInfo {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
  std::span<const std::byte> data;
};

/// Metadata entry of a checkpoint with the digest of the weights that were trained: whoever writes others must leave it
/// out.
inline const std::string weights_digest_key = "hallmark.weights.sha256";

/// The content of one valid safetensors file; the tensors' data point into the bytes that were parsed, or into copies.
struct ParsedSafeTensors {
  std::vector<TensorInfo> tensors;  ///< by offset; tensors of zero bytes at one offset in header order
  std::map<std::string, std::string> metadata;
  AnonymousMap copies;  ///< of tensors that the file holds in another order than row-major
};

/// Limits on hostile input; nothing whose size a header declares is allocated before every check has passed.
inline constexpr std::uint64_t max_header_bytes = 100'000'000;
inline constexpr std::size_t max_tensors = 1'000'000;
inline constexpr std::size_t max_rank = 64;
inline constexpr std::size_t max_name_bytes = 4096;
inline constexpr std::uint64_t max_size = (std::uint64_t{1} << 48) - 1;  ///< of a dimension and of an offset

/// Checks every rule of the format on a whole file in memory; `path` is for messages only.
/// Errors: E0301..E0319, E0330..E0335.
Expected<ParsedSafeTensors> parse_safetensors(std::span<const std::byte> file, const std::string& path);

/// An open .safetensors file, a sharded model opened by its model.safetensors.index.json, or a checkpoint of PyTorch
/// (pytorch.hpp), told by its first bytes. Tensors are views into the maps, or of PyTorch into copies too, and live as
/// long as the object.
class SafeTensors {
 public:
  /// A path that ends in .json is an index; a folder stands for the model.safetensors.index.json or model.safetensors
  /// in it. Errors: E0301..E0319, E0330..E0345, E0901, E0902.
  static Expected<SafeTensors> open(const std::string& path);

  /// nullptr when there is none.
  const TensorInfo* find(std::string_view name) const;
  /// File order; for a sharded model shard by shard, the shards by name; for a checkpoint of PyTorch that of the dict.
  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  /// Of a sharded model: the entries on which all shards that have them agree.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// Every file that is open, the index included: none of them may become an output.
  const std::vector<std::string>& paths() const { return paths_; }
  /// How a sharded model is cut: tensors in each shard, in the order of tensors(); empty for one file.
  const std::vector<std::uint64_t>& shards() const { return shards_; }
  /// SHA-256 of the file; of a sharded model, of the index's bytes followed by each shard's digest in hexadecimal.
  /// `tensor` is told the SHA-256 of each tensor's bytes too from the same pass, in the order of tensors().
  /// Where a stop is requested it returns early, with no digest in particular.
  std::string digest(const std::stop_token& stop = {},
                     const std::function<void(const TensorInfo&, std::string)>& tensor = {}) const;
  /// The files that digest() reads one after the other: one, or the shards.
  std::size_t parts() const { return shards_.empty() ? 1 : shards_.size(); }
  std::uint64_t part_bytes(std::size_t part) const { return part_file(part).bytes().size(); }
  /// The SHA-256 of one of them, with what digest() tells of its tensors: for who shares the work.
  std::string part_digest(std::size_t part, const std::stop_token& stop = {},
                          const std::function<void(const TensorInfo&, std::string)>& tensor = {}) const;
  /// digest(), of those of all parts.
  std::string digest_of_parts(std::span<const std::string> digests) const;
  /// identity_of all files, one a line.
  std::string identity() const;
  /// Fails when one of the files changed since open(). Errors: E0902.
  Status unchanged() const;

 private:
  const MappedFile& part_file(std::size_t part) const { return files_[shards_.empty() ? part : part + 1]; }
  static Expected<SafeTensors> open_index(const std::string& path);
  void index_names();

  std::vector<MappedFile> files_;
  AnonymousMap copies_;
  std::vector<std::string> paths_;
  std::vector<std::uint64_t> shards_;
  std::vector<TensorInfo> tensors_;
  std::map<std::string, std::string> metadata_;
  std::unordered_map<std::string, std::size_t> by_name_;
};

/// The weight map of an index: file by tensor name. Only the index is read, and no name in it is a path elsewhere.
/// Errors: E0340, E0341, E0342, E0901.
Expected<std::map<std::string, std::string>> read_index(const MappedFile& index);

/// Elements first .. first + out.size() - 1 of a F32, BF16 or F16 tensor (float), and of F64 too (double): exact,
/// infinities and NaN included. Precondition: the range lies in the tensor. Errors: E0351 another dtype.
Status widen(const TensorInfo& tensor, std::uint64_t first, std::span<float> out);
Status widen(const TensorInfo& tensor, std::uint64_t first, std::span<double> out);
/// The same by all threads, for a dtype that widen() knows; whether all numbers are finite, false too for another
/// dtype.
bool widen_finite(const TensorInfo& tensor, std::uint64_t first, std::span<float> out);
bool widen_finite(const TensorInfo& tensor, std::uint64_t first, std::span<double> out);
/// Elements first .. of a tensor of T in place, or nullptr where the file does not hold them as they are used: another
/// dtype, or not aligned.
template <class T>
const T* in_place(const TensorInfo& tensor, std::uint64_t first = 0) {
  const std::byte* const data = tensor.data.data() + first * sizeof(T);
  const bool aligned = reinterpret_cast<std::uintptr_t>(data) % alignof(T) == 0;
  return tensor.dtype == (sizeof(T) == 8 ? DType::F64 : DType::F32) && aligned ? reinterpret_cast<const T*>(data)
                                                                               : nullptr;
}
/// The whole tensor. Errors: E0351.
Expected<std::vector<float>> widen_to_f32(const TensorInfo& tensor);
Expected<std::vector<double>> widen_to_f64(const TensorInfo& tensor);

/// Fails at the first NaN or infinity of a F32, BF16, F16 or F64 tensor, with its index. Errors: E0350, E0351.
Status check_finite(const TensorInfo& tensor);
/// The same for values already widened; `name` and `shape` are for the message. Errors: E0350.
Status check_finite(std::string_view name, const Shape& shape, std::span<const float> values);
Status check_finite(std::string_view name, const Shape& shape, std::span<const double> values);

/// What the writer must know before the first byte.
struct TensorPlan {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
};

enum class TensorOrder {
  reference,  ///< dtype rank descending, then name: byte-equal with the reference writer
  given,      ///< as planned
};

/// Bytes of a tensor with this dtype and shape. Errors: E0414 beyond the format's limits or not whole bytes.
Expected<std::uint64_t> tensor_bytes(const TensorPlan& tensor);

/// The first bytes of a file (length and header, a multiple of 8 bytes): compact JSON, metadata first with sorted
/// keys and always format=pt, offsets contiguous in the order of `plan`. Errors: E0413, E0414.
Expected<std::string> safetensors_header(const std::vector<TensorPlan>& plan,
                                         std::map<std::string, std::string> metadata);

/// Whether SafeTensors::open would read a file of this name as a safetensors file. Errors: E0417.
Status check_container_name(const std::string& path);

/// Writes one safetensors file: the plan first, then the tensors in any order and in pieces, then commit(). The file
/// appears whole or not at all.
class SafeTensorsWriter {
 public:
  /// Errors: E0410, E0412, E0413, E0414, E0417, E0903..E0905.
  static Expected<SafeTensorsWriter> create(const std::string& path, bool overwrite, std::vector<TensorPlan> plan,
                                            std::map<std::string, std::string> metadata,
                                            TensorOrder order = TensorOrder::reference);

  /// The tensors in file order.
  const std::vector<TensorPlan>& plan() const { return plan_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// Appends to the tensor's bytes. Errors: E0110 not in the plan or too many bytes; E0904, E0905.
  Status write(std::string_view name, std::span<const std::byte> bytes);
  template <class T>
  Status write(std::string_view name, std::span<const T> values) {
    return write(name, std::as_bytes(values));
  }
  /// Gives a metadata entry of create() another value of the same length, for what is known only after the tensors
  /// (a digest); printable ASCII without " and \ on both sides. Errors: E0110.
  Status replace_metadata(const std::string& key, const std::string& value);
  /// Whether every tensor has its bytes. Errors: E0110.
  Status check_complete() const;
  /// Errors: those of check_complete and AtomicFile::commit.
  Status commit();
  /// For commit_pair, after check_complete.
  AtomicFile& file() { return file_; }

 private:
  explicit SafeTensorsWriter(AtomicFile file) : file_(std::move(file)) {}

  struct Place {
    std::uint64_t offset, size, written;
  };
  AtomicFile file_;
  std::vector<TensorPlan> plan_;
  std::unordered_map<std::string, Place> places_;
  std::map<std::string, std::string> metadata_;
  std::string header_;
};

}  // namespace hallmark
