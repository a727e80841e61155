#include "pipeline/quantize_matrix.hpp"

#include "artifact/rotation_signs.hpp"
#include "certify/one_opt.hpp"

namespace hallmark {

Expected<JudgedMatrix> quantize_matrix(const Layer& layer, const Options& options, const std::optional<Steps>& given,
                                       const Demands& demands, Backend* backend) {
  JudgedMatrix out;
  ContractChecker checker(demands.contracts);
  if (demands.certify)
    out.seen = std::make_unique<CertificateObserver>(reads_gram(options) ? layer.G : nullptr, options, demands.exact,
                                                     demands.bounds, demands.tell);
  Observers watching{out.seen.get(), demands.contracts == contracts::Policy::off ? nullptr : &checker};
  const std::vector<float> signs = rotation_signs(options, layer.name, layer.W.cols());
  Layer turned = layer;
  turned.signs = signs;
  Expected<Quantized> result = quantize(turned, options, given, watching.empty() ? nullptr : &watching, backend);
  if (!result) return result.error();
  out.result = *std::move(result);
  out.contracts = checker.report();
  if (demands.optimality && out.seen && !out.seen->values.empty()) {
    const std::vector<Optimality> rows = optimality(layer.W, *layer.G, options, out.result.steps);
    for (std::size_t i = 0; i < rows.size(); ++i) out.seen->values[i].optimality = rows[i];
  }
  if (demands.one_opt && out.seen && !out.seen->values.empty()) {
    const auto rows = one_opt(layer.W, *layer.G, options, out.result.steps, out.result.codes);
    for (std::size_t i = 0; i < rows.size(); ++i) out.seen->values[i].one_opt = rows[i];
  }
  return out;
}

}  // namespace hallmark
