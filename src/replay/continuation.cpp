#include "replay/continuation.hpp"

#include <algorithm>
#include <cmath>

#include "replay/forward.hpp"
#include "replay/kernels.hpp"

namespace hallmark {

namespace {

std::vector<double> wide(const Matrix<float>& values) { return {values.data(), values.data() + values.size()}; }

std::vector<double> wide_transposed(const Matrix<float>& values) { return wide(values.transpose()); }

std::vector<double> gates(const Matrix<float>& values) {
  std::vector<double> out = wide(values);
  for (double& gate : out) gate = 1 / (1 + std::exp(-gate));
  return out;
}

std::size_t count_of(Index rows, Index cols) { return static_cast<std::size_t>(rows * cols); }

}  // namespace

struct Continuation::Rows {
  Index count;
  Values x, x0, normed, q, k, v, mixed, value;
  std::vector<Values> skips;

  Values linear(const Values& input, const Values& w) const {
    const Index inner = static_cast<Index>(input.size()) / count, cols = static_cast<Index>(w.size()) / inner;
    Values y(count_of(count, cols));
    replay::product(input.data(), inner, w.data(), cols, y.data(), cols, count, inner, cols);
    return y;
  }
  void norm(double epsilon, double scale) {
    normed.resize(x.size());
    replay::rms_norm(x.data(), normed.data(), count, static_cast<Index>(x.size()) / count, epsilon);
    if (scale != 1)
      for (double& each : normed) each *= scale;
  }
  void add(const Values& branch, const Values& scale) {
    for (std::size_t j = 0; j < x.size(); ++j) x[j] += branch[j] * scale[j % scale.size()];
  }
};

std::optional<Continuation::Table> Continuation::table(const Model& model, Index width, const std::string& rows,
                                                       const std::string& name) {
  if (width == 0) return std::nullopt;
  return Table{wide(model[rows]), wide_transposed(model[name + ".proj.weight"]), width,
               static_cast<double>(model[name + ".scale"](0, 0))};
}

Continuation::Continuation(const Model& model, Index window) : config_(model.config()), window_(window) {
  const ModelConfig& c = config_;
  embedding_ = wide(model["tok_emb.weight"]);
  head_ = wide_transposed(model[c.untied_head ? "lm_head.weight" : "tok_emb.weight"]);
  bigram_ = table(model, c.bigram_dim, "bigram.table.weight", "bigram");
  value_ = table(model, c.value_dim, "ve_shared.embed.weight", "ve_shared");
  if (c.smear_gate) smear_ = gates(model["smear.gate"]);
  for (Index i = 0; i < c.layers; ++i) {
    const auto part = [&](const char* name) { return model["blocks." + std::to_string(i) + name]; };
    Layer layer{wide_transposed(part(".attn.c_q.weight")),
                wide_transposed(part(".attn.c_k.weight")),
                wide_transposed(part(".attn.c_v.weight")),
                wide_transposed(part(".attn.proj.weight")),
                wide_transposed(part(".mlp.fc.weight")),
                wide_transposed(part(".mlp.proj.weight")),
                wide(part(".attn.q_gain")),
                wide(part(".attn_scale")),
                wide(part(".mlp_scale")),
                wide(part(".resid_mix_x")),
                wide(part(".resid_mix_x0"))};
    for (double& gain : layer.q_gain) gain /= std::sqrt(static_cast<double>(c.head_dim));
    if (c.ln_scale) layer.norm_scale = 1 / std::sqrt(static_cast<double>(i + 1));
    if (c.value_embedded(i))
      layer.value_scale =
          static_cast<double>(model["ve_layer_scales." + std::to_string(i - (c.layers - c.value_layers))](0, 0));
    layer.exclusive = c.exclusive(i);
    layers_.push_back(std::move(layer));
  }
  for (Index i = 0; i < c.encoders(); ++i) {
    skips_.push_back({wide(model["skip_w." + std::to_string(i)]), {}});
    if (c.skip_gates) skips_.back().gate = gates(model["skip_gate." + std::to_string(i)]);
  }
  for (Index t = 0; t < window; ++t)
    for (Index i = 0; i < c.rope_pairs(); ++i) {
      const double angle = static_cast<double>(t) * rope_frequency(i, 2 * c.rope_pairs(), c.rope_base);
      cosine_.push_back(std::cos(angle));
      sine_.push_back(std::sin(angle));
    }
}

Continuation::Past Continuation::begin(Index windows) const {
  Past past;
  past.windows = windows;
  past.before.assign(count_of(windows, config_.dim), 0.0);
  const std::size_t each = count_of(windows, config_.kv_heads * config_.head_dim * window_);
  past.layers.assign(layers_.size(), {Values(each), Values(each)});
  return past;
}

Continuation::Values Continuation::Table::look_up(std::span<const Index> ids, Index cols) const {
  const auto count = static_cast<Index>(ids.size());
  Values found, out(count_of(count, cols));
  for (const Index id : ids) found.insert(found.end(), &rows[count_of(id, width)], &rows[count_of(id, width)] + width);
  replay::product(found.data(), width, proj.data(), cols, out.data(), cols, count, width, cols);
  for (double& value : out) value *= scale;
  return out;
}

void Continuation::embed(Past& past, std::span<const std::byte> inputs, Rows& rows) const {
  const auto dim = count_of(1, config_.dim);
  std::vector<Index> ids, buckets;
  for (std::size_t b = 0; b < inputs.size(); ++b) {
    const auto id = std::to_integer<std::uint32_t>(inputs[b]);
    ids.push_back(id);
    rows.x.insert(rows.x.end(), &embedding_[id * dim], &embedding_[id * dim] + dim);
    buckets.push_back(past.position == 0 ? config_.bigram_buckets - 1
                                         : bigram_bucket(id, std::to_integer<std::uint32_t>(past.last[b]),
                                                         static_cast<std::uint32_t>(config_.bigram_buckets)));
  }
  if (bigram_) {
    const Values found = bigram_->look_up(buckets, config_.dim);
    for (std::size_t j = 0; j < rows.x.size(); ++j) rows.x[j] += found[j];
  }
  if (value_) rows.value = value_->look_up(ids, config_.kv_heads * config_.head_dim);
  replay::rms_norm(rows.x.data(), rows.x.data(), rows.count, config_.dim, config_.norm_epsilon);
  if (!smear_.empty())
    for (std::size_t j = 0; j < rows.x.size(); ++j) {
      const double own = rows.x[j], gate = smear_[j % dim];
      rows.x[j] = (1 - gate) * own + gate * past.before[j];
      past.before[j] = own;
    }
  rows.x0 = rows.x;
  past.last.assign(inputs.begin(), inputs.end());
}

// Heads of head_dim numbers, all at one position.
void Continuation::rotate(Values& x, Index position) const {
  const Index half = config_.rope_pairs();
  const double* cosine = cosine_.data() + position * half;
  const double* sine = sine_.data() + position * half;
  for (std::size_t head = 0; head < x.size(); head += count_of(1, config_.head_dim))
    for (Index i = 0; i < half; ++i) {
      double &low = x[head + count_of(1, i)], &high = x[head + count_of(1, half + i)];
      const double a = low, b = high;
      low = a * cosine[i] + b * sine[i];
      high = b * cosine[i] - a * sine[i];
    }
}

void Continuation::attend(const Layer& layer, Past& past, Past::Layer& seen, Rows& rows) const {
  const Index width = config_.head_dim, heads = config_.heads, kv = config_.kv_heads, t = past.position;
  replay::rms_norm(rows.q.data(), rows.q.data(), rows.count * heads, width, config_.norm_epsilon);
  replay::rms_norm(rows.k.data(), rows.k.data(), rows.count * kv, width, config_.norm_epsilon);
  rotate(rows.q, t);
  rotate(rows.k, t);
  rows.mixed.resize(rows.q.size());
  Values scores(count_of(1, t + 1));
  for (Index b = 0; b < rows.count; ++b) {
    double* const keys = seen.keys.data() + b * kv * width * window_;
    double* const values = seen.values.data() + b * window_ * kv * width;
    for (Index j = 0; j < kv * width; ++j) {
      keys[j * window_ + t] = rows.k[count_of(b, kv * width) + count_of(1, j)];
      values[t * kv * width + j] = rows.v[count_of(b, kv * width) + count_of(1, j)];
    }
    for (Index h = 0; h < heads; ++h) {
      const Index source = h / (heads / kv);
      double* const q = rows.q.data() + (b * heads + h) * width;
      for (Index i = 0; i < width; ++i) q[i] *= layer.q_gain[static_cast<std::size_t>(h)];
      replay::product(q, width, keys + source * width * window_, window_, scores.data(), t + 1, 1, width, t + 1);
      const double top = *std::ranges::max_element(scores);
      for (double& score : scores) score -= top;
      replay::exponential(scores.data(), t + 1);
      double sum = 0;
      for (const double score : scores) sum += score;
      double* const out = rows.mixed.data() + (b * heads + h) * width;
      replay::product(scores.data(), t + 1, values + source * width, kv * width, out, width, 1, t + 1, width);
      for (Index i = 0; i < width; ++i) out[i] /= sum;
      if (!layer.exclusive) continue;
      const double* const own = values + (t * kv + source) * width;
      double square = 0, along = 0;
      for (Index i = 0; i < width; ++i) square += own[i] * own[i];
      const double length = std::max(std::sqrt(square), 1e-12);
      for (Index i = 0; i < width; ++i) along += out[i] * (own[i] / length);
      for (Index i = 0; i < width; ++i) out[i] -= along * (own[i] / length);
    }
  }
}

void Continuation::block(std::size_t i, Past& past, Rows& rows) const {
  const Layer& layer = layers_[i];
  const std::size_t dim = layer.mix_x.size();
  const auto encoders = static_cast<std::size_t>(config_.encoders());
  if (i >= encoders && !rows.skips.empty()) {
    const auto& [scale, gate] = skips_[i - encoders];
    for (std::size_t j = 0; j < rows.x.size(); ++j) {
      const double scaled = rows.skips.back()[j] * scale[j % dim];
      if (gate.empty()) rows.x[j] += scaled;
      else rows.x[j] = scaled + gate[j % dim] * (rows.x[j] - scaled);
    }
    rows.skips.pop_back();
  }
  for (std::size_t j = 0; j < rows.x.size(); ++j)
    rows.x[j] = rows.x[j] * layer.mix_x[j % dim] + rows.x0[j] * layer.mix_x0[j % dim];
  rows.norm(config_.norm_epsilon, layer.norm_scale);
  rows.q = rows.linear(rows.normed, layer.c_q);
  rows.k = rows.linear(rows.normed, layer.c_k);
  rows.v = rows.linear(rows.normed, layer.c_v);
  if (config_.value_embedded(static_cast<Index>(i)))
    for (std::size_t j = 0; j < rows.v.size(); ++j) rows.v[j] += rows.value[j] * layer.value_scale;
  attend(layer, past, past.layers[i], rows);
  rows.add(rows.linear(rows.mixed, layer.attention_proj), layer.attention_scale);
  rows.norm(config_.norm_epsilon, layer.norm_scale);
  Values hidden = rows.linear(rows.normed, layer.fc);
  for (double& value : hidden) {
    const double kept = value > 0 ? value : config_.leaky_slope * value;
    value = kept * kept;
  }
  rows.add(rows.linear(hidden, layer.mlp_proj), layer.mlp_scale);
  if (i < encoders) rows.skips.push_back(rows.x);
}

Matrix<double> Continuation::next(Past& past, std::span<const std::byte> inputs) const {
  Rows rows{past.windows, {}, {}, {}, {}, {}, {}, {}, {}, {}};
  embed(past, inputs, rows);
  for (std::size_t i = 0; i < layers_.size(); ++i) block(i, past, rows);
  ++past.position;
  rows.norm(config_.norm_epsilon, 1);
  Values z = rows.linear(rows.normed, head_);
  for (double& value : z) value = 2 * (value / config_.logit_softcap);
  replay::exponential(z.data(), static_cast<Index>(z.size()));
  for (double& value : z) value = config_.logit_softcap * (1 - 2 / (value + 1));
  return Eigen::Map<const Matrix<double>>(z.data(), past.windows, config_.vocab);
}

}  // namespace hallmark
