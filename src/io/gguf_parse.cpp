#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <set>

#include "base/error_numbers.hpp"
#include "io/gguf.hpp"
#include "io/utf8.hpp"

namespace hallmark::gguf {
namespace {

using namespace error_number;

// Types of metadata, in the order of their numbers; 0 bytes for those whose length is in the file.
enum ValueType : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };
constexpr std::array<std::uint64_t, 13> value_bytes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

// Reads from the front. It keeps the first fault; after it everything is empty or 0.
class Reader {
 public:
  Reader(std::span<const std::byte> file, const std::string& path) : file_(file), path_(path) {}

  template <class T>
  T number(const char* what) {
    const std::span<const std::byte> bytes = take(sizeof(T), what);
    T value{};
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  std::string_view text(const char* what) {
    const auto length = number<std::uint64_t>(what);
    const std::span<const std::byte> bytes = take(length, what);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  /// A number of things that take at least so many bytes each.
  std::uint64_t count(std::uint64_t least_bytes, const char* what) {
    const auto declared = number<std::uint64_t>(what);
    if (declared <= left() / least_bytes) return declared;
    truncated(what, fmt::format("{} of them are declared, {} bytes are left", declared, left()));
    return 0;
  }
  std::span<const std::byte> take(std::uint64_t size, const char* what) {
    if (fault) return {};
    if (size > left()) {
      truncated(what, fmt::format("{} bytes are declared, {} are left", size, left()));
      return {};
    }
    const auto bytes = file_.subspan(position_, static_cast<std::size_t>(size));
    position_ += bytes.size();
    return bytes;
  }
  /// The padding up to a multiple of the alignment, of zeros.
  void skip_padding(std::uint64_t alignment) {
    for (const std::byte byte : take(padded(position_, alignment) - position_, "padding"))
      if (byte != std::byte{0}) return fail(gguf_layout, "padding is not 0", fmt::format("before byte {}", position_));
  }

  void fail(int number, std::string what, const std::string& where) {
    if (!fault)
      fault =
          Error{Exit::input, number, std::move(what), path_ + ": " + where, "get the file again, or export it again"};
  }
  std::uint64_t left() const { return file_.size() - position_; }

  std::optional<Error> fault;

 private:
  void truncated(const char* what, const std::string& where) {
    fail(gguf_truncated, "the file ends before what it declares",
         fmt::format("{} at byte {}: {}", what, position_, where));
  }

  std::span<const std::byte> file_;
  const std::string& path_;
  std::size_t position_ = 0;
};

// Values of a known size, of which only booleans can be wrong.
void skip_plain(Reader& reader, std::uint32_t type, std::uint64_t count, const std::string& key) {
  const auto bytes = reader.take(count * value_bytes[type], "a value");
  if (type == boolean && std::ranges::any_of(bytes, [](std::byte b) { return b > std::byte{1}; }))
    reader.fail(gguf_value, "a boolean is neither 0 nor 1", fmt::format("key '{}'", key));
}

void skip_array(Reader& reader, const std::string& key) {
  const auto type = reader.number<std::uint32_t>("the type of an array");
  if (!reader.fault && (type >= value_bytes.size() || type == array))
    return reader.fail(gguf_value, "an array of an unknown type, or of arrays",
                       fmt::format("key '{}': type {}", key, type));
  if (reader.fault) return;
  const std::uint64_t count = reader.count(type == string ? 8 : value_bytes[type], "entries of an array");
  if (type != string) return skip_plain(reader, type, count, key);
  for (std::uint64_t i = 0; i < count && !reader.fault; ++i) reader.text("a string of an array");
}

/// What the metadata say to the reader: strings go into `strings`, the result is the alignment.
std::uint64_t read_metadata(Reader& reader, std::uint64_t count, std::map<std::string, std::string>& strings) {
  std::uint64_t alignment = default_alignment;
  std::set<std::string_view> keys;
  for (std::uint64_t i = 0; i < count && !reader.fault; ++i) {
    const std::string_view name = reader.text("a key");
    if (reader.fault) break;
    const std::string key = printable(name);
    if (!usable_name(name, max_key))
      reader.fail(gguf_name, "a key that cannot be one", fmt::format("key {}: '{}'", i, key));
    if (!keys.insert(name).second) reader.fail(gguf_twice, "a key stands twice", fmt::format("'{}'", key));
    const auto type = reader.number<std::uint32_t>("the type of a value");
    if (type >= value_bytes.size())
      reader.fail(gguf_value, "a value of an unknown type", fmt::format("key '{}': type {}", key, type));
    if (reader.fault) break;
    if (name == "general.alignment") {
      alignment = type == u32 ? reader.number<std::uint32_t>("the alignment") : 0;
      if (!std::has_single_bit(alignment)) {
        reader.fail(gguf_value, "the alignment is no power of two of type u32",
                    fmt::format("type {}, {}", type, alignment));
        alignment = default_alignment;
      }
    } else if (type == string) {
      const std::string_view value = reader.text("a string");
      if (find_invalid_utf8(value)) reader.fail(gguf_value, "a string is not UTF-8", fmt::format("key '{}'", key));
      strings.emplace(name, value);
    } else if (type == array) {
      skip_array(reader, key);
    } else {
      skip_plain(reader, type, 1, key);
    }
  }
  return alignment;
}

// One entry of the table, whose data begin at `offset` of the data section; their size.
std::uint64_t read_entry(Reader& reader, std::uint64_t offset, Tensor& tensor) {
  tensor.name = reader.text("a tensor's name");
  const std::string name = printable(tensor.name);
  const auto rank = reader.number<std::uint32_t>("a tensor's rank");
  if (!reader.fault && !usable_name(tensor.name, max_name))
    reader.fail(gguf_name, "a name that no tensor can have", fmt::format("'{}', {} bytes", name, tensor.name.size()));
  if (!reader.fault && (rank == 0 || rank > max_dims))
    reader.fail(gguf_tensor, "a tensor has no dimension or too many", fmt::format("'{}': {}", name, rank));
  for (std::uint32_t i = 0; i < rank && !reader.fault; ++i)
    tensor.dims.push_back(reader.number<std::uint64_t>("a dimension"));
  const auto type = reader.number<std::uint32_t>("a tensor's type");
  const auto declared = reader.number<std::uint64_t>("a tensor's offset");
  if (reader.fault) return 0;
  tensor.type = static_cast<Type>(type);
  if (info_of(tensor.type).numbers == 0) {
    reader.fail(gguf_tensor, "a tensor of a type that Hallmark does not read",
                fmt::format("'{}': type {}", name, type));
    return 0;
  }
  const Expected<std::uint64_t> bytes = tensor_bytes(tensor);
  if (!bytes) {
    reader.fail(gguf_tensor, bytes.error().what, bytes.error().where);
    return 0;
  }
  if (declared != offset)
    reader.fail(gguf_layout, "a tensor does not begin where the one before ends",
                fmt::format("'{}': at {}, expected at {}", name, declared, offset));
  return *bytes;
}

}  // namespace

bool is_gguf(std::span<const std::byte> file) { return file.size() >= 4 && std::memcmp(file.data(), "GGUF", 4) == 0; }

Expected<Parsed> parse(std::span<const std::byte> file, const std::string& path) {
  Reader reader(file, path);
  Parsed parsed;
  if (!is_gguf(reader.take(4, "the magic"))) reader.fail(gguf_version, "not a GGUF file", "it begins otherwise");
  const auto version = reader.number<std::uint32_t>("the version");
  if (version != 3)
    reader.fail(gguf_version, "not version 3 of GGUF, or of the other byte order", fmt::format("version {}", version));
  // The least: a name of one byte, its length, rank, type and offset; of metadata a key of one byte and a byte.
  const std::uint64_t tensors = reader.count(25, "tensors"), entries = reader.count(14, "metadata");
  const std::uint64_t alignment = read_metadata(reader, entries, parsed.strings);
  std::vector<std::uint64_t> sizes;
  std::uint64_t offset = 0;  // below 2^63: the sizes are below 2^48, and 25 bytes of the file are there for each
  for (std::uint64_t i = 0; i < tensors && !reader.fault; ++i) {
    sizes.push_back(read_entry(reader, offset, parsed.tensors.emplace_back()));
    offset += padded(sizes.back(), alignment);
    if (offset > file.size())
      reader.fail(gguf_truncated, "the file ends before what it declares",
                  fmt::format("'{}' ends at {} of the data", printable(parsed.tensors.back().name), offset));
  }
  std::set<std::string_view> names;
  for (const Tensor& tensor : parsed.tensors)
    if (!names.insert(tensor.name).second)
      reader.fail(gguf_twice, "two tensors have one name", fmt::format("'{}'", printable(tensor.name)));
  reader.skip_padding(alignment);
  for (std::size_t i = 0; i < sizes.size() && !reader.fault; ++i) {
    parsed.tensors[i].data = reader.take(sizes[i], "a tensor");
    reader.skip_padding(alignment);
  }
  if (reader.left() != 0) reader.fail(gguf_layout, "bytes after the last tensor", fmt::format("{}", reader.left()));
  if (reader.fault) return *reader.fault;
  return parsed;
}

}  // namespace hallmark::gguf
