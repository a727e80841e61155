#include "method/quantized.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "linalg/finite.hpp"

namespace hallmark {

Expected<Method> parse_method(std::string_view name) {
  if (name == "gptq") return Method::gptq;
  if (name == "rtn") return Method::rtn;
  return Error{Exit::usage, 224, fmt::format("unknown method '{}'", name), "methods: gptq, rtn", "gptq"};
}

std::string_view to_string(Method method) { return method == Method::gptq ? "gptq" : "rtn"; }

Expected<Matrix<float>> checked_scales(MatrixRef<float> W, const Options& options,
                                       const std::optional<Matrix<float>>& given_scales) {
  const bool sane = options.block_size >= 1 && options.group_size >= 0 && options.damp_percent >= 0 &&
                    std::isfinite(options.damp_percent);
  if (!sane)
    return Error{Exit::usage, 227, "an option is out of range",
                 fmt::format("block size {}, group size {}, damping {}", options.block_size, options.group_size,
                             options.damp_percent),
                 "block size >= 1, group size >= 0, damping >= 0"};
  if (W.size() == 0)
    return Error{Exit::infeasible, 420, "an empty matrix", fmt::format("{} x {}", W.rows(), W.cols()),
                 "exclude the tensor"};
  const auto bad = given_scales ? first_non_finite<float>(W) : std::nullopt;  // a rule finds it in its own pass
  if (bad)
    return Error{Exit::input, 350, "a weight is not a finite number",
                 fmt::format("row {}, column {}: {}", bad->row, bad->column, W(bad->row, bad->column)),
                 "repair the checkpoint or exclude the tensor"};
  const Index groups = groups_of(W.cols(), options.group_size);
  if (given_scales) {
    if (given_scales->rows() != W.rows() || given_scales->cols() != groups)
      return Error{
          Exit::input, 321, "given scales of another shape",
          fmt::format("{} x {}, expected {} x {}", given_scales->rows(), given_scales->cols(), W.rows(), groups),
          "one scale per row and group of columns"};
    for (Index i = 0; i < given_scales->rows(); ++i)
      for (Index g = 0; g < groups; ++g)
        if (const float s = (*given_scales)(i, g); !(s > 0 && std::isfinite(s)))
          return Error{Exit::input, 321, "a given scale is not a positive finite number",
                       fmt::format("row {}, group {}: {}", i, g, s), "repair the scales"};
    return *given_scales;
  }
  const bool contiguous = W.outerStride() == W.cols();
  const Matrix<float> copy = contiguous ? Matrix<float>() : Matrix<float>(W);
  const float* w = contiguous ? W.data() : copy.data();
  const auto scales = scales_for(options.grid, options.scale_rule, w, W.rows(), W.cols(), options.group_size);
  if (!scales) return scales.error();
  return Matrix<float>(Eigen::Map<const Matrix<float>>(scales->data(), W.rows(), groups));
}

}  // namespace hallmark
