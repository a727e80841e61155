#include "network.hpp"

#include <cmath>
#include <vector>

namespace hallmark::trainer {

namespace {

// Half-split pairs (i, i + D/2) of x [batch, heads, time, D].
torch::Tensor rotate(const torch::Tensor& x, double base) {
  const auto time = x.size(2), half = x.size(3) / 2;
  const auto options = torch::TensorOptions().dtype(torch::kFloat64).device(x.device());
  const auto frequency = torch::pow(base, -torch::arange(half, options) / static_cast<double>(half));
  const auto angle = torch::outer(torch::arange(time, options), frequency);
  const auto cosine = angle.cos().to(x.dtype()), sine = angle.sin().to(x.dtype());
  const auto parts = x.chunk(2, -1);
  return torch::cat({parts[0] * cosine + parts[1] * sine, parts[1] * cosine - parts[0] * sine}, -1);
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

}  // namespace

Network::Network(const ModelConfig& config, std::uint64_t seed, torch::Device device) : config_(config) {
  torch::manual_seed(seed);
  const auto named = [](const std::string& name, const char* ending) { return name.ends_with(ending); };
  for (const auto& [name, weight] : zero_weights(config)) {
    const std::int64_t rows = weight.values.rows(), cols = weight.values.cols();
    torch::Tensor value;  // drawn on the CPU, then moved: the start is the same on every device
    if (weight.rank == 2) {
      const bool embedding = name == "tok_emb.weight" || name == "bigram.table.weight";
      const bool output = name.starts_with("blocks.") && named(name, ".proj.weight");
      if (output) value = torch::zeros({rows, cols});
      else value = torch::randn({rows, cols}) * (embedding ? 0.02 : 1.0 / std::sqrt(static_cast<double>(cols)));
    } else {
      value = torch::full({cols}, named(name, ".q_gain") ? 1.5 : named(name, ".resid_mix_x0") ? 0.0 : 1.0);
    }
    parameters_[name] = value.to(device).requires_grad_(true);
  }
}

// RMSNorm without weights, over the last axis.
torch::Tensor Network::norm(const torch::Tensor& x) const {
  return x * torch::rsqrt(x.square().mean(-1, true) + config_.norm_epsilon);
}

torch::Tensor Network::attention(const std::string& block, const torch::Tensor& x) const {
  const auto batch = x.size(0), time = x.size(1), group = config_.heads / config_.kv_heads;
  auto heads = [&](const char* weight, std::int64_t count) {
    return torch::linear(x, at(block + weight)).view({batch, time, count, config_.head_dim}).transpose(1, 2);
  };
  auto q = rotate(norm(heads(".attn.c_q.weight", config_.heads)), config_.rope_base);
  q = q * at(block + ".attn.q_gain").view({1, -1, 1, 1});
  const auto k = rotate(norm(heads(".attn.c_k.weight", config_.kv_heads)), config_.rope_base);
  const auto v = heads(".attn.c_v.weight", config_.kv_heads);
  // Query head h reads key-value head floor(h / group).
  const auto y = causal_attention(q, k.repeat_interleave(group, 1), v.repeat_interleave(group, 1));
  return torch::linear(y.transpose(1, 2).reshape({batch, time, -1}), at(block + ".attn.proj.weight"));
}

torch::Tensor Network::block(std::int64_t i, torch::Tensor x, const torch::Tensor& x0) const {
  const auto name = "blocks." + std::to_string(i);
  x = x * at(name + ".resid_mix_x") + x0 * at(name + ".resid_mix_x0");
  x = x + attention(name, norm(x)) * at(name + ".attn_scale");
  const auto hidden = torch::linear(norm(x), at(name + ".mlp.fc.weight")).relu().square();
  return x + torch::linear(hidden, at(name + ".mlp.proj.weight")) * at(name + ".mlp_scale");
}

torch::Tensor Network::embed(const torch::Tensor& ids) const {
  const auto buckets = config_.bigram_buckets;
  const auto current = ids.slice(1, 1) * 36313, previous = ids.slice(1, 0, ids.size(1) - 1) * 27191;
  const auto hash = torch::bitwise_xor(current, previous).remainder(buckets - 1);
  const auto bucket = torch::cat({torch::full({ids.size(0), 1}, buckets - 1, ids.options()), hash}, 1);
  const auto bigram = torch::linear(torch::embedding(at("bigram.table.weight"), bucket), at("bigram.proj.weight"));
  return torch::embedding(at("tok_emb.weight"), ids) + bigram * at("bigram.scale");
}

torch::Tensor Network::loss(const torch::Tensor& windows) const {
  const auto time = windows.size(1) - 1;
  auto x = norm(embed(windows.slice(1, 0, time)));
  const auto x0 = x;
  std::vector<torch::Tensor> skips;
  const auto encoders = config_.encoders();
  for (std::int64_t i = 0; i < config_.layers; ++i) {
    if (i >= encoders && !skips.empty()) {
      x = x + skips.back() * at("skip_w." + std::to_string(i - encoders));
      skips.pop_back();
    }
    x = block(i, x, x0);
    if (i < encoders) skips.push_back(x);
  }
  const auto scores = torch::linear(norm(x), at("tok_emb.weight"));
  const auto logits = config_.logit_softcap * torch::tanh(scores / config_.logit_softcap);
  return torch::cross_entropy_loss(logits.reshape({-1, 256}), windows.slice(1, 1).reshape({-1}));
}

}  // namespace hallmark::trainer
