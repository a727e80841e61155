#include "replay/backward.hpp"

#include <algorithm>
#include <cmath>

#include "replay/forward.hpp"
#include "replay/kernels.hpp"

namespace hallmark {

namespace {

using replay::exponential;
using replay::product;
using Values = std::vector<double>;

constexpr std::size_t side_by_side = 8;  // windows whose gradients are held at a time; no result depends on it

// One window's pass backwards. Members named d_.. are derivatives of the sum of its losses times `weight_`.
class Backward {
 public:
  Backward(const Model& model, const std::map<std::string, Values>& wide, const Tape& tape, double weight)
      : model_(model),
        c_(model.config()),
        wide_(wide),
        tape_(tape),
        n_(static_cast<Index>(tape.ids.size())),
        weight_(weight) {}

  void run(std::span<const std::byte> targets, Gradients& gradients) {
    out_ = &gradients;
    head(targets);
    d_x0_.assign(d_x_.size(), 0);
    d_skips_.assign(static_cast<std::size_t>(c_.encoders()), {});
    if (c_.value_dim > 0) d_value_.assign(tape_.value.size(), 0);
    for (Index i = c_.layers; i-- > 0;) {
      if (i < c_.encoders()) add(d_skips_[static_cast<std::size_t>(i)], d_x_);
      mlp(i);
      attention(i);
      mix(i);
      const Index decoder = i - c_.encoders();
      if (decoder >= 0 && decoder < c_.encoders()) skip(decoder, i);
    }
    embedding();
  }

 private:
  Matrix<double>& gradient(const std::string& name) { return out_->at(name); }
  const Values& wide(const std::string& name) const { return wide_.at(name); }
  const Matrix<float>& vector(const std::string& name) const { return model_[name]; }

  static void add(const Values& from, Values& to) {
    for (std::size_t j = 0; j < from.size(); ++j) to[j] += from[j];
  }

  static Values turned(const Values& x, Index rows) {
    const Index cols = static_cast<Index>(x.size()) / rows;
    Values y(x.size());
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < cols; ++j) y.data()[j * rows + i] = x.data()[i * cols + j];
    return y;
  }
  // x [rows, inner] w
  static Values times(const Values& x, const Values& w, Index rows, Index inner) {
    const Index cols = static_cast<Index>(w.size()) / inner;
    Values y(static_cast<std::size_t>(rows * cols));
    product(x.data(), inner, w.data(), cols, y.data(), cols, rows, inner, cols);
    return y;
  }
  // Head h of x [positions, heads, D], and the same back.
  Values head_of(const Values& x, Index heads, Index h) const {
    const Index width = c_.head_dim;
    Values y(static_cast<std::size_t>(n_ * width));
    for (Index t = 0; t < n_; ++t) std::copy_n(x.data() + (t * heads + h) * width, width, y.data() + t * width);
    return y;
  }
  void add_head(const Values& y, Values& x, Index heads, Index h) const {
    const Index width = c_.head_dim;
    for (Index t = 0; t < n_; ++t)
      for (Index k = 0; k < width; ++k) x.data()[(t * heads + h) * width + k] += y.data()[t * width + k];
  }

  // y = x W^T: gives dy W and adds dy^T x to the gradient of W [outputs, inputs].
  Values linear(const std::string& name, const Values& d_y, const Values& x) {
    Matrix<double>& d_w = gradient(name);
    const Values sum = times(turned(d_y, n_), x, d_w.rows(), n_);
    for (Index j = 0; j < d_w.size(); ++j) d_w.data()[j] += sum.data()[j];
    return times(d_y, wide(name), n_, d_w.rows());
  }

  // y = x s elementwise, s of the stream's width: gives dy s and adds sum_t dy x to the gradient of s.
  Values scaled(const std::string& name, const Values& d_y, const Values& x) {
    Matrix<double>& d_s = gradient(name);
    const auto width = static_cast<std::size_t>(d_s.cols());
    Values d_x(d_y.size());
    for (std::size_t j = 0; j < d_y.size(); j += width)
      for (std::size_t k = 0; k < width; ++k) {
        d_s.data()[k] += d_y[j + k] * x[j + k];
        d_x[j + k] = d_y[j + k] * static_cast<double>(vector(name).data()[k]);
      }
    return d_x;
  }

  // y = x / r, r = sqrt(mean x^2 + epsilon), in rows of `width`: dx = (dy - y mean(dy y)) / r.
  Values norm(const Values& x, const Values& d_y, Index width) const {
    Values d_x(x.size());
    const auto step = static_cast<std::size_t>(width);
    for (std::size_t j = 0; j < x.size(); j += step) {
      double square = 0, along = 0;
      for (std::size_t k = j; k < j + step; ++k) square += x[k] * x[k];
      const double r = std::sqrt(square / static_cast<double>(width) + c_.norm_epsilon);
      for (std::size_t k = j; k < j + step; ++k) along += d_y[k] * (x[k] / r);
      along /= static_cast<double>(width);
      for (std::size_t k = j; k < j + step; ++k) d_x[k] = (d_y[k] - x[k] / r * along) / r;
    }
    return d_x;
  }

  // That of block i.
  Values block_norm(Index i, const Values& x, Values d_y) const {
    if (c_.ln_scale)
      for (double& d : d_y) d *= 1 / std::sqrt(static_cast<double>(i + 1));
    return norm(x, d_y, c_.dim);
  }

  // z = W last, logit = c tanh(z / c), loss = ln sum exp(logit) - logit of the target.
  void head(std::span<const std::byte> targets) {
    Values d_z(tape_.logits.size());
    const auto vocab = static_cast<std::size_t>(c_.vocab);
    for (std::size_t t = 0; t < targets.size(); ++t) {
      const double* logits = tape_.logits.data() + t * vocab;
      double* d = d_z.data() + t * vocab;
      std::copy_n(logits, vocab, d);
      exponential(d, c_.vocab);
      double sum = 0;
      for (std::size_t v = 0; v < vocab; ++v) sum += d[v];
      for (std::size_t v = 0; v < vocab; ++v) {
        const double u = logits[v] / c_.logit_softcap;
        const double wanted = v == std::to_integer<std::size_t>(targets[t]) ? 1 : 0;
        d[v] = weight_ * (d[v] / sum - wanted) * (1 - u * u);
      }
    }
    const Values d_last = linear(c_.untied_head ? "lm_head.weight" : "tok_emb.weight", d_z, tape_.last);
    d_x_ = norm(tape_.blocks.back().left, d_last, c_.dim);
  }

  void mlp(Index i) {
    const auto block = "blocks." + std::to_string(i);
    const Tape::Block& b = tape_.blocks[static_cast<std::size_t>(i)];
    Values d = linear(block + ".mlp.proj.weight", scaled(block + ".mlp_scale", d_x_, b.mlp_branch), b.hidden);
    for (std::size_t j = 0; j < d.size(); ++j) {
      const double slope = b.before_activation[j] > 0 ? 1 : c_.leaky_slope;
      d[j] *= 2 * slope * slope * b.before_activation[j];
    }
    add(block_norm(i, b.middle, linear(block + ".mlp.fc.weight", d, b.mlp_input)), d_x_);
  }

  void attention(Index i) {
    const auto block = "blocks." + std::to_string(i);
    const Tape::Block& b = tape_.blocks[static_cast<std::size_t>(i)];
    Values d_y = linear(block + ".attn.proj.weight", scaled(block + ".attn_scale", d_x_, b.attention_branch), b.mixed);
    Values d_q(b.q.size()), d_k(b.k.size()), d_v(b.v.size());
    if (c_.exclusive(i)) exclusive(b, d_y, d_v);
    softmax(block, b, d_y, d_q, d_k, d_v);
    if (c_.value_embedded(i)) {
      const auto name = "ve_layer_scales." + std::to_string(i - (c_.layers - c_.value_layers));
      double& d_scale = gradient(name)(0, 0);
      for (std::size_t j = 0; j < d_v.size(); ++j) {
        d_scale += d_v[j] * tape_.value[j];
        d_value_[j] += d_v[j] * static_cast<double>(vector(name)(0, 0));
      }
    }
    turn_back(d_q, c_.heads);
    turn_back(d_k, c_.kv_heads);
    Values d = linear(block + ".attn.c_q.weight", norm(b.raw_q, d_q, c_.head_dim), b.attention_input);
    add(linear(block + ".attn.c_k.weight", norm(b.raw_k, d_k, c_.head_dim), b.attention_input), d);
    add(linear(block + ".attn.c_v.weight", d_v, b.attention_input), d);
    add(block_norm(i, b.entered, d), d_x_);
  }

  // out = y - (y . u) u, u = v / |v|: d_y from that of out, in place, and what v gets.
  void exclusive(const Tape::Block& b, Values& d_y, Values& d_v) const {
    const Index width = c_.head_dim, group = c_.heads / c_.kv_heads;
    Values u(static_cast<std::size_t>(width)), d_u(u);
    for (Index place = 0; place < n_ * c_.kv_heads; ++place) {
      const double* v = b.v.data() + place * width;
      double square = 0;
      for (Index k = 0; k < width; ++k) square += v[k] * v[k];
      const double length = std::max(std::sqrt(square), 1e-12);
      for (Index k = 0; k < width; ++k) u[static_cast<std::size_t>(k)] = v[k] / length;
      std::fill(d_u.begin(), d_u.end(), 0.0);
      for (Index h = 0; h < group; ++h) {
        const double* y = b.attended.data() + (place * group + h) * width;
        double* d = d_y.data() + (place * group + h) * width;
        double along = 0, d_along = 0;
        for (Index k = 0; k < width; ++k) {
          along += y[k] * u[static_cast<std::size_t>(k)];
          d_along += d[k] * u[static_cast<std::size_t>(k)];
        }
        for (Index k = 0; k < width; ++k) {
          d_u[static_cast<std::size_t>(k)] -= along * d[k] + d_along * y[k];
          d[k] -= d_along * u[static_cast<std::size_t>(k)];
        }
      }
      double radial = 0;
      for (std::size_t k = 0; k < u.size(); ++k) radial += d_u[k] * u[k];
      for (std::size_t k = 0; k < u.size(); ++k)
        d_v[static_cast<std::size_t>(place * width) + k] += (d_u[k] - radial * u[k]) / length;
    }
  }

  // y_t = sum_s p_ts v_s, p = softmax over s <= t of gain q_t . k_s / sqrt(D), gives d_gain / sqrt(D); z = q k^T.
  void softmax(const std::string& block, const Tape::Block& b, const Values& d_y, Values& d_q, Values& d_k,
               Values& d_v) {
    const Index width = c_.head_dim, group = c_.heads / c_.kv_heads;
    const double root = std::sqrt(static_cast<double>(width));
    for (Index h = 0; h < c_.heads; ++h) {
      const double gain = static_cast<double>(vector(block + ".attn.q_gain")(0, h)) / root;
      const Values q = head_of(b.q, c_.heads, h), d_out = head_of(d_y, c_.heads, h);
      const Values k = head_of(b.k, c_.kv_heads, h / group), v = head_of(b.v, c_.kv_heads, h / group);
      const Values z = times(q, turned(k, n_), n_, width);
      const Values p = probabilities(z, gain);
      Values d_z = times(d_out, turned(v, n_), n_, width);  // so far that of p
      double d_gain = 0;
      for (std::size_t t = 0, n = static_cast<std::size_t>(n_); t < n; ++t) {
        double mean = 0;
        for (std::size_t s = 0; s <= t; ++s) mean += p[t * n + s] * d_z[t * n + s];
        for (std::size_t s = 0; s < n; ++s) {
          const double d_score = s <= t ? p[t * n + s] * (d_z[t * n + s] - mean) : 0;
          d_gain += d_score * z[t * n + s];
          d_z[t * n + s] = gain * d_score;
        }
      }
      gradient(block + ".attn.q_gain")(0, h) += d_gain / root;
      add_head(times(d_z, k, n_, n_), d_q, c_.heads, h);
      add_head(times(turned(d_z, n_), q, n_, n_), d_k, c_.kv_heads, h / group);
      add_head(times(turned(p, n_), d_out, n_, n_), d_v, c_.kv_heads, h / group);
    }
  }

  // Rows of softmax(gain z) over s <= t; 0 beyond.
  Values probabilities(const Values& z, double gain) const {
    Values p(z.size());
    for (Index t = 0; t < n_; ++t) {
      const double* from = z.data() + t * n_;
      double* row = p.data() + t * n_;
      for (Index s = 0; s <= t; ++s) row[s] = gain * from[s];
      const double top = *std::max_element(row, row + t + 1);
      for (Index s = 0; s <= t; ++s) row[s] -= top;
      exponential(row, t + 1);
      double sum = 0;
      for (Index s = 0; s <= t; ++s) sum += row[s];
      for (Index s = 0; s <= t; ++s) row[s] /= sum;
    }
    return p;
  }

  // RoPE is a rotation: its derivative goes back by the same angles.
  void turn_back(Values& x, Index heads) const {
    const Index half = c_.rope_pairs();
    for (Index i = 0; i < half; ++i) {
      const double frequency = rope_frequency(i, 2 * half, c_.rope_base);
      for (Index t = 0; t < n_; ++t) {
        const double cosine = std::cos(static_cast<double>(t) * frequency);
        const double sine = std::sin(static_cast<double>(t) * frequency);
        for (Index h = 0; h < heads; ++h) {
          double& low = x[static_cast<std::size_t>((t * heads + h) * c_.head_dim + i)];
          double& high = x[static_cast<std::size_t>((t * heads + h) * c_.head_dim + i + half)];
          const double a = low, b = high;
          low = a * cosine - b * sine;
          high = b * cosine + a * sine;
        }
      }
    }
  }

  void mix(Index i) {
    const auto block = "blocks." + std::to_string(i);
    add(scaled(block + ".resid_mix_x0", d_x_, tape_.x0), d_x0_);
    d_x_ = scaled(block + ".resid_mix_x", d_x_, tape_.blocks[static_cast<std::size_t>(i)].stream);
  }

  // x + a, or a + s (x - a), with a = w encoded and s = sigmoid of the gate.
  void skip(Index decoder, Index i) {
    const auto ending = std::to_string(decoder);
    const auto encoder = static_cast<std::size_t>(c_.encoders() - 1 - decoder);
    const Values& encoded = tape_.blocks[encoder].left;
    Values d_a = d_x_;
    if (c_.skip_gates) {
      const Values& x = tape_.blocks[static_cast<std::size_t>(i)].before_skip;
      const auto dim = static_cast<std::size_t>(c_.dim);
      for (std::size_t j = 0; j < d_a.size(); ++j) {
        const std::size_t k = j % dim;
        const double s = sigmoid("skip_gate." + ending, k);
        const double a = encoded[j] * static_cast<double>(vector("skip_w." + ending).data()[k]);
        gradient("skip_gate." + ending).data()[k] += d_x_[j] * (x[j] - a) * s * (1 - s);
        d_a[j] = d_x_[j] * (1 - s);
        d_x_[j] *= s;
      }
    }
    d_skips_[encoder] = scaled("skip_w." + ending, d_a, encoded);
  }

  double sigmoid(const std::string& name, std::size_t k) const {
    return 1 / (1 + std::exp(-static_cast<double>(vector(name).data()[k])));
  }

  void embedding() {
    add(d_x0_, d_x_);
    const auto dim = static_cast<std::size_t>(c_.dim);
    if (c_.smear_gate) {
      const Values d = d_x_, &x = tape_.normed;
      for (std::size_t j = 0; j < d.size(); ++j) {
        const double s = sigmoid("smear.gate", j % dim), before = j < dim ? 0 : x[j - dim];
        gradient("smear.gate").data()[j % dim] += d[j] * (before - x[j]) * s * (1 - s);
        d_x_[j] = d[j] * (1 - s) + (j + dim < d.size() ? d[j + dim] * s : 0);
      }
    }
    d_x_ = norm(tape_.summed, d_x_, c_.dim);
    rows("tok_emb.weight", tape_.ids, d_x_);
    if (c_.bigram_dim > 0) looked_up("bigram.table.weight", "bigram", tape_.bigram, d_x_);
    if (c_.value_dim > 0) looked_up("ve_shared.embed.weight", "ve_shared", tape_.value_lookup, d_value_);
  }

  void rows(const std::string& table, const std::vector<Index>& at, const Values& d) {
    Matrix<double>& sum = gradient(table);
    const double* from = d.data();
    for (const Index row : at)
      for (Index k = 0; k < sum.cols(); ++k) sum(row, k) += *from++;
  }

  // scale proj(rows of the table)
  void looked_up(const std::string& table, const std::string& name, const Tape::Lookup& tape, Values d) {
    const double scale = static_cast<double>(vector(name + ".scale")(0, 0));
    double& d_scale = gradient(name + ".scale")(0, 0);
    for (std::size_t j = 0; j < d.size(); ++j) {
      d_scale += d[j] * tape.projected[j];
      d[j] *= scale;
    }
    rows(table, tape.rows, linear(name + ".proj.weight", d, tape.found));
  }

  const Model& model_;
  const ModelConfig& c_;
  const std::map<std::string, Values>& wide_;
  const Tape& tape_;
  Index n_;
  double weight_;
  Gradients* out_ = nullptr;
  Values d_x_, d_x0_, d_value_;
  std::vector<Values> d_skips_;
};

Gradients zeros(const Model& model) {
  Gradients result;
  for (const auto& [name, weight] : model.weights())
    result[name] = Matrix<double>::Zero(weight.values.rows(), weight.values.cols());
  return result;
}

}  // namespace

Gradients mean_gradients(const Model& model, std::span<const std::span<const std::byte>> windows) {
  std::map<std::string, Values> wide;
  for (const auto& [name, weight] : model.weights())
    wide[name] = Values(weight.values.data(), weight.values.data() + weight.values.size());
  std::size_t longest = 0, positions = 0;
  for (const auto& window : windows) {
    longest = std::max(longest, window.size() - 1);
    positions += window.size() - 1;
  }
  const Forward forward(model, static_cast<Index>(longest));
  Gradients total = zeros(model);
  for (std::size_t first = 0; first < windows.size(); first += side_by_side) {
    const std::size_t count = std::min(side_by_side, windows.size() - first);
    std::vector<Gradients> each(count);
#pragma omp parallel for schedule(dynamic)
    for (std::size_t w = 0; w < count; ++w) {
      const auto window = windows[first + w];
      const Tape tape = forward.record(window.first(window.size() - 1));
      each[w] = zeros(model);
      Backward(model, wide, tape, 1 / static_cast<double>(positions)).run(window.subspan(1), each[w]);
    }
    for (const Gradients& gradients : each)
      for (auto& [name, sum] : total) sum += gradients.at(name);
  }
  return total;
}

}  // namespace hallmark
