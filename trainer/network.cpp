#include "network.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "method/quantize.hpp"
#include "method/rtn.hpp"

namespace hallmark::trainer {

namespace {

// Half-split pairs (i, i + half) of the first 2 half of x [batch, heads, time, D].
torch::Tensor rotate(const torch::Tensor& x, std::int64_t half, double base) {
  const auto time = x.size(2);
  const auto options = torch::TensorOptions().dtype(torch::kFloat64).device(x.device());
  const auto frequency = torch::pow(base, -torch::arange(half, options) / static_cast<double>(half));
  const auto angle = torch::outer(torch::arange(time, options), frequency);
  const auto cosine = angle.cos().to(x.dtype()), sine = angle.sin().to(x.dtype());
  const auto low = x.slice(-1, 0, half), high = x.slice(-1, half, 2 * half);
  return torch::cat({low * cosine + high * sine, high * cosine - low * sine, x.slice(-1, 2 * half)}, -1);
}

torch::Tensor causal_attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
#if TORCH_VERSION_MAJOR >= 2
  return at::scaled_dot_product_attention(q, k, v, {}, 0.0, true);
#else
  const auto time = q.size(2);
  const auto mask = torch::ones({time, time}, q.options().dtype(torch::kBool)).triu(1);
  const auto scores = torch::matmul(q, k.transpose(-2, -1)) / std::sqrt(static_cast<double>(q.size(3)));
  return torch::matmul(scores.masked_fill(mask, -INFINITY).softmax(-1), v);
#endif
}

// y minus its part along v, in every head and position: y . v / |v|^2 of v is taken away.
torch::Tensor excluded(const torch::Tensor& y, const torch::Tensor& v) {
  const auto unit = v / v.norm(2, -1, true).clamp_min(1e-12);
  return y - (y * unit).sum(-1, true) * unit;
}

// What a vector starts with; 1 where nothing is said.
double first_value(const std::string& name) {
  if (name.ends_with(".q_gain")) return 1.5;
  if (name == "ve_shared.scale") return 0.1;
  return name.ends_with(".resid_mix_x0") || name == "smear.gate" || name.starts_with("skip_gate.") ? 0.0 : 1.0;
}

}  // namespace

bool is_block_matrix(const std::string& name, const torch::Tensor& weight) {
  return name.starts_with("blocks.") && weight.dim() == 2;
}

Matrix<float> to_matrix(const torch::Tensor& weight) {
  const auto values = weight.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  const Index rows = values.dim() == 2 ? values.size(0) : 1;
  return Eigen::Map<const Matrix<float>>(values.data_ptr<float>(), rows, values.numel() / rows);
}

torch::Tensor to_tensor(const Matrix<float>& values, const torch::Tensor& like) {
  auto tensor = torch::empty(like.sizes(), torch::kFloat32);
  std::copy_n(values.data(), values.size(), tensor.data_ptr<float>());
  return tensor.to(like.device());
}

Network::Network(const ModelConfig& config, std::uint64_t seed, torch::Device device, bool orthogonal,
                 std::int64_t layers)
    : config_(config), layers_(std::min(layers, config.layers)) {
  torch::manual_seed(seed);
  for (const auto& [name, weight] : zero_weights(config)) {
    const std::int64_t rows = weight.values.rows(), cols = weight.values.cols();
    torch::Tensor value;  // drawn on the CPU, then moved: the start is the same on every device
    if (weight.rank == 2) {
      const bool embedding = name == "tok_emb.weight" || name == "bigram.table.weight" ||
                             name == "ve_shared.embed.weight" || name == "lm_head.weight";
      const bool block = name.starts_with("blocks.");
      const bool output = name == "ve_shared.proj.weight" || (block && name.ends_with(".proj.weight"));
      if (output) value = torch::zeros({rows, cols});
      else if (block && orthogonal) value = torch::nn::init::orthogonal_(torch::empty({rows, cols}));
      else value = torch::randn({rows, cols}) * (embedding ? 0.02 : 1.0 / std::sqrt(static_cast<double>(cols)));
    } else {
      value = torch::full({cols}, first_value(name));
    }
    parameters_[name] = value.to(device).requires_grad_(true);
  }
  torch::NoGradGuard no_gradient;
  for (std::int64_t i = 0; i < config.encoders(); ++i)
    if (!used(config.encoders() - 1 - i) || !used(config.encoders() + i))
      parameters_["skip_w." + std::to_string(i)].zero_();
}

bool Network::used(std::int64_t layer) const {
  return layer < layers_ / 2 || layer >= config_.layers - (layers_ - layers_ / 2);
}

Status Network::quantize(const Options& options) {
  for (auto& [name, weight] : parameters_) {
    if (!is_block_matrix(name, weight)) continue;
    const auto result = quantize_rtn(to_matrix(weight), options, std::nullopt, name);
    if (!result) return result.error();
    const auto exported = to_tensor(dequantize(result->codes, result->steps, options.grid), weight);
    rounded_[name] = exported + (weight - weight.detach());  // its value is the exported one, exactly
  }
  return ok();
}

// RMSNorm without weights, over the last axis.
torch::Tensor Network::norm(const torch::Tensor& x) const {
  return x * torch::rsqrt(x.square().mean(-1, true) + config_.norm_epsilon);
}

// That of a block, which LN scale makes smaller with depth.
torch::Tensor Network::norm(const torch::Tensor& x, std::int64_t layer) const {
  return config_.ln_scale ? norm(x) / std::sqrt(static_cast<double>(layer + 1)) : norm(x);
}

torch::Tensor Network::attention(std::int64_t layer, const torch::Tensor& x, const torch::Tensor& ids) const {
  const auto block = "blocks." + std::to_string(layer);
  const auto batch = x.size(0), time = x.size(1), group = config_.heads / config_.kv_heads;
  auto heads = [&](const torch::Tensor& flat, std::int64_t count) {
    return flat.view({batch, time, count, config_.head_dim}).transpose(1, 2);
  };
  auto turned = [&](const char* weight, std::int64_t count) {
    return rotate(norm(heads(torch::linear(x, at(block + weight)), count)), config_.rope_pairs(), config_.rope_base);
  };
  const auto q = turned(".attn.c_q.weight", config_.heads) * at(block + ".attn.q_gain").view({1, -1, 1, 1});
  const auto k = turned(".attn.c_k.weight", config_.kv_heads);
  auto values = torch::linear(x, at(block + ".attn.c_v.weight"));
  if (config_.value_embedded(layer)) {
    const auto rows = torch::embedding(at("ve_shared.embed.weight"), ids);
    const auto own = at("ve_layer_scales." + std::to_string(layer - (config_.layers - config_.value_layers)));
    values = values + torch::linear(rows, at("ve_shared.proj.weight")) * at("ve_shared.scale") * own;
  }
  // Query head h reads key-value head floor(h / group).
  const auto v = heads(values, config_.kv_heads).repeat_interleave(group, 1);
  auto y = causal_attention(q, k.repeat_interleave(group, 1), v);
  if (config_.exclusive(layer)) y = excluded(y, v);
  return torch::linear(y.transpose(1, 2).reshape({batch, time, -1}), at(block + ".attn.proj.weight"));
}

torch::Tensor Network::block(std::int64_t i, torch::Tensor x, const torch::Tensor& x0, const torch::Tensor& ids) const {
  const auto name = "blocks." + std::to_string(i);
  x = x * at(name + ".resid_mix_x") + x0 * at(name + ".resid_mix_x0");
  x = x + attention(i, norm(x, i), ids) * at(name + ".attn_scale");
  const auto hidden =
      torch::leaky_relu(torch::linear(norm(x, i), at(name + ".mlp.fc.weight")), config_.leaky_slope).square();
  return x + torch::linear(hidden, at(name + ".mlp.proj.weight")) * at(name + ".mlp_scale");
}

torch::Tensor Network::bigram(const torch::Tensor& ids) const {
  const auto buckets = config_.bigram_buckets;
  const auto current = ids.slice(1, 1) * 36313, previous = ids.slice(1, 0, ids.size(1) - 1) * 27191;
  const auto hash = torch::bitwise_xor(current, previous).remainder(buckets - 1);
  const auto bucket = torch::cat({torch::full({ids.size(0), 1}, buckets - 1, ids.options()), hash}, 1);
  return torch::linear(torch::embedding(at("bigram.table.weight"), bucket), at("bigram.proj.weight")) *
         at("bigram.scale");
}

torch::Tensor Network::embed(const torch::Tensor& ids) const {
  auto x = torch::embedding(at("tok_emb.weight"), ids);
  if (config_.bigram_dim > 0) x = x + bigram(ids);
  x = norm(x);
  if (!config_.smear_gate) return x;
  const auto gate = at("smear.gate").sigmoid();
  const auto before = torch::cat({torch::zeros_like(x.slice(1, 0, 1)), x.slice(1, 0, x.size(1) - 1)}, 1);
  return (1 - gate) * x + gate * before;
}

torch::Tensor Network::skip(std::int64_t decoder, const torch::Tensor& x, const torch::Tensor& from) const {
  const auto scaled = from * at("skip_w." + std::to_string(decoder));
  if (!config_.skip_gates) return x + scaled;
  return scaled + at("skip_gate." + std::to_string(decoder)).sigmoid() * (x - scaled);
}

torch::Tensor Network::loss(const torch::Tensor& windows) const {
  const auto ids = windows.slice(1, 0, windows.size(1) - 1);
  auto x = embed(ids);
  const auto x0 = x;
  std::vector<torch::Tensor> skips;
  const auto encoders = config_.encoders();
  for (std::int64_t i = 0; i < config_.layers; ++i) {
    if (i >= encoders && !skips.empty()) {
      if (used(i) && used(2 * encoders - 1 - i)) x = skip(i - encoders, x, skips.back());
      skips.pop_back();
    }
    if (used(i)) x = block(i, x, x0, ids);
    if (i < encoders) skips.push_back(x);
  }
  const auto scores = torch::linear(norm(x), at(config_.untied_head ? "lm_head.weight" : "tok_emb.weight"));
  const auto logits = config_.logit_softcap * torch::tanh(scores / config_.logit_softcap);
  return torch::cross_entropy_loss(logits.reshape({-1, config_.vocab}), windows.slice(1, 1).reshape({-1}));
}

}  // namespace hallmark::trainer
