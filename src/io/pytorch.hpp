// Checkpoints as torch.save writes them since PyTorch 1.6: a zip archive of stored entries, one of them a pickle that
// says which tensor stands where. The rules, each with its error number: docs/parameter-golf.md. Nothing is executed:
// of pickle there is what a state dict needs and no more. There is no unvalidated state: what is parsed is valid.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "io/safetensors.hpp"

namespace hallmark::pytorch {

/// Whether the bytes begin as those of a zip archive do, and not as those of any safetensors file.
bool is_archive(std::span<const std::byte> file);

/// What is stored under each name of the archive, without the first folder, which all names share. Views into the
/// file; no two overlap. Memory in proportion to the archive's directory. Errors: E0336.
Expected<std::map<std::string_view, std::span<const std::byte>>> parse_archive(std::span<const std::byte> file,
                                                                               const std::string& path);

/// A tensor by its place in a storage, all counted in elements. Views into the pickle.
struct Placed {
  std::string_view name;
  DType dtype = DType::F32;
  Shape shape, strides;  ///< of one length
  std::uint64_t offset = 0;
  std::string_view storage;         ///< its key
  std::uint64_t storage_count = 0;  ///< elements of the storage, by the pickle

  friend bool operator==(const Placed&, const Placed&) = default;
};

inline constexpr std::uint64_t max_pickle_bytes = std::uint64_t{1} << 24;  ///< those of some 80,000 tensors

/// What stands in nested dicts behind a path of keys.
struct Leaf {
  std::vector<std::string_view> path;
  std::variant<Placed, std::string_view, std::int64_t> value;
};

/// The leaves of dicts of dicts, of at most `depth` keys behind each other, in their order; no key stands twice in one
/// dict. Errors: those of parse_state_dict.
Expected<std::vector<Leaf>> parse_dicts(std::span<const std::byte> pickle, std::size_t depth, const std::string& path);

/// The bytes of all tensors over those of the file, at most: layers may be tied, but a small file makes no endless one.
inline constexpr std::uint64_t most_shares = 64;

/// The tensors of a state dict, in its order; names are usable and no name stands twice. Memory in proportion to the
/// pickle. `path` is for messages only. Errors: E0337 an opcode, a global or an argument that no state dict has; E0338
/// a size, stride, offset or dtype that no tensor has; E0339 something else than names and their tensors.
Expected<std::vector<Placed>> parse_state_dict(std::span<const std::byte> pickle, const std::string& path);

/// The bytes of all copies over those of the file, at most.
inline constexpr std::uint64_t most_copies = 2;

/// A tensor in the bytes of its storage, where it stands in row-major order. Errors: E0338 another number of bytes,
/// beyond them, or not in a row.
Expected<TensorInfo> in_storage(const Placed& tensor, std::span<const std::byte> storage, const std::string& path);

/// The tensors of a checkpoint in a whole file in memory, in the order of the state dict; several may share bytes, as
/// tied weights do. What does not stand in row-major order, as a transposed view, is copied. Errors: E0336..E0339.
Expected<ParsedSafeTensors> parse(std::span<const std::byte> file, const std::string& path);

/// What torch.save takes here: dicts of dicts, texts, numbers and tensors.
struct Stored {
  DType dtype = DType::F32;  ///< one that has_storage
  Shape shape;
  std::vector<std::byte> bytes;  ///< row-major
};
struct Entry;
using Dict = std::vector<Entry>;
using Value = std::variant<std::string, std::int64_t, Stored, Dict>;
struct Entry {
  std::string key;
  Value value;
};

/// Whether tensors of the dtype can be written, and what is read has one of these.
bool has_storage(DType dtype);

/// The archive that torch.save makes of the dict, and further entries of text, which torch.load does not look at, under
/// their names. Equal for equal content.
std::vector<std::byte> archive_of(const Dict& dict, const std::string& folder,
                                  const std::vector<std::pair<std::string, std::string>>& further = {});

}  // namespace hallmark::pytorch
