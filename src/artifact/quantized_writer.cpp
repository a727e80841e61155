#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "io/error_numbers.hpp"
#include "artifact/quantized_file.hpp"
#include "artifact/quantized_metadata.hpp"
#include "io/sha256.hpp"

namespace hallmark {

namespace {

Error misuse(std::string where) {
  return {Exit::internal, error_number::writer_misuse, "tensors written otherwise than planned", std::move(where),
          "report this"};
}

}  // namespace

Expected<QuantizedFileWriter> QuantizedFileWriter::create(const std::string& path, bool overwrite,
                                                          QuantizedHeader header) {
  Expected<Grid> grid = grid_of_file(header.grid);
  if (!grid) return grid.error();
  for (const OriginalTensor& t : header.tensors)
    if (t.quantized && t.shape.size() != 2)
      return misuse(fmt::format("tensor '{}' of shape {} cannot be quantized", t.name, shape_text(t.shape)));
  std::map<std::string, std::string> metadata = detail::to_metadata(header);
  metadata[std::string(detail::payload_key)] = std::string(64, '0');  // entered by commit()
  // What the reader would refuse is not written.
  if (Expected<QuantizedHeader> read = detail::from_metadata(metadata, path); !read)
    return misuse(read.error().what + ": " + read.error().where);
  Expected<SafeTensorsWriter> writer =
      SafeTensorsWriter::create(path, overwrite, detail::container_plan(header, *grid), std::move(metadata));
  if (!writer) return writer.error();
  return QuantizedFileWriter(std::move(*writer), std::move(*grid), std::move(header));
}

QuantizedFileWriter::QuantizedFileWriter(SafeTensorsWriter writer, Grid grid, QuantizedHeader header)
    : writer_(std::move(writer)),
      grid_(std::move(grid)),
      header_(std::move(header)),
      known_codes_(detail::known_codes(grid_)) {
  // Elements of a vector stay where they are when the vector moves.
  for (const OriginalTensor& tensor : header_.tensors) originals_[tensor.name] = &tensor;
}

Status QuantizedFileWriter::write(const std::string& name, std::span<const std::byte> bytes) {
  if (Status written = writer_.write(name, bytes); !written) return written;
  digests_[name] = sha256_hex(bytes);
  return ok();
}

Status QuantizedFileWriter::write_quantized(const std::string& name, std::span<const Code> codes,
                                            std::span<const float> scales) {
  const auto found = originals_.find(name);
  if (found == originals_.end() || !found->second->quantized)
    return misuse(fmt::format("tensor '{}' is not one to be quantized", name));
  const Shape& shape = found->second->shape;
  const std::uint64_t groups = group_count(shape[1], header_.group_size);
  if (codes.size() != shape[0] * shape[1] || scales.size() != shape[0] * groups)
    return misuse(fmt::format("tensor '{}' of shape {}: {} codes, {} scales", name, shape_text(shape), codes.size(),
                              scales.size()));
  for (std::size_t i = 0; i < scales.size(); ++i)
    if (!(scales[i] > 0) || !std::isfinite(scales[i]))
      return Error{Exit::internal, error_number::quantized_scale, "a scale is not positive and finite",
                   fmt::format("tensor '{}': {} in row {}", name, scales[i], i / groups), "report this"};
  for (std::size_t i = 0; i < codes.size(); ++i)
    if (!known_codes_[codes[i]])
      return Error{Exit::internal, error_number::quantized_code, "a code is no point of the grid",
                   fmt::format("tensor '{}': {:#06x} at [{}, {}]", name, codes[i], i / shape[1], i % shape[1]),
                   "report this"};
  if (grid_.code_dtype() == "U16") {
    if (Status written = write(name + ".codes", std::as_bytes(codes)); !written) return written;
  } else {  // U8 and I8: the low byte, of which I8's sign is extended on reading
    std::vector<std::uint8_t> narrow(codes.size());
    std::ranges::transform(codes, narrow.begin(), [](Code code) { return static_cast<std::uint8_t>(code & 0xFF); });
    if (Status written = write(name + ".codes", std::as_bytes(std::span(narrow))); !written) return written;
  }
  return write(name + ".scale", std::as_bytes(scales));
}

Status QuantizedFileWriter::write_unchanged(const TensorInfo& tensor) {
  const auto found = originals_.find(tensor.name);
  if (found == originals_.end() || found->second->quantized || found->second->dtype != tensor.dtype ||
      found->second->shape != tensor.shape)
    return misuse(fmt::format("tensor '{}' is not one to pass through as it is", tensor.name));
  Sha256 digest;
  for (std::size_t first = 0; first < tensor.data.size(); first += mapped_piece) {
    const auto piece = tensor.data.subspan(first, std::min(mapped_piece, tensor.data.size() - first));
    if (Status written = writer_.write(tensor.name, piece); !written) return written;
    digest.update(piece);
    forget_pages(piece);
  }
  digests_[tensor.name] = digest.hex();
  return ok();
}

Status QuantizedFileWriter::replace_digests(const std::string& source_sha256, const std::string& calibration_sha256) {
  if (Status entered = writer_.replace_metadata(detail::source_key, source_sha256); !entered) return entered;
  return writer_.replace_metadata(detail::calibration_key, calibration_sha256);
}

Status QuantizedFileWriter::commit() {
  std::vector<TensorPlan> plan = writer_.plan();
  if (digests_.size() != plan.size())  // the writer below would not miss a tensor of no bytes
    return misuse(fmt::format("{} of {} tensors were written", digests_.size(), plan.size()));
  std::ranges::sort(plan, {}, &TensorPlan::name);
  Sha256 payload;
  for (const TensorPlan& tensor : plan)
    payload.update(detail::payload_line(tensor.name, tensor.dtype, tensor.shape, digests_[tensor.name]));
  if (Status entered = writer_.replace_metadata(std::string(detail::payload_key), payload.hex()); !entered)
    return entered;
  return writer_.commit();
}

}  // namespace hallmark
