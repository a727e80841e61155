#include <fmt/format.h>

#include <algorithm>

#include "base/error_numbers.hpp"
#include "artifact/quantized_file.hpp"
#include "artifact/quantized_metadata.hpp"
#include "format/golden_float.hpp"
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
  std::map<std::string, std::string> metadata = detail::to_metadata(header);
  metadata[std::string(detail::payload_key)] = std::string(64, '0');  // entered by commit()
  // What the reader would refuse is not written.
  if (Expected<QuantizedHeader> read = detail::from_metadata(metadata, path); !read)
    return misuse(read.error().what + ": " + read.error().where);
  Expected<SafeTensorsWriter> writer =
      SafeTensorsWriter::create(path, overwrite, detail::container_plan(header), std::move(metadata));
  if (!writer) return writer.error();
  return QuantizedFileWriter(std::move(*writer), std::move(header));
}

Status QuantizedFileWriter::write(const std::string& name, std::span<const std::byte> bytes) {
  if (Status written = writer_.write(name, bytes); !written) return written;
  digests_[name] = sha256_hex(bytes);
  return ok();
}

std::string QuantizedFileWriter::digest(const std::string& name) const {
  const auto found = digests_.find(name);
  return found == digests_.end() ? "" : found->second;
}

namespace {

// The low byte of each, of which I8's sign is extended on reading.
std::vector<std::uint8_t> narrow(const auto& wide) {
  std::vector<std::uint8_t> bytes;
  for (const auto x : wide) bytes.push_back(static_cast<std::uint8_t>(x & 0xFF));
  return bytes;
}

// The scales as they are stored.
std::vector<std::byte> stored_scales(std::span<const float> scales, ScaleStorage storage) {
  std::vector<std::uint16_t> words;
  if (storage != ScaleStorage::f32)
    for (const float s : scales) words.push_back(storage == ScaleStorage::f16 ? FP16::encode(s) : BF16::encode(s));
  const auto bytes = storage == ScaleStorage::f32 ? std::as_bytes(scales) : std::as_bytes(std::span(words));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

Status QuantizedFileWriter::write_quantized(const std::string& name, std::span<const Code> codes, const Steps& steps) {
  const auto found = std::ranges::find(header_.matrices, name, &QuantizedMatrix::name);
  if (found == header_.matrices.end()) return misuse(fmt::format("'{}' is not one to be quantized", name));
  const QuantizedMatrix& matrix = *found;
  const Grid& grid = matrix.options.grid;
  const auto groups = static_cast<std::uint64_t>(groups_of(static_cast<Index>(matrix.cols), matrix.options.group_size));
  const std::span scales(steps.scales.data(), static_cast<std::size_t>(steps.scales.size()));
  const std::span zeros(steps.zeros.data(), static_cast<std::size_t>(steps.zeros.size()));
  if (codes.size() != matrix.rows * matrix.cols || scales.size() != matrix.rows * groups ||
      zeros.size() != (grid.spec().zero_points ? scales.size() : 0))
    return misuse(fmt::format("'{}' {} x {}: {} codes, {} scales, {} zero points", name, matrix.rows, matrix.cols,
                              codes.size(), scales.size(), zeros.size()));
  for (std::size_t i = 0; i < scales.size(); ++i)
    if (!grid.takes_scale(scales[i]) || !grid.takes_zero(zeros.empty() ? 0 : zeros[i]) ||
        !holds(matrix.options.scale_storage, scales[i]))
      return Error{Exit::internal, error_number::quantized_scale, "a step is none that the container takes",
                   fmt::format("'{}': scale {} in row {}", name, scales[i], i / groups), "report this"};
  const std::vector<std::uint8_t> known = detail::known_codes(grid);
  for (std::size_t i = 0; i < codes.size(); ++i)
    if (!known[codes[i]])
      return Error{Exit::internal, error_number::quantized_code, "a code is no point of the grid",
                   fmt::format("'{}': {:#06x} at [{}, {}]", name, codes[i], i / matrix.cols, i % matrix.cols),
                   "report this"};
  const auto write_codes = [&](const std::string& part, const auto& wide) {
    const std::vector<std::uint8_t> bytes = narrow(wide);
    return write(part, std::as_bytes(std::span(bytes)));
  };
  const bool two_bytes = grid.spec().code_dtype() == "U16";
  const Status written = two_bytes ? write(name + ".codes", std::as_bytes(codes)) : write_codes(name + ".codes", codes);
  if (!written) return written;
  const Status stored = write(name + ".scale", stored_scales(scales, matrix.options.scale_storage));
  return !stored || zeros.empty() ? stored : write_codes(name + ".zero_point", zeros);
}

Status QuantizedFileWriter::write_unchanged(const TensorInfo& tensor) {
  const auto found = std::ranges::find(header_.tensors, tensor.name, &OriginalTensor::name);
  if (found == header_.tensors.end() || is_quantized(header_, tensor.name) || found->dtype != tensor.dtype ||
      found->shape != tensor.shape)
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
