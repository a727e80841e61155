#include "artifact/formats/parameter_golf_layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "artifact/byte_shuffle.hpp"
#include "base/error_numbers.hpp"
#include "io/pytorch.hpp"

namespace hallmark::golf {
namespace {

/// What keeps a matrix from the layout by its shape and options alone.
std::optional<std::string> misfit(const Layout& layout, const QuantizedMatrix& matrix, DType dtype) {
  const Options& options = matrix.options;
  const GridSpec& grid = options.grid.spec();
  if (matrix.index) return "it is one of a stack, and the layout has a scale for each row of a matrix";
  if (matrix.transposed) return "W holds it as [inputs, outputs], and the layout has a scale for each row";
  if (grid.kind != GridSpec::Kind::integer || grid.code_dtype() != "I8")
    return fmt::format("the layout has no codes of grid {}", grid.id);
  if (options.rotation != no_rotation) return "the layout knows no rotation";
  if (options.low_rank > 0) return "a correction of low rank is none of the layout's";
  if (options.group_size != 0)
    return fmt::format("groups of {} columns: the layout has one scale a row", options.group_size);
  if (!layout.sections && dtype != DType::F32 && dtype != DType::F64)
    return fmt::format("the layout's reader rounds to W's dtype, {} (--to golf-int8 says float32)", dtype_name(dtype));
  return std::nullopt;
}

}  // namespace

std::vector<Slot> slots_of(const Layout& layout, const QuantizedHeader& header) {
  const auto matrices = matrices_by_tensor(header);
  std::vector<Slot> codes, scales, types, passing, kinds;
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const auto& [name, dtype, shape] = header.tensors[i];
    const auto at = [&, &key = name](const char* section, const char* ending = "") {
      return std::vector<std::string>{section, key + ending};
    };
    if (matrices[i].empty()) {
      passing.push_back({at(layout.sections ? "passthrough" : "w"), TensorPlan{name, dtype, shape}});
      kinds.push_back({at("m"), "passthrough"});
      continue;
    }
    const QuantizedMatrix& m = matrices[i].front();
    const TensorPlan q{name, DType::I8, {m.rows, m.cols}}, s{name, DType::F16, {m.rows}};
    codes.push_back({layout.sections ? at("quantized") : at("w", ".q"), q, &m});
    scales.push_back({layout.sections ? at("scales") : at("w", ".scale"), s, &m, true});
    types.push_back({at("dtypes"), "float32"});
    kinds.push_back({layout.sections ? std::vector<std::string>{"qmeta", name, "scheme"}
                                     : std::vector<std::string>{"m", name, "type"},
                     layout.sections                  ? "per_row"
                     : m.options.grid.spec().bits > 6 ? "int8"
                                                      : "int6"});
    if (layout.sections) kinds.push_back({{"qmeta", name, "axis"}, std::int64_t{0}});
  }
  std::vector<Slot> slots;
  const auto append = [&](std::vector<Slot>& part) { std::ranges::move(part, std::back_inserter(slots)); };
  if (layout.sections) {
    slots.push_back({{"__quant_format__"}, std::string(int8_layout)});
    std::erase_if(kinds, [](const Slot& slot) { return slot.path.front() == "m"; });
    for (auto* const part : {&codes, &scales, &types, &passing, &kinds}) append(*part);
  } else {
    for (auto* const part : {&codes, &scales, &passing, &kinds}) append(*part);
  }
  return slots;
}

Error refused(const std::string& tensor, const std::string& reason) {
  return {Exit::infeasible, error_number::format_refuses, "the format cannot hold every number unchanged",
          fmt::format("tensor '{}': {}", tensor, reason), "another format, or quantize this tensor with other options"};
}

Status fits(const Layout& layout, const QuantizedHeader& header) {
  const auto matrices = matrices_by_tensor(header);
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const OriginalTensor& tensor = header.tensors[i];
    if (matrices[i].empty() && !pytorch::has_storage(tensor.dtype))
      return refused(tensor.name, fmt::format("PyTorch has no storage of {}", dtype_name(tensor.dtype)));
    for (const QuantizedMatrix& matrix : matrices[i])
      if (const auto reason = misfit(layout, matrix, tensor.dtype)) return refused(matrix.name, *reason);
  }
  std::unordered_set<std::string> taken;
  std::size_t tensors = 0;
  for (const Slot& slot : slots_of(layout, header)) {
    const auto* const plan = std::get_if<TensorPlan>(&slot.value);
    if (plan == nullptr) continue;
    const Expected<std::uint64_t> size = tensor_bytes(*plan);
    if (!size) return size.error();
    bytes += *size;
    if (!taken.insert(fmt::format("{}\n{}", slot.path[0], slot.path[1])).second)
      return refused(plan->name, "another tensor has the name that its codes or scales get");
    if (++tensors > most_entries || bytes > most_bytes)
      return refused(plan->name,
                     fmt::format("with it there are more than {} tensors or {} bytes", most_entries, most_bytes));
  }
  return ok();
}

Expected<std::optional<Unpacked>> archive_in(const Frame& frame, std::span<const std::byte> bytes,
                                             const std::string& path) {
  using Found = std::optional<Unpacked>;
  bool whole = false;
  const std::vector<std::byte> head = frame.decompress(bytes, 9, whole);
  const bool shuffled = is_byte_shuffled(head);
  if (!shuffled && !pytorch::is_archive(head)) return Found();
  std::vector<std::byte> archive = frame.decompress(bytes, most_bytes + most_bytes / 16, whole);
  if (!whole)
    return Error{Exit::input, error_number::pytorch_archive,
                 "the compressed file is cut, longer than it says or too large",
                 fmt::format("{}: {} bytes of {} come out, and no end", path, archive.size(), frame.name),
                 "get the file again, or export the model again"};
  return Found(Unpacked{shuffled ? byte_unshuffled(archive) : std::move(archive), shuffled});
}

}  // namespace hallmark::golf
