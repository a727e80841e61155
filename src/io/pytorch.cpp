#include "io/pytorch.hpp"

#include <fmt/format.h>

#include <optional>

#include "base/error_numbers.hpp"
#include "io/pytorch_strides.hpp"
#include "io/utf8.hpp"

namespace hallmark::pytorch {
namespace {

constexpr const char* save_a_copy =
    "save a copy of it: {name: t.contiguous() for name, t in model.state_dict().items()}";

Error misplaced(const std::string& path, const Placed& tensor, std::string what, const std::string& where,
                std::string hint = "get the file again, or write it again with torch.save") {
  return {Exit::input, error_number::pytorch_tensor, std::move(what),
          fmt::format("{}: tensor '{}' of shape {} and strides {} at {} of storage '{}': {}", path,
                      printable(tensor.name), shape_text(tensor.shape), shape_text(tensor.strides), tensor.offset,
                      printable(tensor.storage), where),
          std::move(hint)};
}

/// The elements from the first to behind the last: 1 + sum of (size - 1) stride, or 0 where there are none; none where
/// it leaves 64 bits, as the number of elements may too.
std::optional<std::uint64_t> extent(const Placed& tensor) {
  std::uint64_t reach = 1, count = 1;
  for (std::size_t k = 0; k < tensor.shape.size(); ++k) {
    std::uint64_t step = 0;
    if (tensor.shape[k] == 0) return 0;
    if (__builtin_mul_overflow(tensor.shape[k] - 1, tensor.strides[k], &step) ||
        __builtin_add_overflow(reach, step, &reach) || __builtin_mul_overflow(count, tensor.shape[k], &count))
      return std::nullopt;
  }
  return reach;
}

/// The extent of a tensor that lies in its storage, which has the bytes that the pickle says. Errors: E0338.
Expected<std::uint64_t> extent_in(std::span<const std::byte> storage, const Placed& tensor, const std::string& path) {
  const std::uint64_t bytes = dtype_bits(tensor.dtype) / 8;  // all dtypes of storages have whole bytes
  if (storage.size() / bytes != tensor.storage_count || storage.size() % bytes != 0)
    return misplaced(
        path, tensor, "a storage has another size than the pickle says",
        fmt::format("{} bytes, by the pickle {} elements of {}", storage.size(), tensor.storage_count, bytes));
  const std::optional<std::uint64_t> reach = extent(tensor);
  if (!reach || *reach > tensor.storage_count || tensor.offset > tensor.storage_count - *reach)
    return misplaced(path, tensor, "a tensor reaches beyond its storage",
                     fmt::format("it has {} elements", tensor.storage_count));
  return *reach;
}

/// Tensors in another order than row-major. How many bytes they are is known before the first of them is copied.
class Copies {
 public:
  explicit Copies(std::uint64_t file_bytes) : file_bytes_(file_bytes) {}

  /// Plans a copy of a tensor that lies in its storage. Until make() it is a view of as many bytes. It becomes number
  /// `place` of the list. Errors: E0338.
  Expected<TensorInfo> add(const Placed& tensor, std::span<const std::byte> storage, std::size_t place,
                           const std::string& path) {
    if (!apart(tensor))
      return misplaced(path, tensor, "a tensor whose elements may share their places",
                       "an expanded, overlapping or interleaved view", save_a_copy);
    const std::uint64_t size = element_count(tensor.shape) * (dtype_bits(tensor.dtype) / 8);  // at most the storage's
    bytes_ += size;
    if (bytes_ / most_copies > file_bytes_)
      return misplaced(path, tensor, "too many tensors do not stand in a row",
                       fmt::format("up to it they have {} bytes, the file {}", bytes_, file_bytes_), save_a_copy);
    planned_.push_back({&tensor, storage, place, size});
    return TensorInfo{std::string(tensor.name), tensor.dtype, tensor.shape, storage.first(size)};
  }
  /// Makes the copies, and the tensors views of them.
  AnonymousMap make(std::vector<TensorInfo>& tensors) const {
    AnonymousMap memory(bytes_);
    std::span<std::byte> left = memory.bytes();
    for (const Planned& one : planned_) {
      gather(*one.tensor, one.storage, left);
      tensors[one.place].data = left.first(one.size);
      left = left.subspan(one.size);
    }
    return memory;
  }

 private:
  struct Planned {
    const Placed* tensor;
    std::span<const std::byte> storage;
    std::size_t place;
    std::uint64_t size;
  };
  std::uint64_t file_bytes_, bytes_ = 0;
  std::vector<Planned> planned_;
};

}  // namespace

Expected<TensorInfo> in_storage(const Placed& tensor, std::span<const std::byte> storage, const std::string& path) {
  const Expected<std::uint64_t> reach = extent_in(storage, tensor, path);
  if (!reach) return reach.error();
  if (*reach == 0) return TensorInfo{std::string(tensor.name), tensor.dtype, tensor.shape, storage.first(0)};
  if (!dense(tensor))
    return misplaced(path, tensor, "a tensor whose elements do not stand in a row", "a transposed or expanded view",
                     save_a_copy);
  const std::uint64_t bytes = dtype_bits(tensor.dtype) / 8;
  return TensorInfo{std::string(tensor.name), tensor.dtype, tensor.shape,
                    storage.subspan(tensor.offset * bytes, *reach * bytes)};
}

Expected<ParsedSafeTensors> parse(std::span<const std::byte> file, const std::string& path) {
  const auto stored = parse_archive(file, path);
  if (!stored) return stored.error();
  const auto missing = [&](std::string what, const std::string& entry) {
    return Error{Exit::input, error_number::pytorch_archive, std::move(what), path + ": " + entry,
                 "get the file again, or write it again with torch.save"};
  };
  const auto pickle = stored->find("data.pkl");
  if (pickle == stored->end()) return missing("an archive without a state dict", "no data.pkl");
  if (const auto order = stored->find("byteorder"); order != stored->end())
    if (std::string_view(reinterpret_cast<const char*>(order->second.data()), order->second.size()) != "little")
      return missing("the numbers are in another byte order", "byteorder is not 'little'");
  const auto tensors = parse_state_dict(pickle->second, path);
  if (!tensors) return tensors.error();
  ParsedSafeTensors parsed;
  Copies copies(file.size());
  std::uint64_t bytes = 0;  // below 2^24 tensors, each within the file
  for (const Placed& tensor : *tensors) {
    const auto storage = stored->find("data/" + std::string(tensor.storage));
    if (storage == stored->end()) return misplaced(path, tensor, "a storage is not in the archive", "no entry");
    const Expected<std::uint64_t> reach = extent_in(storage->second, tensor, path);
    if (!reach) return reach.error();
    Expected<TensorInfo> info = *reach == 0 || dense(tensor)
                                    ? in_storage(tensor, storage->second, path)
                                    : copies.add(tensor, storage->second, parsed.tensors.size(), path);
    if (!info) return info.error();
    bytes += info->data.size();
    if (bytes / most_shares > file.size())
      return misplaced(path, tensor, "the tensors share their storages too often",
                       fmt::format("up to it they have {} bytes, the file {}", bytes, file.size()));
    parsed.tensors.push_back(*std::move(info));
  }
  parsed.copies = copies.make(parsed.tensors);
  return parsed;
}

}  // namespace hallmark::pytorch
