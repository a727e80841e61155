#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/error_numbers.hpp"
#include "io/safetensors.hpp"
#include "io/safetensors_layout.hpp"
#include "io/utf8.hpp"

namespace hallmark {

namespace {

/// A JSON string; what is not UTF-8 (in messages only) becomes U+FFFD.
std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false,
                                   nlohmann::json::error_handler_t::replace);  // the default handler throws
}

Error cannot_hold(int number, std::string what, std::string where) {
  return {Exit::infeasible, number, std::move(what), std::move(where), "the safetensors format cannot hold this"};
}

Error misuse(std::string where) {
  return {Exit::internal, error_number::writer_misuse, "tensors written otherwise than planned", std::move(where),
          "report this"};
}

bool valid_name(const std::string& name) {
  return !name.empty() && name.size() <= max_name_bytes && name != "__metadata__" && !find_invalid_utf8(name) &&
         std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

}  // namespace

void sort_by_reference(std::vector<TensorPlan>& plan) {
  std::ranges::sort(plan, [](const TensorPlan& a, const TensorPlan& b) {
    return a.dtype != b.dtype ? a.dtype > b.dtype : a.name < b.name;
  });
}

Expected<std::uint64_t> tensor_bytes(const TensorPlan& tensor) {
  const auto where =
      fmt::format("tensor '{}': {} of shape {}", tensor.name, dtype_name(tensor.dtype), shape_text(tensor.shape));
  bool fits = tensor.shape.size() <= max_rank;
  std::uint64_t bits = 1;
  for (const std::uint64_t dimension : tensor.shape)
    fits = fits && dimension <= max_size && !__builtin_mul_overflow(bits, dimension, &bits);
  fits = fits && !__builtin_mul_overflow(bits, std::uint64_t{dtype_bits(tensor.dtype)}, &bits);
  if (!fits || bits / 8 > max_size) return cannot_hold(error_number::plan_size, "the tensor is too large", where);
  if (bits % 8 != 0) return cannot_hold(error_number::plan_size, "the tensor does not fill whole bytes", where);
  return bits / 8;
}

Expected<std::string> safetensors_header(const std::vector<TensorPlan>& plan,
                                         std::map<std::string, std::string> metadata) {
  using namespace error_number;
  if (plan.size() > max_tensors)
    return cannot_hold(plan_size, "too many tensors", fmt::format("{}, the limit is {}", plan.size(), max_tensors));
  metadata["format"] = "pt";  // several loaders refuse files without it
  std::string header = "{\"__metadata__\":{";
  for (const auto& [key, value] : metadata) {
    if (find_invalid_utf8(key) || find_invalid_utf8(value))
      return cannot_hold(plan_name, "a metadata entry is not UTF-8", fmt::format("key of {} bytes", key.size()));
    header += fmt::format("{}{}:{}", header.ends_with('{') ? "" : ",", quoted(key), quoted(value));
  }
  header += '}';
  std::unordered_set<std::string_view> names;
  std::uint64_t end = 0;
  for (const TensorPlan& tensor : plan) {
    if (!valid_name(tensor.name))
      return cannot_hold(plan_name, "a tensor has a name that cannot be written",
                         fmt::format("{} bytes: {}", tensor.name.size(), quoted(tensor.name.substr(0, 80))));
    if (!names.insert(tensor.name).second)
      return cannot_hold(plan_name, "two tensors have one name", "tensor '" + tensor.name + "'");
    const Expected<std::uint64_t> bytes = tensor_bytes(tensor);
    if (!bytes) return bytes.error();
    const std::uint64_t begin = end;
    end += *bytes;  // below 2^20 * 2^48
    if (end > max_size)
      return cannot_hold(plan_size, "the file is too large", fmt::format("at tensor '{}'", tensor.name));
    header += fmt::format(",{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}", quoted(tensor.name),
                          dtype_name(tensor.dtype), fmt::join(tensor.shape, ","), begin, end);
  }
  header += '}';
  header.resize((header.size() + 7) / 8 * 8, ' ');
  if (header.size() > max_header_bytes)
    return cannot_hold(plan_size, "the header is too large",
                       fmt::format("{} bytes, the limit is {}", header.size(), max_header_bytes));
  std::string length(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(header.size() >> 8 * i & 0xFF);
  return length + header;
}

Status check_container_name(const std::string& path) {
  if (!path.ends_with(".json")) return ok();
  return Error{Exit::infeasible, error_number::output_is_index, "an output ending in .json would be read as an index",
               path, "a name that ends in .safetensors"};
}

Expected<SafeTensorsWriter> SafeTensorsWriter::create(const std::string& path, bool overwrite,
                                                      std::vector<TensorPlan> plan,
                                                      std::map<std::string, std::string> metadata, TensorOrder order) {
  if (order == TensorOrder::reference) sort_by_reference(plan);
  Expected<std::string> header = safetensors_header(plan, metadata);
  if (!header) return header.error();
  if (Status fit = check_container_name(path); !fit) return fit.error();
  Expected<AtomicFile> file = AtomicFile::create(path, overwrite);
  if (!file) return file.error();
  SafeTensorsWriter writer(std::move(*file));
  std::uint64_t offset = header->size();
  for (const TensorPlan& tensor : plan) {
    const std::uint64_t size = *tensor_bytes(tensor);
    writer.places_[tensor.name] = {offset, size, 0};
    offset += size;
  }
  if (Status space = writer.file_.reserve(offset); !space) return space.error();
  if (Status written = writer.file_.write(*header); !written) return written.error();
  writer.plan_ = std::move(plan);
  writer.metadata_ = std::move(metadata);
  writer.header_ = std::move(*header);
  return writer;
}

Status SafeTensorsWriter::write(std::string_view name, std::span<const std::byte> bytes) {
  const auto found = places_.find(std::string(name));
  if (found == places_.end()) return misuse(fmt::format("tensor '{}' is not in the plan", name));
  Place& place = found->second;
  if (bytes.size() > place.size - place.written)
    return misuse(fmt::format("tensor '{}': {} bytes after {} of {}", name, bytes.size(), place.written, place.size));
  Status written = file_.write_at(place.offset + place.written, bytes);
  if (written) place.written += bytes.size();
  return written;
}

Status SafeTensorsWriter::replace_metadata(const std::string& key, const std::string& value) {
  const auto plain = [](const std::string& text) {
    return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; });
  };
  const auto entry = metadata_.find(key);
  if (key == "format" || entry == metadata_.end() || entry->second.size() != value.size() || !plain(entry->second) ||
      !plain(value))
    return misuse(fmt::format("metadata '{}' cannot take a value of {} bytes", key, value.size()));
  // The first such text is the entry: metadata stands first, and inside its strings every quote is escaped.
  const std::string prefix = quoted(key) + ":\"";
  const std::size_t at = header_.find(prefix + entry->second + '"');
  if (at == std::string::npos) return misuse(fmt::format("metadata '{}' is not in the header", key));
  entry->second = value;
  header_.replace(at + prefix.size(), value.size(), value);
  return file_.write_at(0, std::as_bytes(std::span(header_)));
}

Status SafeTensorsWriter::check_complete() const {
  for (const auto& [name, place] : places_)
    if (place.written != place.size)
      return misuse(fmt::format("tensor '{}': {} of {} bytes", name, place.written, place.size));
  return ok();
}

Status SafeTensorsWriter::commit() {
  const Status complete = check_complete();
  return complete ? file_.commit() : complete;
}

}  // namespace hallmark
