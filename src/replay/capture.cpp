#include "replay/capture.hpp"

#include <algorithm>
#include <cmath>

#include "base/error_numbers.hpp"
#include "replay/calibration.hpp"
#include "replay/forward.hpp"

namespace hallmark {

std::vector<ActivationSite> activation_sites(const ModelConfig& config) {
  std::vector<ActivationSite> sites;
  const auto add = [&](std::vector<std::string> weights, Index cols) { sites.push_back({weights[0], weights, cols}); };
  add({"bigram.proj.weight"}, config.bigram_dim);
  for (Index i = 0; i < config.layers; ++i) {
    const auto block = "blocks." + std::to_string(i);
    add({block + ".attn.c_q.weight", block + ".attn.c_k.weight", block + ".attn.c_v.weight"}, config.dim);
    add({block + ".attn.proj.weight"}, config.heads * config.head_dim);
    add({block + ".mlp.fc.weight"}, config.dim);
    add({block + ".mlp.proj.weight"}, config.mlp_hidden);
  }
  add({"tok_emb.weight"}, config.dim);
  return sites;
}

ActivationSite bigram_table_site(const ModelConfig& config) {
  return {"bigram.table.weight", {"bigram.table.weight"}, config.bigram_dim};
}

Matrix<float> bigram_table_activations(const Model& model) { return model["bigram.proj.weight"]; }

Status capture_activations(const Model& model, std::span<const std::span<const std::byte>> windows,
                           const ActivationSink& sink) {
  if (windows.empty()) return ok();
  const auto sites = activation_sites(model.config());
  const auto length = static_cast<Index>(windows[0].size());
  const Forward forward(model, length);
  std::vector<Matrix<float>> batch(sites.size());
  for (std::size_t first = 0; first < windows.size(); first += calibration_batch) {
    const auto part = windows.subspan(first, std::min(calibration_batch, windows.size() - first));
    for (std::size_t i = 0; i < sites.size(); ++i)
      batch[i].resize(static_cast<Index>(part.size()) * length, sites[i].cols);
#pragma omp parallel for schedule(dynamic)
    for (std::size_t w = 0; w < part.size(); ++w)
      forward.activations(part[w], [&](std::size_t site, const double* input, Index cols) {
        float* rows = batch[site].data() + static_cast<Index>(w) * length * cols;
        std::transform(input, input + length * cols, rows, [](double value) { return static_cast<float>(value); });
      });
    for (std::size_t i = 0; i < sites.size(); ++i) {
      const auto& values = batch[i];
      for (Index j = 0; j < values.size(); ++j)
        if (!std::isfinite(values.data()[j]))
          return Error{Exit::input, error_number::not_finite, "an activation is not finite",
                       sites[i].name + ": token " + std::to_string(j / sites[i].cols), "check the model's weights"};
      if (auto taken = sink(sites[i], values); !taken) return taken;
    }
  }
  return ok();
}

}  // namespace hallmark
