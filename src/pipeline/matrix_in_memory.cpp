#include "pipeline/matrix_in_memory.hpp"

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "io/sha256.hpp"

namespace hallmark {
namespace {

// What quantize needs and was not given, before the plan speaks of calibration files.
Status check_given(const MatrixInMemory& in, RuleSet& rules) {
  if (in.G) return ok();
  const Expected<Resolved> resolved = rules.resolve(in.name);
  if (!resolved) return resolved.error();
  if (!reads_gram(resolved->options)) return ok();
  const Options& options = resolved->options;
  return Error{Exit::usage, error_number::no_calibration,
               options.method == "rtn" ? fmt::format("scale rule {} needs calibration", options.scale_rule)
                                       : fmt::format("{} needs calibration", options.method),
               fmt::format("no Gram matrix of '{}'", in.name), "a Gram matrix of the layer's inputs, or method rtn"};
}

}  // namespace

Expected<CertifiedMatrix> quantize_in_memory(const MatrixInMemory& in, RuleSet& rules, const Demands& demands) {
  if (const Status given = check_given(in, rules); !given) return given.error();
  const std::span values(in.W, static_cast<std::size_t>(in.rows * in.cols));
  const TensorInfo tensor{in.name,
                          DType::F32,
                          {static_cast<std::uint64_t>(in.rows), static_cast<std::uint64_t>(in.cols)},
                          std::as_bytes(values)};
  const CalibrationEntry entry{.is_gram = true,
                               .cols = static_cast<std::uint64_t>(in.gram_cols),
                               .tokens = in.tokens,
                               .no_token = in.no_token,
                               .crossed = in.C != nullptr};
  const Expected<PlannedMatrix> planned = plan_matrix(tensor, in.G ? &entry : nullptr, rules);
  if (!planned) return planned.error();
  LoadedMatrix loaded{HeldMatrix<float>(in.W, in.rows, in.cols), std::nullopt, std::nullopt, std::nullopt, {}};
  const bool calibrated = in.G && planned->uses_gram();
  if (calibrated) loaded.G.emplace(in.G, in.gram_cols, in.gram_cols);
  if (calibrated && planned->matrix.options.target != plain_target)
    loaded.cross.emplace(CrossGrams{{in.C, in.gram_cols, in.gram_cols}, {in.K, in.gram_cols, in.gram_cols}});
  Expected<QuantizedTensor> quantized = quantize_loaded(*planned, std::move(loaded), calibrated, demands);
  if (!quantized) return quantized.error();
  if (const Status good = check_judged(*planned, quantized->judged); !good) return good.error();
  quantized->weights_sha256 = sha256_hex(tensor.data);
  CertifiedTensor certificate = certified_tensor(*planned, *quantized);
  Quantized& result = quantized->judged.result;
  const StoredDigests digests = stored_digests(planned->matrix, result.codes, result.steps);
  certificate.codes_sha256 = digests.codes;
  certificate.scales_sha256 = digests.scales;
  certificate.zeros_sha256 = digests.zeros;
  certificate.rotated_sha256 = digests.rotated;
  certificate.low_rank_sha256 = digests.low_rank;
  return CertifiedMatrix{planned->matrix, std::move(result), std::move(certificate)};
}

}  // namespace hallmark
