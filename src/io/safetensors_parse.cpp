// The checks of docs/file-format.md in their order: length, text, structure (one pass of a SAX parser, which sees the
// duplicate keys that a document tree would swallow), then names, sizes and ranges.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

#include "base/error_numbers.hpp"
#include "io/safetensors_layout.hpp"
#include "io/utf8.hpp"

namespace hallmark {

namespace {

using json = nlohmann::json;

struct Entry {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
  std::array<std::uint64_t, 2> offsets{};  // begin, end
};

/// {"__metadata__": {string: string}, name: {"dtype": D, "shape": [uint...], "data_offsets": [begin, end]}, ...}
class HeaderReader : public nlohmann::json_sax<json> {
 public:
  explicit HeaderReader(const std::string& path) : path_(path) {}

  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;
  std::optional<Error> error;

  bool null() override { return scalar("null"); }
  bool boolean(bool) override { return scalar("a truth value"); }
  bool number_integer(number_integer_t value) override { return bad_number(fmt::format("{}", value)); }
  bool number_float(number_float_t, const string_t& text) override { return bad_number(text); }
  bool binary(binary_t&) override { return scalar("binary data"); }  // JSON has none

  bool number_unsigned(number_unsigned_t value) override {
    if (at_ == At::shape) {
      if (entries.back().shape.size() == max_rank)
        return fail(error_number::rank_too_large, "a tensor has too many dimensions",
                    fmt::format("tensor '{}': more than {}", entry(), max_rank));
      entries.back().shape.push_back(value);
      return true;
    }
    if (at_ == At::offsets) {
      if (offset_count_ == 2) return wrong_offsets();
      entries.back().offsets[offset_count_++] = value;
      return true;
    }
    return scalar("a number");
  }

  bool string(string_t& value) override {
    if (at_ == At::metadata) {
      metadata[key_] = value;
      return true;
    }
    if (at_ != At::tensor || key_ != "dtype") return scalar("a string");
    Expected<DType> dtype = parse_dtype(value);
    if (!dtype)
      return fail(dtype.error().number, dtype.error().what, fmt::format("tensor '{}': '{}'", entry(), printable(value)),
                  dtype.error().hint);
    entries.back().dtype = *dtype;
    return true;
  }

  bool start_object(std::size_t) override {
    if (at_ == At::outside) {
      at_ = At::header;
      return true;
    }
    if (at_ != At::header) return nesting("an object");
    fields_seen_ = 0;
    if (key_ == "__metadata__") {
      at_ = At::metadata;
      return true;
    }
    at_ = At::tensor;
    if (entries.size() == max_tensors)
      return fail(error_number::too_many_tensors, "too many tensors", fmt::format("more than {}", max_tensors));
    entries.emplace_back().name = key_;
    return true;
  }

  bool key(string_t& name) override {
    bool fresh = true;
    if (at_ == At::tensor) {
      const auto field = std::ranges::find(fields, name);
      if (field == fields.end())
        return fail(error_number::header_field, "a tensor has an unknown field",
                    fmt::format("tensor '{}': '{}'", entry(), printable(name)));
      const unsigned bit = 1U << (field - fields.begin());
      fresh = (fields_seen_ & bit) == 0;
      fields_seen_ |= bit;
    } else {
      fresh = (at_ == At::header ? names_ : metadata_keys_).insert(name).second;
    }
    if (!fresh)
      return fail(error_number::header_duplicate_key, "a name occurs twice in the header",
                  at_ == At::tensor ? fmt::format("tensor '{}': field '{}'", entry(), printable(name))
                                    : fmt::format("'{}'", printable(name)));
    if (at_ == At::header && !valid_name(name))
      return fail(error_number::name_invalid, "a tensor has an unusable name",
                  fmt::format("'{}', {} bytes; names have 1 to {} bytes and no control characters", printable(name),
                              name.size(), max_name_bytes));
    key_ = std::move(name);
    return true;
  }

  bool end_object() override {
    if (at_ == At::tensor) {
      for (std::size_t i = 0; i < fields.size(); ++i)
        if ((fields_seen_ >> i & 1) == 0)
          return fail(error_number::header_field, "a tensor lacks a field",
                      fmt::format("tensor '{}': no '{}'", entry(), fields[i]));
    }
    at_ = at_ == At::header ? At::outside : At::header;
    return true;
  }

  bool start_array(std::size_t) override {
    if (at_ != At::tensor || key_ == "dtype") return nesting("an array");
    at_ = key_ == "shape" ? At::shape : At::offsets;
    offset_count_ = 0;
    return true;
  }

  bool end_array() override {
    if (at_ == At::offsets && offset_count_ != 2) return wrong_offsets();
    at_ = At::tensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string& token, const json::exception&) override {
    return fail(error_number::header_not_json, "the header is not JSON",
                fmt::format("near byte {} of the header, after '{}'", position, printable(token)));
  }

 private:
  static constexpr std::array<std::string_view, 3> fields{"dtype", "shape", "data_offsets"};
  enum class At { outside, header, metadata, tensor, shape, offsets };

  static bool valid_name(std::string_view name) {
    return !name.empty() && name.size() <= max_name_bytes &&
           std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  }

  bool fail(int number, std::string what, std::string where,
            std::string hint = "the file is damaged or not written by a conforming program: get it again") {
    error = Error{Exit::input, number, std::move(what), path_ + ": " + where, std::move(hint)};
    return false;
  }

  bool wrong_offsets() {
    return fail(error_number::header_field, "data_offsets are not two numbers",
                fmt::format("tensor '{}': wants [begin, end]", entry()));
  }

  bool bad_number(const std::string& text) {
    if (at_ != At::shape && at_ != At::offsets) return scalar("a number");
    return fail(error_number::header_integer, "a size is not an unsigned integer of 64 bits",
                fmt::format("tensor '{}': '{}' in '{}'", entry(), printable(text), key_));
  }

  bool scalar(std::string_view found) {
    if (at_ == At::metadata || (at_ == At::header && key_ == "__metadata__"))
      return fail(error_number::header_metadata, "__metadata__ is not an object of strings",
                  fmt::format("'{}' is {}", printable(key_), found));
    return fail(error_number::header_field, "a value of the wrong type in the header",
                at_ == At::header ? fmt::format("tensor '{}' is {}", printable(key_), found)
                                  : fmt::format("tensor '{}': '{}' is or holds {}", entry(), printable(key_), found));
  }

  bool nesting(std::string_view found) {
    if (at_ == At::metadata || (at_ == At::header && key_ == "__metadata__")) return scalar(found);
    return fail(error_number::header_nesting, "the header is nested where the format is not",
                fmt::format("{} under '{}'", found, printable(key_)));
  }

  std::string entry() const { return entries.empty() ? printable(key_) : printable(entries.back().name); }

  const std::string& path_;
  At at_ = At::outside;
  std::string key_;
  std::size_t offset_count_ = 0;
  unsigned fields_seen_ = 0;  // bit i: fields[i]
  std::unordered_set<std::string> names_, metadata_keys_;
};

constexpr std::string_view damaged = "the file is damaged or not written by a conforming program: get it again";

Error malformed(const std::string& path, int number, std::string what, std::string where) {
  return {Exit::input, number, std::move(what), path + ": " + where, std::string(damaged)};
}

/// The first 8 bytes. Integers and tensors are little-endian, as is every machine that this library is built for.
std::uint64_t declared_length(std::span<const std::byte> file) {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof length);
  return length;
}

// What to do with a file that begins like one of another program.
std::string hint_for(std::span<const std::byte> file) {
  const std::string_view begin(reinterpret_cast<const char*>(file.data()), 4);
  if (begin.starts_with("PK\x03\x04"))
    return "a checkpoint of PyTorch: hallmark import FILE --output OUT writes it as safetensors";
  if (begin.starts_with("\x80\x02"))
    return "a checkpoint of PyTorch before 1.6: torch.save(torch.load(FILE, weights_only=True), OUT) of a later one "
           "writes what is read here";
  return std::string(damaged);
}

/// Length and text of the header.
Expected<std::string_view> header_text(std::span<const std::byte> file, const std::string& path) {
  using namespace error_number;
  if (file.size() < 8)
    return malformed(path, header_too_small, "too short for a safetensors file",
                     fmt::format("{} bytes, the header length alone takes 8", file.size()));
  const std::uint64_t length = declared_length(file);
  if (length > max_header_bytes)
    return Error{Exit::input, header_too_large, "the header is too large, or this is no safetensors file",
                 fmt::format("{}: declared {} bytes, the limit is {}", path, length, max_header_bytes), hint_for(file)};
  if (length > file.size() - 8)
    return malformed(
        path, header_truncated, "the file is truncated inside the header",
        fmt::format("the header needs {} bytes, the file has {} after the length", length, file.size() - 8));
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + 8, length);
  if (const auto bad = find_invalid_utf8(text))
    return malformed(path, header_not_utf8, "the header is not UTF-8", fmt::format("at byte {} of the header", *bad));
  if (!text.starts_with('{'))
    return malformed(path, header_start, "the header does not begin with {",
                     text.empty() ? "the header is empty" : fmt::format("it begins with byte {:#04x}", text[0] & 0xFF));
  const std::string_view object = text.substr(0, text.find_last_not_of(' ') + 1);
  // The JSON parser takes a zero byte for the end of its input and would not look at what follows.
  const std::size_t zero = object.find('\0');
  if (!object.ends_with('}') || zero != std::string_view::npos)
    return malformed(path, header_end, "the header ends in something else than } and spaces",
                     fmt::format("at byte {} of the header", std::min(zero, object.size() - 1)));
  return object;
}

/// Bytes of the tensor by its dtype and shape, multiplied left to right as the reference does (a later 0 does not
/// excuse an earlier overflow).
Expected<std::uint64_t> declared_bytes(const Entry& entry, const std::string& path) {
  using namespace error_number;
  const auto where = [&] {
    return fmt::format("tensor '{}': shape {}, {} bits each", printable(entry.name), shape_text(entry.shape),
                       dtype_bits(entry.dtype));
  };
  for (const std::uint64_t dimension : entry.shape)
    if (dimension > max_size) return malformed(path, size_too_large, "a size is beyond 48 bits", where());
  std::uint64_t bits = 1;
  for (const std::uint64_t dimension : entry.shape)
    if (__builtin_mul_overflow(bits, dimension, &bits))
      return malformed(path, size_overflow, "the tensor's size overflows", where());
  if (__builtin_mul_overflow(bits, std::uint64_t{dtype_bits(entry.dtype)}, &bits))
    return malformed(path, size_overflow, "the tensor's size overflows", where());
  if (bits % 8 != 0) return malformed(path, size_bits, "the tensor does not fill whole bytes", where());
  return bits / 8;
}

// Reads the header; entries by offset, whose ranges follow each other and have the sizes of their shapes.
Status read_header(std::span<const std::byte> file, HeaderReader& reader, const std::string& path) {
  using namespace error_number;
  Expected<std::string_view> text = header_text(file, path);
  if (!text) return text.error();
  if (!json::sax_parse(text->begin(), text->end(), &reader)) return *reader.error;

  std::vector<Entry>& entries = reader.entries;
  for (const Entry& entry : entries)
    for (const std::uint64_t offset : entry.offsets)
      if (offset > max_size)
        return malformed(path, size_too_large, "an offset is beyond 48 bits",
                         fmt::format("tensor '{}': {}", printable(entry.name), offset));
  std::ranges::stable_sort(entries, {}, &Entry::offsets);
  std::uint64_t end = 0;
  for (const Entry& entry : entries) {
    const std::uint64_t begin = entry.offsets[0], stop = entry.offsets[1];
    const auto where = [&] {
      return fmt::format("tensor '{}': bytes {} to {}, the one before ends at {}", printable(entry.name), begin, stop,
                         end);
    };
    if (begin > stop) return malformed(path, range_reversed, "a tensor ends before it begins", where());
    if (begin > end) return malformed(path, range_hole, "bytes that belong to no tensor", where());
    if (begin < end) return malformed(path, range_overlap, "two tensors share bytes", where());
    end = stop;
  }
  for (const Entry& entry : entries) {
    const Expected<std::uint64_t> bytes = declared_bytes(entry, path);
    if (!bytes) return bytes.error();
    const std::uint64_t range = entry.offsets[1] - entry.offsets[0];
    if (*bytes != range)
      return malformed(
          path, size_mismatch, "shape and dtype disagree with the byte range",
          fmt::format("tensor '{}': {} of shape {} takes {} bytes, data_offsets give {}", printable(entry.name),
                      dtype_name(entry.dtype), shape_text(entry.shape), *bytes, range));
  }
  return ok();
}

std::uint64_t end_of(const std::vector<Entry>& entries) { return entries.empty() ? 0 : entries.back().offsets[1]; }

}  // namespace

Expected<SafeTensorsLayout> parse_layout(std::span<const std::byte> head, const std::string& path) {
  HeaderReader reader(path);
  if (const Status sound = read_header(head, reader, path); !sound) return sound.error();
  if (head.size() - 8 != declared_length(head))
    return malformed(path, error_number::data_trailing, "bytes after a header that stands alone",
                     fmt::format("{} bytes, of which it takes {}", head.size(), 8 + declared_length(head)));
  SafeTensorsLayout layout{{}, end_of(reader.entries)};
  layout.tensors.reserve(reader.entries.size());
  for (Entry& entry : reader.entries)
    layout.tensors.push_back(
        {{std::move(entry.name), entry.dtype, std::move(entry.shape)}, entry.offsets[1] - entry.offsets[0]});
  return layout;
}

Expected<ParsedSafeTensors> parse_safetensors(std::span<const std::byte> file, const std::string& path) {
  using namespace error_number;
  HeaderReader reader(path);
  if (const Status sound = read_header(file, reader, path); !sound) return sound.error();
  std::vector<Entry>& entries = reader.entries;
  const std::uint64_t end = end_of(entries);
  const std::span<const std::byte> data = file.subspan(8 + declared_length(file));
  if (end > data.size())
    return malformed(path, data_truncated, "the file is truncated",
                     fmt::format("the tensors need {} bytes, the file has {}", end, data.size()));
  if (end < data.size())
    return malformed(path, data_trailing, "bytes after the last tensor",
                     fmt::format("the tensors end at {}, the file has {}", end, data.size()));

  ParsedSafeTensors parsed;
  parsed.metadata = std::move(reader.metadata);
  parsed.tensors.reserve(entries.size());
  for (Entry& entry : entries)
    parsed.tensors.push_back({std::move(entry.name), entry.dtype, std::move(entry.shape),
                              data.subspan(entry.offsets[0], entry.offsets[1] - entry.offsets[0])});
  return parsed;
}

}  // namespace hallmark
