#include "artifact/quantized_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>
#include <optional>

#include "io/error_numbers.hpp"
#include "artifact/quantized_metadata.hpp"
#include "io/sha256.hpp"
#include "io/utf8.hpp"

namespace hallmark {

namespace {

Error malformed(int number, std::string what, std::string where) {
  return {Exit::input, number, std::move(what), std::move(where), "quantize the weights again"};
}

/// Element i of a U16, U8 or I8 tensor.
Code code_at(const TensorInfo& tensor, std::size_t i) {
  if (tensor.dtype == DType::U16) {
    Code code;
    std::memcpy(&code, tensor.data.data() + 2 * i, sizeof code);
    return code;
  }
  const auto value = std::to_integer<std::uint8_t>(tensor.data[i]);
  return tensor.dtype == DType::I8 ? static_cast<Code>(static_cast<std::int8_t>(value)) : Code{value};
}

/// Compares the tensors with those that the metadata promises, both sorted by name.
Status check_tensors(const SafeTensors& file, std::vector<TensorPlan> plan, const std::string& path) {
  std::ranges::sort(plan, {}, &TensorPlan::name);
  for (std::size_t i = 0; i + 1 < plan.size(); ++i)
    if (plan[i].name == plan[i + 1].name)
      return malformed(error_number::quantized_tensors, "the tensor map needs one name twice",
                       fmt::format("{}: '{}'", path, printable(plan[i].name)));
  for (const TensorPlan& wanted : plan) {
    const TensorInfo* const tensor = file.find(wanted.name);
    if (tensor == nullptr)
      return malformed(error_number::quantized_tensors, "a tensor of the tensor map is missing",
                       fmt::format("{}: '{}'", path, printable(wanted.name)));
    if (tensor->dtype != wanted.dtype || tensor->shape != wanted.shape)
      return malformed(error_number::quantized_shape, "a tensor has another dtype or shape than the metadata says",
                       fmt::format("{}: tensor '{}': {} of shape {}, by the metadata {} of shape {}", path, wanted.name,
                                   dtype_name(tensor->dtype), shape_text(tensor->shape), dtype_name(wanted.dtype),
                                   shape_text(wanted.shape)));
  }
  // Names are unique on both sides, so a surplus shows in the number.
  if (file.tensors().size() == plan.size()) return ok();
  for (const TensorInfo& tensor : file.tensors())
    if (!std::ranges::binary_search(plan, tensor.name, {}, &TensorPlan::name))
      return malformed(error_number::quantized_tensors, "a tensor that the tensor map does not know",
                       fmt::format("{}: '{}'", path, tensor.name));
  return ok();
}

/// The first code that is no point of the grid, by index; piece by piece, whose pages are forgotten.
std::optional<std::size_t> first_stranger(const TensorInfo& codes, const std::vector<std::uint8_t>& known) {
  const std::size_t width = codes.dtype == DType::U16 ? 2 : 1, piece = mapped_piece / width,
                    count = codes.data.size() / width;
  for (std::size_t first = 0; first < count; first += piece) {
    const std::size_t end = std::min(count, first + piece);
    std::uint8_t all = 1;
    for (std::size_t i = first; i < end; ++i) all &= known[code_at(codes, i)];
    for (std::size_t i = first; all == 0 && i < end; ++i)
      if (known[code_at(codes, i)] == 0) return i;
    forget_pages(codes.data.subspan(first * width, (end - first) * width));
  }
  return std::nullopt;
}

/// The values of a quantized tensor: what the metadata does not bound.
Status check_values(const QuantizedFile& file, const OriginalTensor& original, const std::vector<std::uint8_t>& known,
                    const std::string& path) {
  const TensorInfo& codes = *file.file().find(original.name + ".codes");
  if (const auto stranger = first_stranger(codes, known))
    return malformed(
        error_number::quantized_code, "a code is no point of the grid",
        fmt::format("{}: tensor '{}': {:#06x} at [{}, {}], grid {}", path, codes.name, code_at(codes, *stranger),
                    *stranger / codes.shape[1], *stranger % codes.shape[1], file.header().grid));
  const TensorInfo& scales = *file.file().find(original.name + ".scale");
  const Expected<std::vector<float>> steps = widen_to_f32(scales);
  if (!steps) return steps.error();
  const auto bad = std::ranges::find_if(*steps, [](float s) { return !(s > 0) || !std::isfinite(s); });
  if (bad == steps->end()) return ok();
  return malformed(error_number::quantized_scale, "a scale is not positive and finite",
                   fmt::format("{}: tensor '{}': {} at index {}", path, scales.name, *bad, bad - steps->begin()));
}

}  // namespace

std::uint64_t group_count(std::uint64_t cols, std::uint64_t group_size) {
  return group_size == 0 ? 1 : cols / group_size + (cols % group_size != 0);
}

Expected<Grid> grid_of_file(const std::string& versioned_name) {
  Expected<Grid> grid = Grid::parse(versioned_name.substr(0, versioned_name.find('/')));
  if (grid && grid->name() == versioned_name) return grid;
  return Error{
      Exit::input, error_number::quantized_grid, "unknown grid",
      fmt::format("'{}'{}", printable(versioned_name), grid ? fmt::format(", this build has {}", grid->name()) : ""),
      "use the version of the tool that wrote the file"};
}

Expected<QuantizedFile> QuantizedFile::open_unjudged(const std::string& path) {
  Expected<SafeTensors> opened = SafeTensors::open(path);
  if (!opened) return opened.error();
  const SafeTensors& file = *opened;
  Expected<QuantizedHeader> header = detail::from_metadata(file.metadata(), path);
  if (!header) return header.error();
  Expected<Grid> grid = grid_of_file(header->grid);
  if (!grid) return grid.error();
  if (Status fits = check_tensors(file, detail::container_plan(*header, *grid), path); !fits) return fits.error();
  if (!file.metadata().contains(std::string(detail::payload_key)))
    return malformed(error_number::quantized_metadata, "not a quantized file of Hallmark's, or an incomplete one",
                     fmt::format("{}: no metadata entry '{}'", path, detail::payload_key));
  return QuantizedFile(std::move(*opened), std::move(*grid), std::move(*header));
}

Status QuantizedFile::check_payload() const {
  const std::string computed = payload_digest(file_), stored = file_.metadata().at(std::string(detail::payload_key));
  if (stored == computed) return ok();
  return Error{
      Exit::mismatch, error_number::payload_digest, "the tensors are not those that were written",
      fmt::format("{}: payload digest {}, the metadata say {}", file_.paths().front(), computed, printable(stored)),
      "get the file again, or quantize the weights again"};
}

Expected<QuantizedFile> QuantizedFile::open(const std::string& path) {
  Expected<QuantizedFile> opened = open_unjudged(path);
  if (!opened) return opened;
  // The digest first: after it, a bad code or scale is the writer's fault and no accident of storage.
  if (Status whole = opened->check_payload(); !whole) return whole.error();
  const std::vector<OriginalTensor>& tensors = opened->header().tensors;
  const std::vector<std::uint8_t> known = detail::known_codes(opened->grid());
  std::vector<Status> checked(tensors.size(), ok());
#pragma omp parallel for schedule(dynamic)
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (tensors[i].quantized) checked[i] = check_values(*opened, tensors[i], known, path);
  for (const Status& fine : checked)
    if (!fine) return fine.error();
  return opened;
}

std::vector<Code> QuantizedFile::codes(const std::string& name) const {
  const TensorInfo& tensor = *file_.find(name + ".codes");
  std::vector<Code> codes(element_count(tensor.shape));
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = code_at(tensor, i);
  forget_pages(tensor.data);
  return codes;
}

std::vector<float> QuantizedFile::scales(const std::string& name) const {
  return *widen_to_f32(*file_.find(name + ".scale"));
}

const TensorInfo& QuantizedFile::unchanged(const std::string& name) const { return *file_.find(name); }

std::string payload_digest(const SafeTensors& file) {
  const std::vector<TensorInfo>& tensors = file.tensors();
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, std::greater{}, [&](std::size_t i) { return tensors[i].data.size(); });
  std::vector<std::string> digests(tensors.size());
#pragma omp parallel for schedule(dynamic)  // the largest first: none is left over for one thread
  for (std::size_t k = 0; k < order.size(); ++k) digests[order[k]] = sha256_mapped(tensors[order[k]].data);
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::string_view(tensors[i].name); });
  Sha256 payload;
  for (const std::size_t i : order)
    payload.update(detail::payload_line(tensors[i].name, tensors[i].dtype, tensors[i].shape, digests[i]));
  return payload.hex();
}

}  // namespace hallmark
