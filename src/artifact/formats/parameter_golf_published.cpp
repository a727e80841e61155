#include "artifact/formats/parameter_golf_published.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "artifact/formats/parameter_golf_layout.hpp"
#include "base/error_numbers.hpp"
#include "io/pytorch.hpp"
#include "io/utf8.hpp"

#include "format/golden_float.hpp"  // after the dtypes, whose names its formats would shadow

namespace hallmark::golf {
namespace {

using Entries = std::map<std::string_view, std::span<const std::byte>>;
template <class T>
using ByName = std::map<std::string_view, T>;

constexpr std::array<std::pair<std::string_view, DType>, 4> torch_floats{
    {{"float32", DType::F32}, {"float64", DType::F64}, {"bfloat16", DType::BF16}, {"float16", DType::F16}}};
constexpr std::array passing_kinds = {std::string_view("passthrough"), std::string_view("passthrough_ctrl"),
                                      std::string_view("passthrough_fp16"), std::string_view("passthrough (float16)")};

/// Numbers that binary32 holds.
bool is_float(DType dtype) { return dtype == DType::F32 || dtype == DType::BF16 || dtype == DType::F16; }

/// Whether the text is intB, B from 2 to 8: codes are bytes, however few values they take.
bool is_integer_type(std::string_view text) {
  return text.size() == 4 && text.starts_with("int") && text[3] >= '2' && text[3] <= '8';
}

/// A dict of one of the layouts, taken apart; what is taken twice or not at all contradicts the rest of it.
class Reading {
 public:
  Reading(const Entries& entries, std::uint64_t most_read, const std::string& path)
      : entries_(entries), most_read_(most_read), path_(path) {}

  Expected<PublishedDict> run(const std::vector<pytorch::Leaf>& leaves) {
    const bool sections =
        std::ranges::any_of(leaves, [](const pytorch::Leaf& leaf) { return leaf.path[0] == "__quant_format__"; });
    for (const pytorch::Leaf& leaf : leaves)
      if (const Status sorted = sections ? sort_sections(leaf) : sort_pair(leaf); !sorted) return sorted.error();
    if (leaves.empty()) return wrong("", "an empty dict", "neither __quant_format__ nor w and m");
    const Status taken = sections ? take_sections() : take_pair();
    if (!taken) return taken.error();
    return PublishedDict{sections ? int8_layout : "w and m", std::move(out_)};
  }

 private:
  Error wrong(std::string_view name, std::string what, const std::string& where) const {
    return {
        Exit::input, error_number::golf_dict, std::move(what),
        name.empty() ? fmt::format("{}: {}", path_, where) : fmt::format("{}: '{}': {}", path_, printable(name), where),
        "docs/parameter-golf.md says which artifacts are read"};
  }
  Error strange(const pytorch::Leaf& leaf) const {
    return wrong("", "the dict holds what no layout has",
                 fmt::format("'{}'", printable(fmt::format("{}", fmt::join(leaf.path, "/")))));
  }

  /// {"__quant_format__": .., "quantized": {NAME: tensor}, ..}
  Status sort_sections(const pytorch::Leaf& leaf) {
    const auto* const tensor = std::get_if<pytorch::Placed>(&leaf.value);
    const auto* const text = std::get_if<std::string_view>(&leaf.value);
    const std::string_view section = leaf.path[0], name = leaf.path.size() > 1 ? leaf.path[1] : "";
    if (leaf.path.size() == 1 && section == "__quant_format__" && text != nullptr) {
      if (*text == int8_layout) return ok();
      return wrong("", "a layout that is not read", fmt::format("__quant_format__ is '{}'", printable(*text)));
    }
    if (leaf.path.size() == 2 && tensor != nullptr) {
      if (section == "quantized") return order_.push_back(name), codes_[name] = tensor, ok();
      if (section == "scales") return scales_[name] = tensor, ok();
      if (section == "passthrough") return passing_order_.push_back(name), passing_[name] = tensor, ok();
    }
    if (leaf.path.size() == 2 && text != nullptr) {
      if (section == "dtypes") return types_[name] = *text, ok();
      if (section == "passthrough_orig_dtypes") return passing_types_[name] = *text, ok();
    }
    if (leaf.path.size() == 3 && section == "qmeta") {
      const auto* const number = std::get_if<std::int64_t>(&leaf.value);
      if (leaf.path[2] == "scheme" && text != nullptr && *text == "per_row") return per_row_.push_back(name), ok();
      if (leaf.path[2] == "axis" && number != nullptr && *number == 0) return axis_.push_back(name), ok();
    }
    return strange(leaf);
  }

  /// {"w": {NAME.q: tensor, ..}, "m": {NAME: kind}}
  Status sort_pair(const pytorch::Leaf& leaf) {
    const auto* const tensor = std::get_if<pytorch::Placed>(&leaf.value);
    const auto* const text = std::get_if<std::string_view>(&leaf.value);
    const std::string_view section = leaf.path[0], name = leaf.path.size() > 1 ? leaf.path[1] : "";
    if (leaf.path.size() == 2 && section == "w" && tensor != nullptr) return passing_[name] = tensor, ok();
    if (section != "m" || text == nullptr || leaf.path.size() < 2) return strange(leaf);
    const bool gptq = leaf.path.size() == 2 && text->starts_with("gptq (") && text->ends_with(")") &&
                      is_integer_type(text->substr(6, text->size() - 7));
    const bool typed = leaf.path.size() == 3 && leaf.path[2] == "type" && is_integer_type(*text);
    const bool passes = leaf.path.size() == 2 && std::ranges::find(passing_kinds, *text) != passing_kinds.end();
    if (!gptq && !typed && !passes)
      return wrong(name, "a kind of tensor that is not read",
                   fmt::format("m says '{}' at '{}'", printable(*text),
                               printable(fmt::format("{}", fmt::join(leaf.path, "/")))));
    order_.push_back(name);
    quantized_[name] = !passes;
    return ok();
  }

  Status take_sections() {
    for (const std::string_view name : order_) {
      const auto scale = scales_.find(name);
      const auto type = types_.find(name);
      if (scale == scales_.end()) return wrong(name, "codes without scales", "quantized has it, scales has not");
      if (type == types_.end()) return wrong(name, "codes without a dtype", "quantized has it, dtypes has not");
      if (passing_.contains(name)) return twice(name);
      const Expected<DType> dtype = float_type(name, type->second);
      if (!dtype) return dtype.error();
      if (const Status added = add_codes(name, *codes_[name], *scale->second, *dtype); !added) return added;
    }
    for (const std::string_view name : passing_order_) {
      const auto type = passing_types_.find(name);
      const Expected<DType> dtype =
          type == passing_types_.end() ? Expected<DType>(passing_[name]->dtype) : float_type(name, type->second);
      if (!dtype) return dtype.error();
      if (const Status added = add_passing(name, *passing_[name], *dtype); !added) return added;
    }
    return check_left();
  }
  /// What speaks of a tensor that is not there.
  Status check_left() const {
    const auto lonely = [&](std::string_view section, std::string_view name, const auto& owners,
                            std::string_view owner) {
      return owners.contains(name) ? ok()
                                   : Status(wrong(name, "the dict speaks of a tensor that it has not",
                                                  fmt::format("{} has it, {} has not", section, owner)));
    };
    for (const auto& [name, scale] : scales_)
      if (const Status there = lonely("scales", name, codes_, "quantized"); !there) return there;
    for (const auto& [name, type] : types_)
      if (const Status there = lonely("dtypes", name, codes_, "quantized"); !there) return there;
    for (const auto& [name, type] : passing_types_)
      if (const Status there = lonely("passthrough_orig_dtypes", name, passing_, "passthrough"); !there) return there;
    for (const auto* const names : {&per_row_, &axis_})
      for (const std::string_view name : *names) {
        if (const Status there = lonely("qmeta", name, codes_, "quantized"); !there) return there;
        if (const Shape& shape = scales_.at(name)->shape; shape.size() != 1)
          return wrong(name, "scales of another shape than the layout has",
                       fmt::format("{}, by qmeta one a row", shape_text(shape)));
      }
    return ok();
  }

  Status take_pair() {
    std::size_t taken = 0;
    for (const std::string_view name : order_) {
      const std::string codes = std::string(name) + ".q", steps = std::string(name) + ".scale";
      if (!quantized_[name]) {
        const auto stored = passing_.find(name);
        if (stored == passing_.end()) return wrong(name, "a tensor of m that w has not", "it passes through, by m");
        if (const Status added = add_passing(name, *stored->second, stored->second->dtype); !added) return added;
        taken += 1;
        continue;
      }
      const auto q = passing_.find(codes), scale = passing_.find(steps);
      if (q == passing_.end() || scale == passing_.end())
        return wrong(name, "a tensor of m that w has not",
                     fmt::format("it is quantized, by m; w has {} and {}", q == passing_.end() ? "no .q" : ".q",
                                 scale == passing_.end() ? "no .scale" : ".scale"));
      if (passing_.contains(name)) return twice(name);
      if (const Status added = add_codes(name, *q->second, *scale->second, DType::F32); !added) return added;
      taken += 2;
    }
    for (const auto& [name, tensor] : passing_)
      if (!used_.contains(name)) return wrong(name, "a tensor without a kind", "w has it, m has not");
    if (taken != passing_.size())
      return wrong("", "a tensor of w that belongs to two of m",
                   fmt::format("{} in w, m takes {}", passing_.size(), taken));
    return ok();
  }

  Error twice(std::string_view name) const {
    return wrong(name, "a tensor both quantized and passing through", "it can be one of them");
  }
  Expected<DType> float_type(std::string_view name, std::string_view type) const {
    const auto* const found = std::ranges::find(torch_floats, type, &std::pair<std::string_view, DType>::first);
    if (found == torch_floats.end())
      return wrong(name, "a dtype that is not read", fmt::format("'{}'", printable(type)));
    return found->second;
  }

  Expected<TensorInfo> stored(std::string_view name, const pytorch::Placed& placed) {
    used_.emplace(placed.name, true);
    const auto storage = entries_.find("data/" + std::string(placed.storage));
    if (storage == entries_.end())
      return Error{Exit::input, error_number::pytorch_tensor, "a storage is not in the archive",
                   fmt::format("{}: '{}': no entry data/{}", path_, printable(placed.name), printable(placed.storage)),
                   "get the file again"};
    Expected<TensorInfo> info = pytorch::in_storage(placed, storage->second, path_);
    if (info) info->name = name;
    return info;
  }
  Status add_codes(std::string_view name, const pytorch::Placed& codes, const pytorch::Placed& scales, DType dtype) {
    Expected<TensorInfo> q = stored(name, codes), scale = stored(name, scales);
    if (!q) return q.error();
    if (!scale) return scale.error();
    const bool one = scale->shape.empty(), per_row = !q->shape.empty() && scale->shape == Shape{q->shape.front()};
    if (q->dtype != DType::I8)
      return wrong(name, "codes of another dtype than int8", std::string(dtype_name(q->dtype)));
    if (!one && !per_row)
      return wrong(name, "scales of another shape than the layout has",
                   fmt::format("{} for codes {}", shape_text(scale->shape), shape_text(q->shape)));
    if (!is_float(scale->dtype))
      return wrong(name, "scales of a dtype that is not read", std::string(dtype_name(scale->dtype)));
    if (const Status finite = check_finite(*scale); !finite) return located(path_ + ": scales of", finite.error());
    return add({*std::move(q), *std::move(scale), dtype});
  }
  Status add_passing(std::string_view name, const pytorch::Placed& placed, DType dtype) {
    Expected<TensorInfo> info = stored(name, placed);
    if (!info) return info.error();
    if (dtype != info->dtype && !is_float(info->dtype))
      return wrong(name, "a tensor that no cast is read for",
                   fmt::format("{} to {}", dtype_name(info->dtype), dtype_name(dtype)));
    return add({*std::move(info), {}, dtype});
  }
  Status add(Published tensor) {
    const Expected<std::uint64_t> size = tensor_bytes({tensor.stored.name, tensor.dtype, tensor.stored.shape});
    if (!size) return size.error();
    bytes_ += *size;
    if (out_.size() == most_entries || bytes_ > most_read_)
      return wrong(tensor.stored.name, "more tensors or bytes than are read",
                   fmt::format("with it {} tensors of {} bytes, the limits are {} and {}", out_.size() + 1, bytes_,
                               most_entries, most_read_));
    out_.push_back(std::move(tensor));
    return ok();
  }

  const Entries& entries_;
  std::uint64_t most_read_;  // bytes: tensors may share a storage
  const std::string& path_;
  std::vector<std::string_view> order_, passing_order_, per_row_, axis_;
  ByName<const pytorch::Placed*> codes_, scales_, passing_;
  ByName<std::string_view> types_, passing_types_;
  ByName<bool> quantized_, used_;
  std::vector<Published> out_;
  std::uint64_t bytes_ = 0;
};

constexpr std::size_t piece_size = std::size_t{1} << 16;  // numbers that are made at a time

/// A number in a dtype of torch_floats, appended; whether it is finite there.
bool put(float value, DType dtype, std::vector<std::byte>& bytes) {
  const auto append = [&](const auto stored) {
    const auto view = std::as_bytes(std::span(&stored, 1));
    bytes.insert(bytes.end(), view.begin(), view.end());
  };
  if (dtype == DType::F64) return append(static_cast<double>(value)), true;
  if (dtype == DType::F32) return append(value), true;
  const bool brain = dtype == DType::BF16;
  const auto word = static_cast<std::uint16_t>(brain ? BF16::encode(value) : FP16::encode(value));
  append(word);
  return brain ? BF16::is_finite(word) : FP16::is_finite(word);
}

}  // namespace

Expected<PublishedDict> parse_published(std::span<const std::byte> archive, const std::string& path) {
  const auto entries = pytorch::parse_archive(archive, path);
  if (!entries) return entries.error();
  const auto broken = [&](std::string what, const std::string& where) {
    return Error{Exit::input, error_number::pytorch_archive, std::move(what), path + ": " + where,
                 "get the file again"};
  };
  const auto pickle = entries->find("data.pkl"), order = entries->find("byteorder");
  if (pickle == entries->end()) return broken("an archive without a dict", "no data.pkl");
  if (order != entries->end() && !std::ranges::equal(order->second, std::as_bytes(std::span("little", 6))))
    return broken("the numbers are in another byte order", "byteorder is not 'little'");
  const auto leaves = pytorch::parse_dicts(pickle->second, 3, path);
  if (!leaves) return leaves.error();
  return Reading(*entries, pytorch::most_shares * archive.size(), path).run(*leaves);
}

Status read_values(const Published& tensor, const std::string& path, const ByteSink& sink) {
  const TensorInfo& stored = tensor.stored;
  if (!tensor.scale && stored.dtype == tensor.dtype) return sink(stored.data);
  std::vector<float> scales(tensor.scale ? element_count(tensor.scale->shape) : 0);
  if (tensor.scale)
    if (const Status read = widen(*tensor.scale, 0, scales); !read) return read;
  const std::uint64_t count = element_count(stored.shape);
  const std::uint64_t row = tensor.scale && !tensor.scale->shape.empty() && count > 0 ? count / scales.size() : count;
  std::vector<float> values(piece_size);
  std::vector<std::byte> bytes;
  for (std::uint64_t first = 0; first < count; first += values.size()) {
    values.resize(std::min<std::uint64_t>(values.size(), count - first));
    if (!tensor.scale)
      if (const Status read = widen(stored, first, values); !read) return read;
    bytes.clear();
    for (std::size_t k = 0; k < values.size(); ++k) {
      const std::uint64_t at = first + k;
      if (tensor.scale)
        values[k] = scales[at / row] * static_cast<float>(std::to_integer<std::int8_t>(stored.data[at]));
      const bool given = std::isfinite(values[k]);
      if ((tensor.scale && !given) || (!put(values[k], tensor.dtype, bytes) && given))
        return Error{Exit::infeasible, error_number::product_beyond,
                     fmt::format("a number is beyond {}", dtype_name(given ? tensor.dtype : DType::F32)),
                     fmt::format("{}: '{}': {} at {} of {}", path, printable(stored.name), values[k], at, count),
                     "get the file again: no reader makes a finite number of it"};
    }
    if (const Status passed = sink(bytes); !passed) return passed;
  }
  return ok();
}

Expected<std::optional<PublishedFile>> PublishedFile::open(const std::string& path) {
  using Found = std::optional<PublishedFile>;
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file) return file.error();
  // #1818 writes the length of a codebook first, big-endian, and has none.
  constexpr std::array<std::byte, 4> no_codebook{};
  std::span<const std::byte> bytes = file->bytes();
  if (bytes.size() > no_codebook.size() && std::ranges::equal(bytes.first(no_codebook.size()), no_codebook))
    bytes = bytes.subspan(no_codebook.size());
  for (const Frame* const frame : {&zlib_frame, &zstd_frame, &xz_frame, &brotli_frame}) {
    auto unpacked = archive_in(*frame, bytes, path);
    if (!unpacked) return unpacked.error();
    if (!*unpacked) continue;
    PublishedFile opened(*std::move(file), **std::move(unpacked), frame->name);
    const auto entries = pytorch::parse_archive(opened.unpacked_.archive, path);
    if (!entries) return entries.error();
    if (entries->contains("hallmark.json")) return Found();
    Expected<PublishedDict> dict = parse_published(opened.unpacked_.archive, path);
    if (!dict) return dict.error();
    opened.dict_ = *std::move(dict);
    return Found(std::move(opened));
  }
  return Found();
}

}  // namespace hallmark::golf
