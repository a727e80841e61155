#include "replay/forward.hpp"

#include <algorithm>
#include <cmath>

#include "replay/forward_scratch.hpp"

namespace hallmark {

namespace {

using replay::exponential;
using replay::product;
using replay::rms_norm;

std::vector<double> widened(const Matrix<float>& values) { return {values.data(), values.data() + values.size()}; }

std::vector<double> transposed(const Matrix<float>& values) {
  const Matrix<float> other = values.transpose();
  return widened(other);
}

std::vector<double> sigmoid(const Matrix<float>& values) {
  std::vector<double> gates = widened(values);
  for (double& gate : gates) gate = 1 / (1 + std::exp(-gate));
  return gates;
}

}  // namespace

std::uint32_t bigram_bucket(std::uint32_t current, std::uint32_t previous, std::uint32_t buckets) {
  return ((36313 * current) ^ (27191 * previous)) % (buckets - 1);
}

std::vector<Index> byte_ids(std::span<const std::byte> text) {
  std::vector<Index> ids;
  ids.reserve(text.size());
  for (const std::byte byte : text) ids.push_back(std::to_integer<Index>(byte));
  return ids;
}

double rope_frequency(Index i, Index dims, double base) {
  return std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(dims));
}

Forward::Forward(const Model& model, Index window) : config_(model.config()) {
  const auto& c = config_;
  embedding_ = widened(model["tok_emb.weight"]);
  head_ = transposed(model[c.untied_head ? "lm_head.weight" : "tok_emb.weight"]);
  if (c.bigram_dim > 0) bigram_ = lookup(model, "bigram.table.weight", "bigram");
  if (c.value_dim > 0) value_ = lookup(model, "ve_shared.embed.weight", "ve_shared");
  if (c.smear_gate) smear_ = sigmoid(model["smear.gate"]);
  first_site_ = (bigram_ ? 1u : 0u) + (value_ ? 1u : 0u);
  const auto number = [&](const std::string& name) { return static_cast<double>(model[name](0, 0)); };
  for (Index i = 0; i < c.layers; ++i) {
    const auto name = "blocks." + std::to_string(i);
    const auto value = "ve_layer_scales." + std::to_string(i - (c.layers - c.value_layers));
    Layer layer{
        transposed(model[name + ".attn.c_q.weight"]), transposed(model[name + ".attn.c_k.weight"]),
        transposed(model[name + ".attn.c_v.weight"]), transposed(model[name + ".attn.proj.weight"]),
        transposed(model[name + ".mlp.fc.weight"]),   transposed(model[name + ".mlp.proj.weight"]),
        widened(model[name + ".attn.q_gain"]),        widened(model[name + ".attn_scale"]),
        widened(model[name + ".mlp_scale"]),          widened(model[name + ".resid_mix_x"]),
        widened(model[name + ".resid_mix_x0"]),       c.ln_scale ? 1 / std::sqrt(static_cast<double>(i + 1)) : 1,
        c.value_embedded(i) ? number(value) : 0,      c.exclusive(i)};
    for (double& gain : layer.q_gain) gain /= std::sqrt(static_cast<double>(c.head_dim));
    layers_.push_back(std::move(layer));
  }
  for (Index i = 0; i < c.encoders(); ++i) {
    const auto ending = std::to_string(i);
    skips_.push_back({widened(model["skip_w." + ending]), {}});
    if (c.skip_gates) skips_.back().gate = sigmoid(model["skip_gate." + ending]);
  }
  const Index pairs = c.rope_pairs();
  for (Index t = 0; t < window; ++t)
    for (Index i = 0; i < pairs; ++i) {
      const double angle = static_cast<double>(t) * rope_frequency(i, 2 * pairs, c.rope_base);
      cosine_.push_back(std::cos(angle));
      sine_.push_back(std::sin(angle));
    }
}

Forward::Lookup Forward::lookup(const Model& model, const std::string& table, const std::string& name) {
  return {widened(model[table]), transposed(model[name + ".proj.weight"]), model[table].cols(),
          static_cast<double>(model[name + ".scale"](0, 0))};
}

// to = scale * (rows of the table) proj, one row for each position.
void Forward::look_up(const Lookup& from, std::span<const Index> rows, std::vector<double>& to, Scratch& s,
                      const Tap& tap, std::size_t site, Tape::Lookup* tape) const {
  std::vector<double> found(Scratch::size(s.tokens, from.width));
  for (std::size_t t = 0; t < rows.size(); ++t)
    std::copy_n(from.table.data() + rows[t] * from.width, from.width,
                found.data() + static_cast<Index>(t) * from.width);
  if (tap) tap(site, found.data(), from.width);
  s.linear(found, from.proj, to);
  if (tape) *tape = {{rows.begin(), rows.end()}, found, to};
  for (double& value : to) value *= from.scale;
}

void Forward::embed(std::span<const Index> ids, Scratch& s, const Tap& tap) const {
  const auto dim = static_cast<std::size_t>(config_.dim);
  for (std::size_t t = 0; t < ids.size(); ++t)
    std::copy_n(embedding_.data() + ids[t] * config_.dim, dim, s.x.data() + t * dim);
  if (bigram_) {
    std::vector<Index> buckets{config_.bigram_buckets - 1};
    for (std::size_t t = 1; t < ids.size(); ++t)
      buckets.push_back(bigram_bucket(static_cast<std::uint32_t>(ids[t]), static_cast<std::uint32_t>(ids[t - 1]),
                                      static_cast<std::uint32_t>(config_.bigram_buckets)));
    look_up(*bigram_, buckets, s.branch, s, tap, 0, s.tape ? &s.tape->bigram : nullptr);
    for (std::size_t j = 0; j < s.x.size(); ++j) s.x[j] += s.branch[j];
  }
  if (value_) {
    s.value.resize(s.v.size());
    look_up(*value_, ids, s.value, s, tap, first_site_ - 1, s.tape ? &s.tape->value_lookup : nullptr);
    s.keep(&Tape::value, s.value);
  }
  s.keep(&Tape::summed, s.x);
  s.norm(s.x, s.x, config_.norm_epsilon);
  s.keep(&Tape::normed, s.x);
  if (!smear_.empty())  // from the last position on, so that each still sees the one before as it was
    for (std::size_t t = ids.size(); t-- > 0;)
      for (std::size_t k = 0; k < dim; ++k) {
        const double before = t == 0 ? 0 : s.x[(t - 1) * dim + k];
        s.x[t * dim + k] = (1 - smear_[k]) * s.x[t * dim + k] + smear_[k] * before;
      }
  s.x0 = s.x;
  s.keep(&Tape::x0, s.x0);
  if (s.tape) s.tape->ids.assign(ids.begin(), ids.end());
}

void Forward::block_norm(const Layer& layer, Scratch& s) const {
  s.norm(s.x, s.normed, config_.norm_epsilon);
  if (config_.ln_scale)
    for (double& value : s.normed) value *= layer.norm_scale;
}

void Forward::block(std::size_t i, Scratch& s, const Tap& tap) const {
  const std::size_t site = first_site_ + 4 * i;
  const Layer& layer = layers_[i];
  const auto dim = static_cast<std::size_t>(config_.dim);
  const auto add = [&](const std::vector<double>& scale) {
    for (std::size_t j = 0; j < s.x.size(); j += dim)
      for (std::size_t k = 0; k < dim; ++k) s.x[j + k] += s.branch[j + k] * scale[k];
  };
  for (std::size_t j = 0; j < s.x.size(); j += dim)
    for (std::size_t k = 0; k < dim; ++k) s.x[j + k] = s.x[j + k] * layer.mix_x[k] + s.x0[j + k] * layer.mix_x0[k];
  s.keep(&Tape::Block::entered, s.x);

  block_norm(layer, s);
  if (tap) tap(site, s.normed.data(), config_.dim);
  s.keep(&Tape::Block::attention_input, s.normed);
  s.linear(s.normed, layer.c_q, s.q);
  s.linear(s.normed, layer.c_k, s.k);
  s.linear(s.normed, layer.c_v, s.v);
  if (config_.value_embedded(static_cast<Index>(i)))
    for (std::size_t j = 0; j < s.v.size(); ++j) s.v[j] += s.value[j] * layer.value_scale;
  s.keep(&Tape::Block::v, s.v);
  attention(layer, s);
  s.keep(&Tape::Block::attended, s.mixed);
  if (layer.exclusive) exclude_own_value(s);
  if (tap) tap(site + 1, s.mixed.data(), config_.heads * config_.head_dim);
  s.keep(&Tape::Block::mixed, s.mixed);
  s.linear(s.mixed, layer.attention_proj, s.branch);
  s.keep(&Tape::Block::attention_branch, s.branch);
  add(layer.attention_scale);
  s.keep(&Tape::Block::middle, s.x);

  block_norm(layer, s);
  if (tap) tap(site + 2, s.normed.data(), config_.dim);
  s.keep(&Tape::Block::mlp_input, s.normed);
  s.linear(s.normed, layer.fc, s.hidden);
  s.keep(&Tape::Block::before_activation, s.hidden);
  for (double& value : s.hidden) {
    const double kept = value > 0 ? value : config_.leaky_slope * value;
    value = kept * kept;
  }
  if (tap) tap(site + 3, s.hidden.data(), config_.mlp_hidden);
  s.keep(&Tape::Block::hidden, s.hidden);
  s.linear(s.hidden, layer.mlp_proj, s.branch);
  s.keep(&Tape::Block::mlp_branch, s.branch);
  add(layer.mlp_scale);
  s.keep(&Tape::Block::left, s.x);
}

// The last encoder output that is left goes to the decoder: added, or in the share that its gate leaves.
void Forward::skip(std::size_t decoder, Scratch& s) const {
  const auto& [scale, gate] = skips_[decoder];
  const std::vector<double>& from = s.skips.back();
  const auto dim = static_cast<std::size_t>(config_.dim);
  for (std::size_t j = 0; j < s.x.size(); j += dim)
    for (std::size_t k = 0; k < dim; ++k) {
      const double scaled = from[j + k] * scale[k];
      if (gate.empty()) s.x[j + k] += scaled;
      else s.x[j + k] = scaled + gate[k] * (s.x[j + k] - scaled);
    }
  s.skips.pop_back();
}

Matrix<double> Forward::final_norm(std::span<const Index> inputs, const Tap& tap, std::size_t last, Tape* tape) const {
  Scratch s(config_, static_cast<Index>(inputs.size()));
  const auto encoders = static_cast<std::size_t>(config_.encoders());
  if (tape) tape->blocks.resize(layers_.size());
  s.tape = tape;
  embed(inputs, s, tap);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    if (last < first_site_ + 4 * i) return {};
    if (tape) s.block = &tape->blocks[i];
    s.keep(&Tape::Block::before_skip, s.x);
    if (i >= encoders && !s.skips.empty()) skip(i - encoders, s);
    s.keep(&Tape::Block::stream, s.x);
    block(i, s, tap);
    if (i < encoders) s.skips.push_back(s.x);
  }
  Matrix<double> out(s.tokens, config_.dim);
  rms_norm(s.x.data(), out.data(), s.tokens, config_.dim, config_.norm_epsilon);
  if (tap) tap(first_site_ + 4 * layers_.size(), out.data(), config_.dim);
  return out;
}

void Forward::activations(std::span<const std::byte> inputs, const Tap& tap, std::size_t last) const {
  final_norm(byte_ids(inputs), tap, last);
}

Tape Forward::record(std::span<const std::byte> inputs) const {
  Tape tape;
  const Matrix<double> last = final_norm(byte_ids(inputs), {}, all_sites, &tape);
  const Matrix<double> scores = output(last, 0);
  tape.last = {last.data(), last.data() + last.size()};
  tape.logits = {scores.data(), scores.data() + scores.size()};
  return tape;
}

Matrix<double> Forward::logits(std::span<const Index> inputs, const Tap& tap) const {
  return output(final_norm(inputs, tap), 0);
}

// The logits of the rows from `first` on: cap tanh(z / cap), with tanh(u) = 1 - 2 / (exp(2u) + 1).
Matrix<double> Forward::output(const Matrix<double>& last, Index first) const {
  const double cap = config_.logit_softcap;
  Matrix<double> scores(last.rows() - first, config_.vocab);
  product(last.data() + first * last.cols(), last.cols(), head_.data(), scores.cols(), scores.data(), scores.cols(),
          scores.rows(), last.cols(), scores.cols());
  double* z = scores.data();
  for (Index i = 0; i < scores.size(); ++i) z[i] = 2 * (z[i] / cap);
  exponential(z, scores.size());
  for (Index i = 0; i < scores.size(); ++i) z[i] = cap * (1 - 2 / (z[i] + 1));
  return scores;
}

void Forward::scores(std::span<const Index> inputs, std::span<const Index> targets, std::span<double> out) const {
  const std::size_t first = inputs.size() - out.size();
  Matrix<double> logits = output(final_norm(inputs, {}), static_cast<Index>(first));
  for (std::size_t t = 0; t < out.size(); ++t) {
    double* row = logits.data() + static_cast<Index>(t) * logits.cols();
    const double wanted = row[targets[first + t]];
    exponential(row, logits.cols());  // |logit| <= cap: nothing overflows or vanishes without subtracting the largest
    double sum = 0;
    for (Index i = 0; i < logits.cols(); ++i) sum += row[i];
    out[t] = std::log(sum) - wanted;
  }
}

double Forward::nats(std::span<const Index> inputs, std::span<const Index> targets) const {
  std::vector<double> each(inputs.size());
  scores(inputs, targets, each);
  double total = 0;
  for (const double value : each) total += value;
  return total;
}

}  // namespace hallmark
