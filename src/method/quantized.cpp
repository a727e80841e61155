#include "base/error_numbers.hpp"
#include "method/quantized.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "linalg/finite.hpp"

namespace hallmark {

Status check_given_scales(const Options& options, const Matrix<float>& scales) {
  for (Index i = 0; i < scales.rows(); ++i)
    for (Index g = 0; g < scales.cols(); ++g) {
      const float s = scales(i, g);
      if (!options.grid.takes_scale(s))
        return Error{Exit::input, error_number::given_scale,
                     fmt::format("a given scale is none for {}", options.grid.name()),
                     fmt::format("row {}, group {}: {}", i, g, s),
                     options.grid.spec().either_sign ? "finite and not 0" : "finite and positive"};
      if (!holds(options.scale_storage, s))
        return Error{Exit::input, error_number::given_scale,
                     fmt::format("a given scale is none of {}", to_string(options.scale_storage)),
                     fmt::format("row {}, group {}: {}", i, g, s), "--scale-storage f32, or scales that it holds"};
    }
  return ok();
}

Status check_given_zeros(const Options& options, const Matrix<std::int16_t>& zeros) {
  for (Index i = 0; i < zeros.rows(); ++i)
    for (Index g = 0; g < zeros.cols(); ++g)
      if (const int z = zeros(i, g); !options.grid.takes_zero(z))
        return Error{Exit::input, error_number::given_scale,
                     fmt::format("a given zero point is none for {}", options.grid.name()),
                     fmt::format("row {}, group {}: {}", i, g, z),
                     options.grid.spec().zero_points
                         ? fmt::format("one of the codes, 0 to {}", options.grid.spec().last)
                         : "a grid with zero points, such as int4z"};
  return ok();
}

Expected<Steps> checked_steps(MatrixRef<float> W, const Options& options, const std::optional<Steps>& given,
                              const ScaleStatistics& statistics) {
  if (const Status good = check_ranges(options); !good) return good.error();
  if (W.size() == 0)
    return Error{Exit::infeasible, error_number::matrix_empty, "an empty matrix",
                 fmt::format("{} x {}", W.rows(), W.cols()), "exclude the tensor"};
  if (!given) {
    const bool contiguous = W.outerStride() == W.cols();
    const Matrix<float> copy = contiguous ? Matrix<float>() : Matrix<float>(W);
    return steps_for(options.grid, options.scale_rule, options.scale_storage, contiguous ? W.data() : copy.data(),
                     W.rows(), W.cols(), options.group_size, statistics);
  }
  if (const auto bad = first_non_finite<float>(W))  // a rule finds it in its own pass
    return Error{Exit::input, error_number::not_finite, "a weight is not a finite number",
                 fmt::format("row {}, column {}: {}", bad->row, bad->column, W(bad->row, bad->column)),
                 "repair the checkpoint or exclude the tensor"};
  if (given->group_size < 0)
    return Error{Exit::input, error_number::given_scale, "given steps of another shape",
                 fmt::format("group size {}", given->group_size), "0: one scale per row"};
  const Index groups = groups_of(W.cols(), given->group_size);
  const auto fits = [&](const auto& M) { return M.rows() == W.rows() && M.cols() == groups; };
  if (!fits(given->scales) || (given->zeros.size() != 0 && !fits(given->zeros)))
    return Error{Exit::input, error_number::given_scale, "given steps of another shape",
                 fmt::format("scales {} x {}, zero points {} x {}, expected {} x {}", given->scales.rows(),
                             given->scales.cols(), given->zeros.rows(), given->zeros.cols(), W.rows(), groups),
                 "one scale per row and group of columns"};
  if (const Status scales = check_given_scales(options, given->scales); !scales) return scales.error();
  if (const Status zeros = check_given_zeros(options, given->zeros); !zeros) return zeros.error();
  return *given;
}

}  // namespace hallmark
