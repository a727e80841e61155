#include "io/pytorch.hpp"

#include <fmt/format.h>

#include <optional>

#include "base/error_numbers.hpp"
#include "io/utf8.hpp"

namespace hallmark::pytorch {
namespace {

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

/// Whether the elements stand one behind the other in row-major order.
bool dense(const Placed& tensor) {
  std::uint64_t expected = 1;
  for (std::size_t k = tensor.shape.size(); k-- > 0; expected *= tensor.shape[k])
    if (tensor.shape[k] != 1 && tensor.strides[k] != expected) return false;
  return true;
}

}  // namespace

Expected<TensorInfo> in_storage(const Placed& tensor, std::span<const std::byte> storage, const std::string& path) {
  const std::uint64_t bytes = dtype_bits(tensor.dtype) / 8;  // all dtypes of storages have whole bytes
  if (storage.size() / bytes != tensor.storage_count || storage.size() % bytes != 0)
    return misplaced(
        path, tensor, "a storage has another size than the pickle says",
        fmt::format("{} bytes, by the pickle {} elements of {}", storage.size(), tensor.storage_count, bytes));
  const std::optional<std::uint64_t> reach = extent(tensor);
  if (!reach || *reach > tensor.storage_count || tensor.offset > tensor.storage_count - *reach)
    return misplaced(path, tensor, "a tensor reaches beyond its storage",
                     fmt::format("it has {} elements", tensor.storage_count));
  if (*reach == 0) return TensorInfo{std::string(tensor.name), tensor.dtype, tensor.shape, storage.first(0)};
  if (!dense(tensor))
    return misplaced(path, tensor, "a tensor whose elements do not stand in a row", "a transposed or expanded view",
                     "save a copy of it: {name: t.contiguous() for name, t in model.state_dict().items()}");
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
  std::uint64_t bytes = 0;  // below 2^24 tensors, each within the file
  for (const Placed& tensor : *tensors) {
    const auto storage = stored->find("data/" + std::string(tensor.storage));
    if (storage == stored->end()) return misplaced(path, tensor, "a storage is not in the archive", "no entry");
    Expected<TensorInfo> info = in_storage(tensor, storage->second, path);
    if (!info) return info.error();
    bytes += info->data.size();
    if (bytes / most_shares > file.size())
      return misplaced(path, tensor, "the tensors share their storages too often",
                       fmt::format("up to it they have {} bytes, the file {}", bytes, file.size()));
    parsed.tensors.push_back(*std::move(info));
  }
  return parsed;
}

}  // namespace hallmark::pytorch
