#include <fmt/format.h>

#include <algorithm>

#include "base/error_numbers.hpp"
#include "artifact/quantized_file.hpp"
#include "artifact/quantized_metadata.hpp"
#include "artifact/rotation_signs.hpp"
#include "artifact/stored_bytes.hpp"
#include "io/sha256.hpp"

namespace hallmark {

namespace {

Error misuse(std::string where) {
  return {Exit::internal, error_number::writer_misuse, "tensors written otherwise than planned", std::move(where),
          "report this"};
}

}  // namespace

QuantizedFileWriter::QuantizedFileWriter(WeightsWriter writer, QuantizedHeader header)
    : writer_(std::move(writer)), header_(std::move(header)) {
  const auto matrices = matrices_by_tensor(header_);
  for (std::size_t i = 0; i < matrices.size(); ++i)
    if (matrices[i].empty()) passing_at_.emplace(header_.tensors[i].name, i);
  for (std::size_t k = 0; k < header_.matrices.size(); ++k) matrix_at_.emplace(header_.matrices[k].name, k);
}

Expected<QuantizedFileWriter> QuantizedFileWriter::create(const std::string& path, bool overwrite,
                                                          QuantizedHeader header, std::uint64_t max_shard_bytes) {
  header.schema = detail::schema_to_write(header);
  std::map<std::string, std::string> metadata = detail::to_metadata(header);
  for (const std::string_view key : {detail::payload_key, detail::metadata_key})
    metadata[std::string(key)] = std::string(64, '0');  // entered by seal()
  // What the reader would refuse is not written.
  if (Expected<QuantizedHeader> read = detail::from_metadata(metadata, path); !read)
    return misuse(read.error().what + ": " + read.error().where);
  const Expected<std::vector<std::uint64_t>> cut = container_cut(header, max_shard_bytes);
  if (!cut) return cut.error();
  // Metadata grow with the tensors of the whole: in every shard they would grow with the square.
  Expected<WeightsWriter> writer =
      WeightsWriter::create(path, overwrite, detail::container_plan(header), *cut, metadata,
                            {TensorOrder::reference, true, std::string(certificate_ending)});
  if (!writer) return writer.error();
  return QuantizedFileWriter(std::move(*writer), std::move(header));
}

Status QuantizedFileWriter::write(const std::string& name, std::span<const std::byte> bytes) {
  if (Status written = writer_.write(name, bytes); !written) return written;
  digests_[name] = sha256_hex(bytes);
  return ok();
}

Status QuantizedFileWriter::write_quantized(const std::string& name, std::span<const Code> codes, const Steps& steps) {
  const auto found = matrix_at_.find(name);
  if (found == matrix_at_.end()) return misuse(fmt::format("'{}' is not one to be quantized", name));
  const QuantizedMatrix& matrix = header_.matrices[found->second];
  const Grid& grid = matrix.options.grid;
  const auto groups = static_cast<std::uint64_t>(groups_of(static_cast<Index>(matrix.cols), matrix.options.group_size));
  const std::span<const float> scales = detail::all(steps.scales);
  const std::span<const std::int16_t> zeros = detail::all(steps.zeros);
  const std::span<const std::uint8_t> rotated(steps.rotation.rows);
  const bool rotates = matrix.options.rotation != no_rotation;
  if (rotated.size() != (rotates ? matrix.rows : 0) ||
      (rotates && steps.rotation.signs != rotation_signs(matrix.options, name, static_cast<Index>(matrix.cols))))
    return misuse(fmt::format("'{}': {} marks of rotated rows, or other signs", name, rotated.size()));
  const bool corrects = matrix.options.low_rank > 0;
  if (steps.low_rank.any() != corrects || (corrects && (steps.low_rank.A.rows() != static_cast<Index>(matrix.rows) ||
                                                        steps.low_rank.A.cols() != matrix.options.low_rank ||
                                                        steps.low_rank.B.rows() != matrix.options.low_rank ||
                                                        steps.low_rank.B.cols() != static_cast<Index>(matrix.cols))))
    return misuse(fmt::format("'{}': a correction of another rank or shape", name));
  if (codes.size() != matrix.rows * matrix.cols || scales.size() != matrix.rows * groups ||
      zeros.size() != (grid.spec().zero_points ? scales.size() : 0))
    return misuse(fmt::format("'{}' {} x {}: {} codes, {} scales, {} zero points", name, matrix.rows, matrix.cols,
                              codes.size(), scales.size(), zeros.size()));
  for (std::size_t i = 0; i < scales.size(); ++i)
    if (!grid.takes_scale(scales[i]) || !grid.takes_zero(zeros.empty() ? 0 : zeros[i]) ||
        !holds(matrix.options.scale_storage, scales[i]))
      return Error{Exit::input, error_number::quantized_scale, "a step is none that the container takes",
                   fmt::format("'{}': scale {} in row {}", name, scales[i], i / groups), "report this"};
  if (const auto bad = detail::first_bad_mark(grid, steps))
    return Error{Exit::input, error_number::quantized_rotated, "a row is no row of a rotation",
                 fmt::format("'{}': {}", name, *bad), "report this"};
  const std::vector<std::uint8_t> known = detail::known_codes(grid);
  for (std::size_t i = 0; i < codes.size(); ++i)
    if (!known[codes[i]])
      return Error{Exit::input, error_number::quantized_code, "a code is no point of the grid",
                   fmt::format("'{}': {:#06x} at [{}, {}]", name, codes[i], i / matrix.cols, i % matrix.cols),
                   "report this"};
  if (const auto bad = detail::first_not_finite(grid, codes, steps))
    return Error{Exit::input, error_number::quantized_low_rank, "a corrected row is none of finite numbers",
                 fmt::format("'{}': {}", name, *bad), "report this"};
  std::vector<std::byte> room;
  Status written = write(name + ".codes", detail::packed_rows(codes, matrix.cols, grid.spec(), room));
  if (written) written = write(name + ".scale", detail::scale_bytes(scales, matrix.options.scale_storage, room));
  if (written && !zeros.empty()) {
    const std::vector<Code> numbers(zeros.begin(), zeros.end());
    written = write(name + ".zero_point", detail::packed_rows(numbers, groups, grid.spec(), room));
  }
  if (written && rotates) written = write(name + ".rotated", detail::packed_marks(rotated, room));
  const LowRank& factors = steps.low_rank;
  const ScaleStorage storage = matrix.options.low_rank_storage;
  if (written && corrects)
    written = write(name + ".low_rank_a", detail::scale_bytes(detail::all(factors.A), storage, room));
  if (written && corrects)
    written = write(name + ".low_rank_b", detail::scale_bytes(detail::all(factors.B), storage, room));
  return written;
}

Status QuantizedFileWriter::write_unchanged(const TensorInfo& tensor) {
  const auto found = passing_at_.find(tensor.name);
  if (found == passing_at_.end() || header_.tensors[found->second].dtype != tensor.dtype ||
      header_.tensors[found->second].shape != tensor.shape)
    return misuse(fmt::format("tensor '{}' is not one to pass through as it is", tensor.name));
  return write_in_pieces(tensor.name, [&](const ByteSink& sink) { return in_pieces(tensor.data, sink); });
}

Status QuantizedFileWriter::write_unchanged(const QuantizedModel& model, const std::string& tensor) {
  return write_in_pieces(tensor, [&](const ByteSink& sink) { return model.pass_through(tensor, sink); });
}

Status QuantizedFileWriter::write_in_pieces(const std::string& name,
                                            const std::function<Status(const ByteSink&)>& from) {
  Sha256 digest;
  const Status written = from([&](std::span<const std::byte> piece) {
    digest.update(piece);
    return writer_.write(name, piece);
  });
  if (written) digests_[name] = digest.hex();
  return written;
}

Status QuantizedFileWriter::replace_digests(const std::string& source_sha256, const std::string& calibration_sha256) {
  if (Status entered = writer_.replace_metadata(detail::source_key, source_sha256); !entered) return entered;
  return writer_.replace_metadata(detail::calibration_key, calibration_sha256);
}

Expected<std::string> QuantizedFileWriter::seal() {
  std::vector<TensorPlan> plan = writer_.plan();
  if (digests_.size() != plan.size())  // the writer below would not miss a tensor of no bytes
    return misuse(fmt::format("{} of {} tensors were written", digests_.size(), plan.size()));
  std::ranges::sort(plan, {}, &TensorPlan::name);
  Sha256 payload;
  for (const TensorPlan& tensor : plan)
    payload.update(detail::payload_line(tensor.name, tensor.dtype, tensor.shape, digests_[tensor.name]));
  if (Status entered = writer_.replace_metadata(std::string(detail::payload_key), payload.hex()); !entered)
    return entered.error();
  const std::string all = detail::metadata_digest(writer_.metadata());
  if (Status entered = writer_.replace_metadata(std::string(detail::metadata_key), all); !entered)
    return entered.error();
  if (Status complete = writer_.check_complete(); !complete) return complete.error();
  return all;
}

Status QuantizedFileWriter::commit() {
  const Expected<std::string> sealed = seal();
  return sealed ? writer_.commit() : Status(sealed.error());
}

}  // namespace hallmark
