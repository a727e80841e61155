#include "artifact/quantized_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "base/error_numbers.hpp"
#include "artifact/quantized_metadata.hpp"
#include "artifact/packed_codes.hpp"
#include "artifact/rotation_signs.hpp"
#include "artifact/sealed.hpp"
#include "artifact/stored_bytes.hpp"
#include "io/sha256.hpp"

namespace hallmark {

namespace {

Error malformed(int number, std::string what, std::string where) {
  return {Exit::input, number, std::move(what), std::move(where), "quantize the weights again"};
}

}  // namespace

Expected<QuantizedFile> QuantizedFile::open_unjudged(const std::string& path) {
  Expected<SafeTensors> opened = SafeTensors::open(path);
  if (!opened) return opened.error();
  const SafeTensors& file = *opened;
  Expected<QuantizedHeader> header = detail::from_metadata(file.metadata(), path);
  if (!header) return header.error();
  if (Status fits = detail::check_tensors(file, detail::container_plan(*header)); !fits) return fits.error();
  if (Status sealed = detail::check_sealed(file, header->schema); !sealed) return sealed.error();
  return QuantizedFile(std::move(*opened), std::move(*header));
}

Expected<QuantizedFile> QuantizedFile::open(const std::string& path) {
  Expected<QuantizedFile> opened = open_unjudged(path);
  if (!opened) return opened;
  if (Status sound = check_model(*opened); !sound) return sound.error();
  return opened;
}

std::string QuantizedFile::payload_sha256() const { return file_.metadata().at(std::string(detail::payload_key)); }

std::string QuantizedFile::content_sha256() const {
  const auto of_metadata = file_.metadata().find(std::string(detail::metadata_key));
  return of_metadata != file_.metadata().end() ? of_metadata->second : payload_sha256();
}

Status QuantizedFile::check_whole() const { return detail::check_digests(file_); }

Expected<Matrix<Code>> QuantizedFile::rows_of(const TensorInfo& tensor, const QuantizedMatrix& matrix, Index cols,
                                              int number) const {
  const auto rows = static_cast<Index>(matrix.rows);
  const GridSpec& grid = matrix.options.grid.spec();
  const bool packed = header().schema >= detail::packed_schema;
  if (packed && detail::packs(grid))
    if (const auto bad = detail::first_bad_padding(tensor, rows, cols, grid))
      return malformed(number, "a bit after the last number of a row is not 0",
                       fmt::format("{}: tensor '{}': row {}, {} numbers of {} bits", file_.paths().front(), tensor.name,
                                   *bad, cols, grid.bits));
  return detail::read_rows(tensor, rows, cols, grid, packed);
}

Expected<Matrix<Code>> QuantizedFile::codes(const QuantizedMatrix& matrix) const {
  const TensorInfo& tensor = *file_.find(matrix.name + ".codes");
  Expected<Matrix<Code>> codes = rows_of(tensor, matrix, static_cast<Index>(matrix.cols), error_number::quantized_code);
  forget_pages(tensor.data);
  return codes;
}

Expected<std::vector<std::uint8_t>> QuantizedFile::marks(const QuantizedMatrix& matrix) const {
  const TensorInfo& tensor = *file_.find(matrix.name + ".rotated");
  std::vector<Code> marks(matrix.rows);
  if (header().schema < detail::packed_schema)
    std::ranges::transform(tensor.data, marks.begin(), [](std::byte b) { return std::to_integer<Code>(b); });
  else if (padding_is_zero(tensor.data, marks.size(), 1)) unpack_codes(tensor.data, 1, false, marks);
  else
    return malformed(
        error_number::quantized_rotated, "a bit after the last mark is not 0",
        fmt::format("{}: tensor '{}': {} marks of 1 bit", file_.paths().front(), tensor.name, marks.size()));
  return std::vector<std::uint8_t>(marks.begin(), marks.end());
}

Expected<Steps> QuantizedFile::steps(const QuantizedMatrix& matrix) const {
  const auto rows = static_cast<Index>(matrix.rows), cols = static_cast<Index>(matrix.cols);
  const Index groups = groups_of(cols, matrix.options.group_size);
  const std::vector<float> scales = *widen_to_f32(*file_.find(matrix.name + ".scale"));
  Steps steps{Eigen::Map<const Matrix<float>>(scales.data(), rows, groups), {}, matrix.options.group_size};
  if (matrix.options.rotation != no_rotation) {
    Expected<std::vector<std::uint8_t>> rotated = marks(matrix);
    if (!rotated) return rotated.error();
    steps.rotation = {rotation_signs(matrix.options, matrix.name, cols), *std::move(rotated)};
  }
  if (const Index rank = matrix.options.low_rank; rank > 0) {
    const auto factor = [&](const char* suffix, Index m, Index n) -> Matrix<float> {
      const std::vector<float> numbers = *widen_to_f32(*file_.find(matrix.name + suffix));
      return Eigen::Map<const Matrix<float>>(numbers.data(), m, n);
    };
    steps.low_rank = {factor(".low_rank_a", rows, rank), factor(".low_rank_b", rank, cols)};
  }
  const TensorInfo* const zeros = file_.find(matrix.name + ".zero_point");
  if (!matrix.options.grid.spec().zero_points || zeros == nullptr) return steps;
  const Expected<Matrix<Code>> read = rows_of(*zeros, matrix, groups, error_number::quantized_scale);
  if (!read) return read.error();
  steps.zeros = read->cast<std::int16_t>();
  return steps;
}

Status QuantizedFile::pass_through(const std::string& tensor, const ByteSink& sink) const {
  return in_pieces(file_.find(tensor)->data, sink);
}

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
