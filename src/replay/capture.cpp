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
  if (config.bigram_dim > 0) add({"bigram.proj.weight"}, config.bigram_dim);
  if (config.value_dim > 0) add({"ve_shared.proj.weight"}, config.value_dim);
  for (Index i = 0; i < config.layers; ++i) {
    const auto block = "blocks." + std::to_string(i);
    add({block + ".attn.c_q.weight", block + ".attn.c_k.weight", block + ".attn.c_v.weight"}, config.dim);
    add({block + ".attn.proj.weight"}, config.heads * config.head_dim);
    add({block + ".mlp.fc.weight"}, config.dim);
    add({block + ".mlp.proj.weight"}, config.mlp_hidden);
  }
  add({config.untied_head ? "lm_head.weight" : "tok_emb.weight"}, config.dim);
  return sites;
}

std::vector<ActivationSite> table_sites(const ModelConfig& config) {
  std::vector<ActivationSite> sites;
  const auto add = [&](const std::string& name, Index cols) { sites.push_back({name, {name}, cols}); };
  if (config.bigram_dim > 0) add("bigram.table.weight", config.bigram_dim);
  if (config.value_dim > 0) add("ve_shared.embed.weight", config.value_dim);
  if (config.untied_head) add("tok_emb.weight", config.dim);
  return sites;
}

Matrix<float> table_activations(const Model& model, const ActivationSite& table) {
  if (table.name == "tok_emb.weight") return Matrix<float>::Identity(table.cols, table.cols);
  return model[table.name.substr(0, table.name.find('.')) + ".proj.weight"];
}

namespace {

// Writes the input of a site for one window into its rows of a batch.
void round_into(const double* input, Index length, Index cols, Matrix<float>& batch, Index window) {
  std::transform(input, input + length * cols, batch.data() + window * length * cols,
                 [](double value) { return static_cast<float>(value); });
}

Status check_batch(const Matrix<float>& values, const ActivationSite& site) {
  for (Index j = 0; j < values.size(); ++j)
    if (!std::isfinite(values.data()[j]))
      return Error{Exit::input, error_number::not_finite, "an activation is not finite",
                   site.name + ": token " + std::to_string(j / values.cols()), "check the model's weights"};
  return ok();
}

}  // namespace

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
        round_into(input, length, cols, batch[site], static_cast<Index>(w));
      });
    for (std::size_t i = 0; i < sites.size(); ++i) {
      const auto& values = batch[i];
      if (auto finite = check_batch(values, sites[i]); !finite) return finite;
      if (auto taken = sink(sites[i], values); !taken) return taken;
    }
  }
  return ok();
}

Status capture_side_by_side(const Model& first, const Model& second,
                            std::span<const std::span<const std::byte>> windows, std::size_t site,
                            const std::function<Status(MatrixRef<float>, MatrixRef<float>)>& sink) {
  if (windows.empty()) return ok();
  const ActivationSite place = activation_sites(first.config())[site];
  const auto length = static_cast<Index>(windows[0].size());
  const Forward forwards[] = {{first, length}, {second, length}};
  for (std::size_t begin = 0; begin < windows.size(); begin += calibration_batch) {
    const auto part = windows.subspan(begin, std::min(calibration_batch, windows.size() - begin));
    const auto tokens = static_cast<Index>(part.size()) * length;
    Matrix<float> inputs[] = {Matrix<float>(tokens, place.cols), Matrix<float>(tokens, place.cols)};
#pragma omp parallel for schedule(dynamic)
    for (std::size_t w = 0; w < part.size(); ++w)
      for (std::size_t m = 0; m < 2; ++m)
        forwards[m].activations(
            part[w],
            [&](std::size_t at, const double* input, Index cols) {
              if (at == site) round_into(input, length, cols, inputs[m], static_cast<Index>(w));
            },
            site);
    for (const Matrix<float>& values : inputs)
      if (auto finite = check_batch(values, place); !finite) return finite;
    if (auto taken = sink(inputs[0], inputs[1]); !taken) return taken;
  }
  return ok();
}

}  // namespace hallmark
