#include "pipeline/quantize_tensor.hpp"

#include <fmt/format.h>

#include "pipeline/accumulate.hpp"
#include "pipeline/beside.hpp"
#include "io/sha256.hpp"
#include "linalg/buffer.hpp"
#include "method/gptq.hpp"
#include "method/rtn.hpp"

namespace hallmark {
namespace {

/// The scales that C gives for this tensor, one per row.
Expected<std::optional<Matrix<float>>> given_scales(const CalibrationFile* calibration, const PlannedTensor& tensor) {
  if (!tensor.calibration || !tensor.calibration->has_scale) return std::optional<Matrix<float>>{};
  const Expected<std::vector<float>> scale = calibration->scale(tensor.weight->name);
  if (!scale) return scale.error();
  return std::optional<Matrix<float>>(Eigen::Map<const Matrix<float>>(scale->data(), tensor.rows, 1));
}

}  // namespace

Expected<QuantizedTensor> quantize_tensor(const PlannedTensor& tensor, const CalibrationFile* calibration,
                                          Options options, ExactRows exact, contracts::Policy policy,
                                          cuda::EngineBackend* device) {
  ContractChecker checker(policy);
  ContractChecker* const contracts = policy == contracts::Policy::off ? nullptr : &checker;
  const std::string& name = tensor.weight->name;
  QuantizedTensor out{
      fresh_matrix<float>(tensor.rows, tensor.cols), "", "", std::nullopt, std::move(options), {}, nullptr, {}};
  const std::span<float> values(out.W.data(), static_cast<std::size_t>(out.W.size()));
  if (const Status read = widen(*tensor.weight, 0, values); !read) return located(tensor.file, read.error());
  if (const Status finite = check_finite(name, tensor.weight->shape, values); !finite)
    return located(tensor.file, finite.error());
  const Expected<std::optional<Matrix<float>>> given = given_scales(calibration, tensor);
  if (!given) return given.error();
  if (*given) {
    out.options.scale_rule = ScaleRule::given;
    out.options.group_size = 0;
  }
  const std::string place = fmt::format("{}: tensor '{}'", tensor.file, name);
  if (out.options.method == Method::rtn) {
    out.seen = std::make_unique<CertificateObserver>(nullptr, out.options, exact);
    Observers watching{out.seen.get(), contracts};
    Expected<Quantized> result = quantize_rtn(out.W, out.options, *given, name, &watching);
    if (!result) return located(place, result.error());
    out.result = *std::move(result);
    out.contracts = checker.report();
    return out;
  }
  std::optional<GramSample> sample;
  if (contracts && !tensor.calibration->is_gram) sample.emplace(out.W, contracts->policy());
  Expected<Matrix<double>> G = tensor.calibration->is_gram
                                   ? calibration->gram(name)
                                   : accumulate_gram(std::span(calibration, 1), name, sample ? &*sample : nullptr,
                                                     device ? &device->engine() : nullptr);
  if (!G) return G.error();
  if (sample) sample->judge(name, *G, contracts->report());
  sample.reset();
  out.G = *std::move(G);
  std::future<std::string> digest;
  if (!calibration->stored_as_used(name))
    digest = beside(
        [&G = *out.G] { return sha256_hex(std::as_bytes(std::span(G.data(), static_cast<std::size_t>(G.size())))); });
  out.seen = std::make_unique<CertificateObserver>(&*out.G, out.options, exact);
  Observers watching{out.seen.get(), contracts};
  const auto tokens = static_cast<Index>(tensor.calibration->tokens);
  Expected<Quantized> result = quantize_gptq(out.W, *out.G, out.options, *given, name,
                                             tokens > 0 ? std::optional(tokens) : std::nullopt, &watching, device);
  if (!result) return located(place, result.error());
  out.result = *std::move(result);
  out.contracts = checker.report();
  if (digest.valid()) out.gram_sha256 = digest.get();
  return out;
}

CertificateHeader certificate_header(const QuantizedHeader& header, contracts::Policy policy) {
  return {header.tool,       header.source_sha256, header.calibration_sha256,
          header.grid,       header.method,        header.scale_rule,
          header.group_size, header.block_size,    header.damp_percent,
          header.desc_act,   header.guard,         std::string(contracts::to_string(policy))};
}

CertifiedTensor certified_tensor(const PlannedTensor& tensor, QuantizedTensor& quantized) {
  CertifiedTensor out;
  out.name = tensor.weight->name;
  out.rows = tensor.weight->shape[0];
  out.cols = tensor.weight->shape[1];
  out.weights_sha256 = quantized.weights_sha256;
  out.gram_sha256 = quantized.gram_sha256;
  out.scale_rule = to_string(quantized.options.scale_rule);
  out.calibration = tensor.calibration_kind();
  out.tokens = tensor.calibration ? tensor.calibration->tokens : 0;
  out.lambda = quantized.result.lambda;
  out.dead_columns = static_cast<std::uint64_t>(quantized.result.dead_columns);
  out.clipped = static_cast<std::uint64_t>(quantized.result.clipped);
  out.guard_rows = static_cast<std::uint64_t>(quantized.result.guard_rows);
  for (const auto& [contract, count] : quantized.contracts.counts())
    out.contracts.push_back({contract, std::string(count.theorem),
                             static_cast<std::uint64_t>(count.by_binary64 + count.by_twice_binary64),
                             static_cast<std::uint64_t>(count.by_exact)});
  out.values = std::move(quantized.seen->values);
  return out;
}

}  // namespace hallmark
