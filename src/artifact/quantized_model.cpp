#include "artifact/quantized_model.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "artifact/stored_bytes.hpp"
#include "base/error_numbers.hpp"
#include "io/sha256.hpp"

namespace hallmark {

std::vector<std::span<const QuantizedMatrix>> matrices_by_tensor(const QuantizedHeader& header) {
  std::vector<std::span<const QuantizedMatrix>> found;
  auto next = header.matrices.begin();
  for (const OriginalTensor& tensor : header.tensors) {
    const auto first = next;
    while (next != header.matrices.end() && next->tensor == tensor.name) ++next;
    found.emplace_back(first, next);
  }
  return found;
}

Status check_values(const QuantizedModel& model, const QuantizedMatrix& matrix, const Matrix<Code>& codes,
                    const Steps& steps) {
  const Grid& grid = matrix.options.grid;
  const auto refuse = [&](int number, std::string what, const std::string& where) {
    return Error{Exit::input, number, std::move(what),
                 fmt::format("{}: tensor '{}': {}, grid {}", model.paths().front(), matrix.name, where, grid.id()),
                 "quantize the weights again"};
  };
  const std::vector<std::uint8_t> known = detail::known_codes(grid);
  Index stranger = codes.size();
#pragma omp parallel for reduction(min : stranger)
  for (Index k = 0; k < codes.size(); ++k)
    if (known[codes.data()[k]] == 0) stranger = std::min(stranger, k);
  if (stranger < codes.size())
    return refuse(error_number::quantized_code, "a code is no point of the grid",
                  fmt::format("code {:#06x} at [{}, {}]", codes.data()[stranger], stranger / codes.cols(),
                              stranger % codes.cols()));
  for (Index k = 0; k < steps.scales.size(); ++k) {
    if (const float s = steps.scales.data()[k]; !grid.takes_scale(s))
      return refuse(error_number::quantized_scale, "a scale is none that the grid takes",
                    fmt::format("scale {} at index {}", s, k));
    if (const int z = steps.zeros.size() == 0 ? 0 : steps.zeros.data()[k]; !grid.takes_zero(z))
      return refuse(error_number::quantized_scale, "a zero point is no code of the grid",
                    fmt::format("zero point {} at index {}", z, k));
  }
  if (const auto bad = detail::first_bad_mark(grid, steps))
    return refuse(error_number::quantized_rotated, "a row is no row of a rotation", *bad);
  if (const auto bad = detail::first_not_finite(grid, detail::all(codes), steps))
    return refuse(error_number::quantized_low_rank, "a corrected row is none of finite numbers", *bad);
  return ok();
}

Status check_model(const QuantizedModel& model) {
  // The digest first: after it, a bad code or scale is the writer's fault and no accident of storage.
  if (Status whole = model.check_whole(); !whole) return whole;
  for (const QuantizedMatrix& matrix : model.header().matrices) {
    const Expected<Matrix<Code>> codes = model.codes(matrix);
    if (!codes) return codes.error();
    const Expected<Steps> steps = model.steps(matrix);
    if (!steps) return steps.error();
    if (Status sound = check_values(model, matrix, *codes, *steps); !sound) return sound;
  }
  return ok();
}

StoredDigests stored_digests(const QuantizedMatrix& matrix, const Matrix<Code>& codes, const Steps& steps) {
  using detail::all;
  const GridSpec& grid = matrix.options.grid.spec();
  std::vector<std::byte> room;
  StoredDigests digests;
  digests.codes = sha256_hex(detail::code_bytes(all(codes), grid, room));
  digests.scales = sha256_hex(detail::scale_bytes(all(steps.scales), matrix.options.scale_storage, room));
  if (grid.zero_points) digests.zeros = sha256_hex(detail::zero_bytes(all(steps.zeros), room));
  if (steps.rotation.any()) digests.rotated = sha256_hex(std::as_bytes(std::span(steps.rotation.rows)));
  if (steps.low_rank.any()) {
    std::vector<std::byte> other;
    const auto a = detail::scale_bytes(all(steps.low_rank.A), matrix.options.low_rank_storage, room),
               b = detail::scale_bytes(all(steps.low_rank.B), matrix.options.low_rank_storage, other);
    digests.low_rank = Sha256().update(a).update(b).hex();
  }
  return digests;
}

}  // namespace hallmark
