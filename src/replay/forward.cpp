#include "replay/forward.hpp"

#include <algorithm>
#include <cmath>

#include "replay/kernels.hpp"

namespace hallmark {

namespace {

using replay::exponential;
using replay::product;
using replay::rms_norm;

constexpr Index attention_rows = 32;  // rows of scores that are at hand at a time; no result depends on it

std::vector<double> widened(const Matrix<float>& values) { return {values.data(), values.data() + values.size()}; }

std::vector<double> transposed(const Matrix<float>& values) {
  const Matrix<float> other = values.transpose();
  return widened(other);
}

}  // namespace

std::uint32_t bigram_bucket(std::uint32_t current, std::uint32_t previous, std::uint32_t buckets) {
  return ((36313 * current) ^ (27191 * previous)) % (buckets - 1);
}

double rope_frequency(Index i, Index head_dim, double base) {
  return std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
}

// The residual stream and everything beside it, for one window.
struct Forward::Scratch {
  Index tokens;
  std::vector<double> x, x0, normed, q, k, v, mixed, hidden, branch, keys, scores;
  std::vector<std::vector<double>> skips;

  Scratch(const ModelConfig& c, Index n)
      : tokens(n),
        x(size(n, c.dim)),
        x0(x),
        normed(x),
        q(size(n, c.heads * c.head_dim)),
        k(size(n, c.kv_heads * c.head_dim)),
        v(k),
        mixed(q),
        hidden(size(n, c.mlp_hidden)),
        branch(x),
        keys(size(n, c.head_dim)),
        scores(size(attention_rows, n)) {}

  static std::size_t size(Index rows, Index cols) { return static_cast<std::size_t>(rows * cols); }
  // y = x w for a transposed weight w [inner, cols].
  void linear(const std::vector<double>& input, const std::vector<double>& w, std::vector<double>& y) const {
    const Index inner = static_cast<Index>(input.size()) / tokens, cols = static_cast<Index>(y.size()) / tokens;
    product(input.data(), inner, w.data(), cols, y.data(), cols, tokens, inner, cols);
  }
  void norm(const std::vector<double>& from, std::vector<double>& to, double epsilon) const {
    rms_norm(from.data(), to.data(), tokens, static_cast<Index>(from.size()) / tokens, epsilon);
  }
};

Forward::Forward(const Model& model, Index window) : config_(model.config()) {
  const auto& c = config_;
  embedding_ = widened(model["tok_emb.weight"]);
  embedding_transposed_ = transposed(model["tok_emb.weight"]);
  table_ = widened(model["bigram.table.weight"]);
  bigram_proj_ = transposed(model["bigram.proj.weight"]);
  bigram_scale_ = static_cast<double>(model["bigram.scale"](0, 0));
  for (Index i = 0; i < c.layers; ++i) {
    const auto name = "blocks." + std::to_string(i);
    Layer layer{transposed(model[name + ".attn.c_q.weight"]), transposed(model[name + ".attn.c_k.weight"]),
                transposed(model[name + ".attn.c_v.weight"]), transposed(model[name + ".attn.proj.weight"]),
                transposed(model[name + ".mlp.fc.weight"]),   transposed(model[name + ".mlp.proj.weight"]),
                widened(model[name + ".attn.q_gain"]),        widened(model[name + ".attn_scale"]),
                widened(model[name + ".mlp_scale"]),          widened(model[name + ".resid_mix_x"]),
                widened(model[name + ".resid_mix_x0"])};
    for (double& gain : layer.q_gain) gain /= std::sqrt(static_cast<double>(c.head_dim));
    layers_.push_back(std::move(layer));
  }
  for (Index i = 0; i < c.encoders(); ++i) skips_.push_back(widened(model["skip_w." + std::to_string(i)]));
  for (Index t = 0; t < window; ++t)
    for (Index i = 0; i < c.head_dim / 2; ++i) {
      const double angle = static_cast<double>(t) * rope_frequency(i, c.head_dim, c.rope_base);
      cosine_.push_back(std::cos(angle));
      sine_.push_back(std::sin(angle));
    }
}

void Forward::embed(std::span<const std::byte> inputs, Scratch& s, const Tap& tap) const {
  const Index dim = config_.dim, width = config_.bigram_dim;
  const auto buckets = static_cast<std::uint32_t>(config_.bigram_buckets);
  std::vector<double> rows(Scratch::size(s.tokens, width));
  for (std::size_t t = 0; t < inputs.size(); ++t) {
    const auto current = std::to_integer<std::uint32_t>(inputs[t]);
    const Index row = t == 0 ? config_.bigram_buckets - 1
                             : Index{bigram_bucket(current, std::to_integer<std::uint32_t>(inputs[t - 1]), buckets)};
    std::copy_n(table_.data() + row * width, width, rows.data() + static_cast<Index>(t) * width);
  }
  if (tap) tap(0, rows.data(), width);
  s.linear(rows, bigram_proj_, s.branch);
  for (std::size_t t = 0; t < inputs.size(); ++t) {
    const double* token = embedding_.data() + std::to_integer<Index>(inputs[t]) * dim;
    const std::size_t row = t * static_cast<std::size_t>(dim);
    for (std::size_t k = 0; k < static_cast<std::size_t>(dim); ++k)
      s.x[row + k] = token[k] + s.branch[row + k] * bigram_scale_;
  }
  s.norm(s.x, s.x, config_.norm_epsilon);
  s.x0 = s.x;
}

// Turns the pairs (i, i + D/2) of every head: (a, b) -> (a cos + b sin, b cos - a sin).
void Forward::rotate(std::vector<double>& x, Index tokens, Index heads) const {
  const Index half = config_.head_dim / 2;
  for (Index t = 0; t < tokens; ++t) {
    const double* cosine = cosine_.data() + t * half;
    const double* sine = sine_.data() + t * half;
    for (Index h = 0; h < heads; ++h) {
      double* low = x.data() + (t * heads + h) * 2 * half;
      double* high = low + half;
      for (Index i = 0; i < half; ++i) {
        const double a = low[i], b = high[i];
        low[i] = a * cosine[i] + b * sine[i];
        high[i] = b * cosine[i] - a * sine[i];
      }
    }
  }
}

// s.mixed = softmax(q k^T) v for every head, causal; query head h reads key-value head floor(h / group).
void Forward::attention(const Layer& layer, Scratch& s) const {
  const Index n = s.tokens, width = config_.head_dim, heads = config_.heads, kv = config_.kv_heads;
  rms_norm(s.q.data(), s.q.data(), n * heads, width, config_.norm_epsilon);
  rms_norm(s.k.data(), s.k.data(), n * kv, width, config_.norm_epsilon);
  rotate(s.q, n, heads);
  rotate(s.k, n, kv);
  for (Index h = 0; h < heads; ++h) {
    const Index source = h / (heads / kv);
    const double gain = layer.q_gain[static_cast<std::size_t>(h)];
    for (Index t = 0; t < n; ++t)
      for (Index i = 0; i < width; ++i) {
        s.q[static_cast<std::size_t>((t * heads + h) * width + i)] *= gain;
        s.keys[static_cast<std::size_t>(i * n + t)] = s.k[static_cast<std::size_t>((t * kv + source) * width + i)];
      }
    for (Index first = 0; first < n; first += attention_rows) {
      const Index rows = std::min(attention_rows, n - first), seen = first + rows;
      product(s.q.data() + (first * heads + h) * width, heads * width, s.keys.data(), n, s.scores.data(), n, rows,
              width, seen);
      double sums[attention_rows];
      for (Index r = 0; r < rows; ++r) {
        double* row = s.scores.data() + r * n;
        const Index count = first + r + 1;
        const double top = *std::max_element(row, row + count);
        for (Index t = 0; t < count; ++t) row[t] -= top;
        exponential(row, count);
        double sum = 0;
        for (Index t = 0; t < count; ++t) sum += row[t];
        sums[r] = sum;
        std::fill(row + count, row + seen, 0.0);  // the future weighs nothing
      }
      double* out = s.mixed.data() + (first * heads + h) * width;
      product(s.scores.data(), n, s.v.data() + source * width, kv * width, out, heads * width, rows, seen, width);
      for (Index r = 0; r < rows; ++r)
        for (Index i = 0; i < width; ++i) out[r * heads * width + i] /= sums[r];
    }
  }
}

void Forward::block(std::size_t i, Scratch& s, const Tap& tap) const {
  const Layer& layer = layers_[i];
  const auto dim = static_cast<std::size_t>(config_.dim);
  const auto add = [&](const std::vector<double>& scale) {
    for (std::size_t j = 0; j < s.x.size(); j += dim)
      for (std::size_t k = 0; k < dim; ++k) s.x[j + k] += s.branch[j + k] * scale[k];
  };
  for (std::size_t j = 0; j < s.x.size(); j += dim)
    for (std::size_t k = 0; k < dim; ++k) s.x[j + k] = s.x[j + k] * layer.mix_x[k] + s.x0[j + k] * layer.mix_x0[k];

  s.norm(s.x, s.normed, config_.norm_epsilon);
  if (tap) tap(1 + 4 * i, s.normed.data(), config_.dim);
  s.linear(s.normed, layer.c_q, s.q);
  s.linear(s.normed, layer.c_k, s.k);
  s.linear(s.normed, layer.c_v, s.v);
  attention(layer, s);
  if (tap) tap(2 + 4 * i, s.mixed.data(), config_.heads * config_.head_dim);
  s.linear(s.mixed, layer.attention_proj, s.branch);
  add(layer.attention_scale);

  s.norm(s.x, s.normed, config_.norm_epsilon);
  if (tap) tap(3 + 4 * i, s.normed.data(), config_.dim);
  s.linear(s.normed, layer.fc, s.hidden);
  for (double& value : s.hidden) value = value > 0 ? value * value : 0;
  if (tap) tap(4 + 4 * i, s.hidden.data(), config_.mlp_hidden);
  s.linear(s.hidden, layer.mlp_proj, s.branch);
  add(layer.mlp_scale);
}

Matrix<double> Forward::final_norm(std::span<const std::byte> inputs, const Tap& tap, std::size_t last) const {
  Scratch s(config_, static_cast<Index>(inputs.size()));
  const auto encoders = static_cast<std::size_t>(config_.encoders());
  const auto dim = static_cast<std::size_t>(config_.dim);
  embed(inputs, s, tap);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    if (last < 1 + 4 * i) return {};
    if (i >= encoders && !s.skips.empty()) {  // the last encoder output goes to the first decoder
      const auto& skip = s.skips.back();
      const auto& scale = skips_[i - encoders];
      for (std::size_t j = 0; j < s.x.size(); j += dim)
        for (std::size_t k = 0; k < dim; ++k) s.x[j + k] += skip[j + k] * scale[k];
      s.skips.pop_back();
    }
    block(i, s, tap);
    if (i < encoders) s.skips.push_back(s.x);
  }
  Matrix<double> out(s.tokens, config_.dim);
  rms_norm(s.x.data(), out.data(), s.tokens, config_.dim, config_.norm_epsilon);
  if (tap) tap(1 + 4 * layers_.size(), out.data(), config_.dim);
  return out;
}

void Forward::activations(std::span<const std::byte> inputs, const Tap& tap, std::size_t last) const {
  final_norm(inputs, tap, last);
}

Matrix<double> Forward::logits(std::span<const std::byte> inputs, const Tap& tap) const {
  return output(final_norm(inputs, tap), 0);
}

// The logits of the rows from `first` on: cap tanh(z / cap), with tanh(u) = 1 - 2 / (exp(2u) + 1).
Matrix<double> Forward::output(const Matrix<double>& last, Index first) const {
  const double cap = config_.logit_softcap;
  Matrix<double> scores(last.rows() - first, config_.vocab);
  product(last.data() + first * last.cols(), last.cols(), embedding_transposed_.data(), scores.cols(), scores.data(),
          scores.cols(), scores.rows(), last.cols(), scores.cols());
  double* z = scores.data();
  for (Index i = 0; i < scores.size(); ++i) z[i] = 2 * (z[i] / cap);
  exponential(z, scores.size());
  for (Index i = 0; i < scores.size(); ++i) z[i] = cap * (1 - 2 / (z[i] + 1));
  return scores;
}

void Forward::scores(std::span<const std::byte> inputs, std::span<const std::byte> targets,
                     std::span<double> out) const {
  const std::size_t first = inputs.size() - out.size();
  Matrix<double> logits = output(final_norm(inputs, {}), static_cast<Index>(first));
  for (std::size_t t = 0; t < out.size(); ++t) {
    double* row = logits.data() + static_cast<Index>(t) * logits.cols();
    const double wanted = row[std::to_integer<Index>(targets[first + t])];
    exponential(row, logits.cols());  // |logit| <= cap: nothing overflows or vanishes without subtracting the largest
    double sum = 0;
    for (Index i = 0; i < logits.cols(); ++i) sum += row[i];
    out[t] = std::log(sum) - wanted;
  }
}

double Forward::nats(std::span<const std::byte> inputs, std::span<const std::byte> targets) const {
  std::vector<double> each(inputs.size());
  scores(inputs, targets, each);
  double total = 0;
  for (const double value : each) total += value;
  return total;
}

}  // namespace hallmark
