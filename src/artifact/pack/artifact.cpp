#include "artifact/pack/artifact.hpp"

#include <fmt/format.h>

#include <cstring>

#include "base/error_numbers.hpp"
#include "io/sha256.hpp"
#include "io/utf8.hpp"

namespace hallmark::pack {

namespace {

constexpr std::string_view magic = "hallpak1";  // with the version
constexpr std::size_t digest_size = 32, prefix_size = magic.size() + digest_size;
constexpr std::size_t entry_size = 1 + 1 + 8 + 8;

template <class T>
void append(T value, Bytes& to) {
  const auto* first = reinterpret_cast<const std::byte*>(&value);
  to.insert(to.end(), first, first + sizeof value);
}

// Precondition: there are as many bytes.
template <class T>
T take(std::span<const std::byte>& from) {
  T value;
  std::memcpy(&value, from.data(), sizeof value);
  from = from.subspan(sizeof value);
  return value;
}

Bytes raw_digest(std::span<const std::byte> bytes) {
  const std::string hex = sha256_hex(bytes);
  Bytes digest(digest_size);
  for (std::size_t i = 0; i < digest_size; ++i)
    digest[i] = static_cast<std::byte>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  return digest;
}

// What the directory says of the tensors, behind the container's head.
Bytes directory_of(const Contents& contents) {
  Bytes directory = contents.head;
  for (const PackedTensor& tensor : contents.tensors) {
    append(tensor.compressor->id, directory);
    append(tensor.form.bits, directory);
    append(tensor.form.columns, directory);
    append(std::uint64_t{tensor.data.size()}, directory);
  }
  return directory;
}

Error malformed(const std::string& path, std::string where) {
  return {Exit::input, error_number::artifact_malformed, "not an artifact of `hallmark pack`, or a damaged one",
          path + ": " + std::move(where), "get the file again, or pack the container again"};
}

std::uint64_t most_bytes(std::uint64_t artifact) { return free_bytes + largest_ratio * artifact; }

}  // namespace

Expected<Bytes> artifact_bytes(const Contents& contents) {
  const Expected<PackedTensor> directory = pack_tensor(directory_of(contents), DType::U8, {});
  if (!directory) return directory.error();
  Bytes file(prefix_size);
  std::memcpy(file.data(), magic.data(), magic.size());
  append(std::uint64_t{contents.head.size()}, file);
  append(std::uint64_t{contents.tensors.size()}, file);
  append(directory->compressor->id, file);
  append(std::uint64_t{directory->data.size()}, file);
  file.insert(file.end(), directory->data.begin(), directory->data.end());
  for (const PackedTensor& tensor : contents.tensors) file.insert(file.end(), tensor.data.begin(), tensor.data.end());
  const Bytes digest = raw_digest(std::span(file).subspan(prefix_size));
  std::ranges::copy(digest, file.begin() + magic.size());

  const Expected<SafeTensorsLayout> layout = parse_layout(contents.head, "container");
  if (!layout) return layout.error();
  if (const std::uint64_t bytes = contents.head.size() + layout->bytes; bytes > most_bytes(file.size()))
    return Error{Exit::infeasible, error_number::plan_size, "the container would pack into next to nothing",
                 fmt::format("{} bytes into {}: readers take more than {} for a trap", bytes, file.size(),
                             most_bytes(file.size())),
                 "keep the container, which holds nearly nothing but repetitions"};
  return file;
}

Expected<Parsed> parse_artifact(std::span<const std::byte> file, const std::string& path) {
  constexpr std::size_t fixed = prefix_size + 8 + 8 + 1 + 8;
  if (file.size() < fixed) return malformed(path, fmt::format("{} bytes, it has at least {}", file.size(), fixed));
  if (std::memcmp(file.data(), magic.data(), magic.size()) != 0)
    return malformed(path, fmt::format("it does not begin with '{}'", magic));
  const std::span<const std::byte> stored = file.subspan(magic.size(), digest_size);
  std::span<const std::byte> rest = file.subspan(prefix_size);
  if (!std::ranges::equal(stored, raw_digest(rest)))
    return Error{Exit::mismatch, error_number::payload_digest, "the artifact is not the one that was written",
                 fmt::format("{}: its {} bytes have another SHA-256 than it says", path, file.size()),
                 "get the file again, or pack the container again"};
  const auto head = take<std::uint64_t>(rest), count = take<std::uint64_t>(rest);
  const Compressor* const compressor = find_compressor(take<std::uint8_t>(rest));
  const auto size = take<std::uint64_t>(rest);
  if (head < 8 || head > 8 + max_header_bytes || count > max_tensors || compressor == nullptr || size > rest.size())
    return malformed(path, fmt::format("a head of {} bytes, {} tensors, a directory of {}", head, count, size));
  const std::uint64_t length = head + count * entry_size;
  if (length > most_bytes(file.size()))
    return malformed(path, fmt::format("{} bytes of a directory in a file of {}", length, file.size()));
  std::optional<Bytes> directory = unpack_tensor(*compressor, {}, DType::U8, length, rest.first(size));
  if (!directory) return malformed(path, fmt::format("a directory that {} did not write", compressor->name));
  rest = rest.subspan(size);

  Parsed parsed;
  parsed.head.assign(directory->begin(), directory->begin() + static_cast<std::ptrdiff_t>(head));
  Expected<SafeTensorsLayout> layout = parse_layout(parsed.head, path);
  if (!layout) return layout.error();
  parsed.layout = *std::move(layout);
  if (parsed.layout.tensors.size() != count)
    return malformed(path, fmt::format("{} tensors, in the head {}", count, parsed.layout.tensors.size()));
  if (head + parsed.layout.bytes > most_bytes(file.size()))
    return malformed(path,
                     fmt::format("{} bytes of a container in a file of {}", head + parsed.layout.bytes, file.size()));
  std::span<const std::byte> entries = std::span(*directory).subspan(head);
  for (std::uint64_t i = 0; i < count; ++i) {
    Parsed::Tensor tensor{find_compressor(take<std::uint8_t>(entries)), {}, {}};
    tensor.form.bits = take<std::uint8_t>(entries);
    tensor.form.columns = take<std::uint64_t>(entries);
    const auto bytes = take<std::uint64_t>(entries);
    if (tensor.compressor == nullptr || bytes > rest.size())
      return malformed(path, fmt::format("tensor {}: {} bytes of data, {} are left", i, bytes, rest.size()));
    tensor.data = rest.first(bytes);
    rest = rest.subspan(bytes);
    parsed.tensors.push_back(tensor);
  }
  if (!rest.empty()) return malformed(path, fmt::format("{} bytes after the last tensor", rest.size()));
  return parsed;
}

Expected<Bytes> tensor_of(const Parsed& artifact, std::size_t i, const std::string& path) {
  const Parsed::Tensor& packed = artifact.tensors[i];
  const SafeTensorsLayout::Tensor& tensor = artifact.layout.tensors[i];
  std::optional<Bytes> bytes =
      unpack_tensor(*packed.compressor, packed.form, tensor.plan.dtype, tensor.bytes, packed.data);
  if (bytes) return *std::move(bytes);
  return Error{Exit::input, error_number::artifact_data, "data that their compressor did not write",
               fmt::format("{}: tensor '{}': {}, {} bytes for {}", path, printable(tensor.plan.name),
                           packed.compressor->name, packed.data.size(), tensor.bytes),
               "get the file again, or pack the container again"};
}

}  // namespace hallmark::pack
