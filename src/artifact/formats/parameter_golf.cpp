// Hallmark's artifacts of openai/parameter-golf, in the layouts of parameter_golf_layout.hpp. The header of the
// container is another entry of the archive, hallmark.json, at which torch.load does not look.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "artifact/byte_shuffle.hpp"
#include "artifact/file_format.hpp"
#include "artifact/formats/parameter_golf_layout.hpp"
#include "artifact/stored_bytes.hpp"
#include "base/error_numbers.hpp"
#include "io/pytorch.hpp"
#include "io/sha256.hpp"
#include "io/strict_json.hpp"
#include "io/utf8.hpp"
#include "scale/storage.hpp"

namespace hallmark {
namespace {

using Json = nlohmann::ordered_json;
using golf::Layout;
using golf::Slot;

constexpr std::string_view format_key = "hallmark.file_format";

Status obstacle(const Layout& layout, const QuantizedModel& model) {
  if (const Status possible = golf::fits(layout, model.header()); !possible) return possible;
  for (const QuantizedMatrix& matrix : model.header().matrices) {
    const Expected<Steps> steps = model.steps(matrix);
    if (!steps) return steps.error();
    for (Index k = 0; k < steps->scales.size(); ++k)
      if (const float s = steps->scales.data()[k]; !holds(ScaleStorage::f16, s))
        return golf::refused(matrix.name, fmt::format("scale {} of {} is {:a}, none of float16 (--scale-storage f16)",
                                                      k, steps->scales.size(), s));
  }
  return ok();
}

/// One line for each tensor, by its path.
std::string payload_of(const std::map<std::string, std::string>& lines) {
  Sha256 payload;
  for (const auto& [path, line] : lines) payload.update(line);
  return payload.hex();
}
void add_line(std::map<std::string, std::string>& lines, const Slot& slot, std::span<const std::byte> bytes) {
  const auto& plan = std::get<TensorPlan>(slot.value);
  const std::string path = fmt::format("{}/{}", slot.path[0], slot.path[1]);
  lines[path] = detail::payload_line(path, plan.dtype, plan.shape, sha256_hex(bytes));
}

/// The bytes of a slot that is a tensor.
Expected<std::vector<std::byte>> bytes_of(const QuantizedModel& model, const Slot& slot) {
  std::vector<std::byte> bytes, room;
  const auto take = [&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); };
  if (slot.matrix == nullptr) {
    const auto& plan = std::get<TensorPlan>(slot.value);
    const Status passed = model.pass_through(plan.name, [&](std::span<const std::byte> piece) {
      take(piece);
      return ok();
    });
    return passed ? std::move(bytes) : Expected<std::vector<std::byte>>(passed.error());
  }
  if (slot.scales) {
    const Expected<Steps> steps = model.steps(*slot.matrix);
    if (!steps) return steps.error();
    take(detail::scale_bytes(detail::all(steps->scales), ScaleStorage::f16, room));
  } else {
    const Expected<Matrix<Code>> codes = model.codes(*slot.matrix);
    if (!codes) return codes.error();
    take(detail::code_bytes(detail::all(*codes), slot.matrix->options.grid.spec(), room));
  }
  return bytes;
}

/// Values of one dict come one behind the other.
void insert(pytorch::Dict& dict, std::span<const std::string> path, pytorch::Value value) {
  if (path.size() == 1) return dict.push_back({path[0], std::move(value)});
  if (dict.empty() || dict.back().key != path[0]) dict.push_back({path[0], pytorch::Dict()});
  insert(std::get<pytorch::Dict>(dict.back().value), path.subspan(1), std::move(value));
}

/// The entries of hallmark.json; none where it is no object of strings.
std::optional<std::map<std::string, std::string>> read_metadata(std::span<const std::byte> text) {
  const auto json = strict_json({reinterpret_cast<const char*>(text.data()), text.size()});
  if (!json || !json->is_object()) return std::nullopt;
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : json->items()) {
    if (!value.is_string()) return std::nullopt;
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

Status write(const Layout& layout, const QuantizedModel& model, const Destination& to) {
  if (to.path.ends_with(".json"))
    return Error{Exit::infeasible, error_number::output_is_index, "an output ending in .json would be read as an index",
                 to.path, "a name that ends in .ptz"};
  Expected<AtomicFile> file = AtomicFile::create(to.path, to.overwrite);
  if (!file) return file.error();
  pytorch::Dict dict;
  std::map<std::string, std::string> lines;
  const std::vector<Slot> slots = golf::slots_of(layout, model.header());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const Slot& slot = slots[i];
    if (to.progress) to.progress(static_cast<double>(i), static_cast<double>(slots.size()), slot.path.back());
    if (const auto* const plan = std::get_if<TensorPlan>(&slot.value)) {
      Expected<std::vector<std::byte>> bytes = bytes_of(model, slot);
      if (!bytes) return bytes.error();
      add_line(lines, slot, *bytes);
      insert(dict, slot.path, pytorch::Stored{plan->dtype, plan->shape, *std::move(bytes)});
    } else if (const auto* const text = std::get_if<std::string>(&slot.value)) {
      insert(dict, slot.path, *text);
    } else {
      insert(dict, slot.path, std::get<std::int64_t>(slot.value));
    }
  }
  for (const char* section : {"quantized", "scales", "dtypes", "passthrough"})  // there, though nothing may be in them
    if (layout.sections && std::ranges::find(dict, section, &pytorch::Entry::key) == dict.end())
      dict.push_back({section, pytorch::Dict()});
  std::map<std::string, std::string> metadata = detail::to_metadata(model.header());
  metadata[std::string(format_key)] = layout.id;
  metadata[std::string(detail::payload_key)] = payload_of(lines);
  metadata[std::string(detail::metadata_key)] = detail::metadata_digest(metadata);
  std::vector<std::byte> archive =
      pytorch::archive_of(dict, std::string(layout.folder),
                          {{"hallmark.json", Json(metadata).dump(-1, ' ', false, Json::error_handler_t::replace)}});
  const auto entries = pytorch::parse_archive(archive, to.path);  // what would not be read is not written
  if (!entries || !pytorch::parse_dicts(entries->at("data.pkl"), 3, to.path) ||
      read_metadata(entries->at("hallmark.json")) != metadata)
    return Error{Exit::infeasible, error_number::format_refuses, "the format cannot hold the names or the metadata",
                 fmt::format("{}: {} tensors, {} entries of metadata", to.path, lines.size(), metadata.size()),
                 "another format"};
  if (layout.shuffled) archive = byte_shuffled(archive);
  if (const Status written = file->write(layout.frame->compress(archive)); !written) return written;
  if (const Status same = model.files_unchanged(); !same) return same;
  return file->commit();
}

class GolfModel final : public QuantizedModel {
 public:
  GolfModel(MappedFile file, std::vector<std::byte> archive, const Layout& layout, QuantizedHeader header,
            std::map<std::string, std::string> metadata)
      : QuantizedModel(std::move(header)),
        file_(std::move(file)),
        archive_(std::move(archive)),
        slots_(golf::slots_of(layout, this->header())),
        metadata_(std::move(metadata)) {}

  /// Whether the dict is the one that the header promises, value for value. Errors: E0336, E0337, E0338, E0363, E0364.
  Status match(const std::map<std::string_view, std::span<const std::byte>>& entries,
               const std::vector<pytorch::Leaf>& leaves) {
    for (std::size_t i = 0; i < std::max(slots_.size(), leaves.size()); ++i) {
      const auto name = [i](const auto& list) {
        return i < list.size() ? printable(fmt::format("{}", fmt::join(list[i].path, "/"))) : "nothing";
      };
      if (i >= slots_.size() || i >= leaves.size() || !std::ranges::equal(slots_[i].path, leaves[i].path))
        return malformed(error_number::quantized_tensors, "other values than the metadata promise",
                         fmt::format("'{}', by the metadata '{}'", name(leaves), name(slots_)));
      if (const Status same = match(slots_[i], leaves[i], entries); !same) return same;
    }
    return ok();
  }

  Expected<Matrix<Code>> codes(const QuantizedMatrix& matrix) const override {
    const auto rows = static_cast<Index>(matrix.rows), cols = static_cast<Index>(matrix.cols);
    return detail::read_rows(of(matrix, false), rows, cols, matrix.options.grid.spec(), false);
  }
  Expected<Steps> steps(const QuantizedMatrix& matrix) const override {
    Steps steps{Matrix<float>(static_cast<Index>(matrix.rows), 1), {}, matrix.options.group_size};
    if (const Status read = widen(of(matrix, true), 0, std::span(steps.scales.data(), matrix.rows)); !read)
      return read.error();
    return steps;
  }
  Status pass_through(const std::string& tensor, const ByteSink& sink) const override {
    for (const auto& [slot, info] : tensors_)
      if (slot->matrix == nullptr && info.name == tensor) return sink(info.data);
    return ok();
  }

  Status check_whole() const override {
    std::map<std::string, std::string> lines;
    for (const auto& [slot, info] : tensors_) add_line(lines, *slot, info.data);
    const Status same = compare("tensors", detail::payload_key, payload_of(lines));
    return same ? compare("metadata", detail::metadata_key, detail::metadata_digest(metadata_)) : same;
  }
  Status files_unchanged() const override { return file_.unchanged(); }
  std::vector<std::string> paths() const override { return {file_.path()}; }

 private:
  Error malformed(int number, std::string what, const std::string& where) const {
    return {Exit::input, number, std::move(what), file_.path() + ": " + where, "export the model again"};
  }
  Status compare(const char* what, std::string_view key, const std::string& computed) const {
    const std::string& stored = metadata_.at(std::string(key));
    if (computed == stored) return ok();
    return Error{Exit::mismatch, error_number::payload_digest,
                 fmt::format("the {} are not those that were written", what),
                 fmt::format("{}: {} is {}, computed {}", file_.path(), key, printable(stored), computed),
                 "get the file again, or export the model again"};
  }
  Status match(const Slot& slot, const pytorch::Leaf& leaf,
               const std::map<std::string_view, std::span<const std::byte>>& entries) {
    const auto strange = [&] {
      return malformed(error_number::quantized_shape, "a value is not as layout and metadata give it",
                       fmt::format("'{}'", fmt::join(slot.path, "/")));
    };
    const auto* const plan = std::get_if<TensorPlan>(&slot.value);
    const auto* const placed = std::get_if<pytorch::Placed>(&leaf.value);
    if (plan == nullptr) {
      const auto* const text = std::get_if<std::string>(&slot.value);
      const bool same = text != nullptr ? leaf.value == decltype(leaf.value)(std::string_view(*text))
                                        : leaf.value == decltype(leaf.value)(std::get<std::int64_t>(slot.value));
      return same ? ok() : Status(strange());
    }
    if (placed == nullptr || placed->dtype != plan->dtype || placed->shape != plan->shape) return strange();
    const auto storage = entries.find("data/" + std::string(placed->storage));
    if (storage == entries.end())
      return malformed(error_number::pytorch_tensor, "a storage is not in the archive", printable(placed->storage));
    Expected<TensorInfo> info = pytorch::in_storage(*placed, storage->second, file_.path());
    if (!info) return info.error();
    info->name = plan->name;
    tensors_.emplace_back(&slot, *std::move(info));
    return ok();
  }
  const TensorInfo& of(const QuantizedMatrix& matrix, bool scales) const {
    return std::ranges::find_if(tensors_,
                                [&](const auto& entry) {
                                  const Slot& slot = *entry.first;
                                  return slot.matrix != nullptr && slot.matrix->name == matrix.name &&
                                         slot.scales == scales;
                                })
        ->second;
  }

  MappedFile file_;
  std::vector<std::byte> archive_;  // of which tensors_ are views
  std::vector<Slot> slots_;
  std::map<std::string, std::string> metadata_;
  std::vector<std::pair<const Slot*, TensorInfo>> tensors_;
};

Expected<std::unique_ptr<QuantizedModel>> read(const Layout& layout, const std::string& path) {
  const auto other = [] { return std::unique_ptr<QuantizedModel>(); };
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file) return other();
  Expected<std::optional<golf::Unpacked>> unpacked = golf::archive_in(*layout.frame, file->bytes(), path);
  if (!unpacked) return unpacked.error();
  if (!*unpacked) return other();
  const auto incomplete = [&](const std::string& where, std::string hint = "export the model again") {
    return Error{Exit::input, error_number::quantized_metadata,
                 "not a quantized file of Hallmark's, or an incomplete one", path + ": " + where, std::move(hint)};
  };
  const auto entries = pytorch::parse_archive((*unpacked)->archive, path);
  if (!entries) return entries.error();
  const auto json = entries->find("hallmark.json"), pickle = entries->find("data.pkl");
  if (json == entries->end() || pickle == entries->end())
    return incomplete("no data.pkl, or no hallmark.json beside it",
                      "export the model again; hallmark import reads what the competition's own scripts wrote");
  auto metadata = read_metadata(json->second);
  if (!metadata) return incomplete("hallmark.json is no object of texts");
  for (const std::string_view key : {format_key, detail::payload_key, detail::metadata_key})
    if (!metadata->contains(std::string(key))) return incomplete(fmt::format("no metadata entry '{}'", key));
  if (metadata->at(std::string(format_key)) != layout.id) return other();
  auto known = *metadata;
  known.erase(std::string(format_key));
  Expected<QuantizedHeader> header = detail::from_metadata(known, path);
  if (!header) return header.error();
  if (const Status possible = golf::fits(layout, *header); !possible)
    return incomplete("the metadata promise what the layout cannot hold: " + possible.error().where);
  const auto leaves = pytorch::parse_dicts(pickle->second, 3, path);
  if (!leaves) return leaves.error();
  auto model = std::make_unique<GolfModel>(*std::move(file), std::move((*unpacked)->archive), layout,
                                           *std::move(header), *std::move(metadata));
  if (const Status same = model->match(*entries, *leaves); !same) return same.error();
  return std::unique_ptr<QuantizedModel>(std::move(model));
}

constexpr Layout int8{"parameter-golf-int8/1", true, &zlib_frame, "final_model.int8"};
constexpr Layout int6{"parameter-golf-int6/1", false, &zstd_frame, "final_model.int6"};
constexpr Layout int6_xz{"parameter-golf-int6-xz/1", false, &xz_frame, "final_model.int6"};
constexpr Layout int6_brotli{"parameter-golf-int6-brotli/1", false, &brotli_frame, "final_model.int6", true};

template <const Layout& layout>
constexpr FileFormat format_of(std::string_view name, std::string_view summary) {
  return {name, summary, [](const std::string& path) { return read(layout, path); },
          [](const QuantizedModel& model) { return obstacle(layout, model); },
          [](const QuantizedModel& model, const Destination& to) { return write(layout, model, to); }};
}

}  // namespace

namespace file_format {
extern const FileFormat golf_int8, golf_int6, golf_int6_xz, golf_int6_brotli;
const FileFormat golf_int8 = format_of<int8>("golf-int8", "parameter-golf's final_model.int8.ptz, in zlib");
const FileFormat golf_int6 = format_of<int6>("golf-int6", "parameter-golf's final_model.int6.ptz, in zstd");
const FileFormat golf_int6_xz = format_of<int6_xz>("golf-int6-xz", "the same in xz");
const FileFormat golf_int6_brotli = format_of<int6_brotli>("golf-int6-brotli", "the same shuffled, in brotli");
}  // namespace file_format

}  // namespace hallmark
