#include "cli/quantize_tensor.hpp"

#include <fmt/format.h>

#include "cli/accumulate.hpp"
#include "quantize/gptq.hpp"
#include "quantize/rtn.hpp"

namespace hallmark::cli {
namespace {

/// The scales that C gives for this tensor, one per row.
Expected<std::optional<Matrix<float>>> given_scales(const CalibrationFile* calibration, const PlannedTensor& tensor) {
  if (!tensor.calibration || !tensor.calibration->has_scale) return std::optional<Matrix<float>>{};
  const Expected<std::vector<float>> scale = calibration->scale(tensor.weight->name);
  if (!scale) return scale.error();
  return std::optional<Matrix<float>>(Eigen::Map<const Matrix<float>>(scale->data(), tensor.rows, 1));
}

}  // namespace

Expected<QuantizedTensor> quantize_tensor(const PlannedTensor& tensor, const CalibrationFile* calibration, Options options) {
  const std::string& name = tensor.weight->name;
  QuantizedTensor out{Matrix<float>(tensor.rows, tensor.cols), std::nullopt, std::move(options), {}};
  const std::span<float> values(out.W.data(), static_cast<std::size_t>(out.W.size()));
  if (const Status read = widen(*tensor.weight, 0, values); !read) return located(tensor.file, read.error());
  if (const Status finite = check_finite(name, tensor.weight->shape, values); !finite) return located(tensor.file, finite.error());
  const Expected<std::optional<Matrix<float>>> given = given_scales(calibration, tensor);
  if (!given) return given.error();
  if (*given) {
    out.options.scale_rule = ScaleRule::given;
    out.options.group_size = 0;
  }
  const std::string place = fmt::format("{}: tensor '{}'", tensor.file, name);
  if (out.options.method == Method::rtn) {
    Expected<Quantized> result = quantize_rtn(out.W, out.options, *given);
    if (!result) return located(place, result.error());
    out.result = *std::move(result);
    return out;
  }
  Expected<Matrix<double>> G = tensor.calibration->is_gram ? calibration->gram(name)
                                                           : accumulate_gram(std::span(calibration, 1), name);
  if (!G) return G.error();
  const auto tokens = static_cast<Index>(tensor.calibration->tokens);
  Expected<Quantized> result =
      quantize_gptq(out.W, *G, out.options, *given, name, tokens > 0 ? std::optional(tokens) : std::nullopt);
  if (!result) return located(place, result.error());
  out.G = *std::move(G);
  out.result = *std::move(result);
  return out;
}

}  // namespace hallmark::cli
