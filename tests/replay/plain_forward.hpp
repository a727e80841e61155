// The forward pass once more, written from the formulas: one position and one head at a time, libm, no shared code with
// src/replay beyond the weights' names. For tests of small models.
#pragma once

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "replay/model.hpp"

namespace hallmark::test {

using Stream = std::vector<Vector<double>>;  // one vector per position

inline Vector<double> plain_norm(const Vector<double>& x, double epsilon) {
  return x / std::sqrt(x.squaredNorm() / static_cast<double>(x.size()) + epsilon);
}

inline Vector<double> plain_vector(const Model& model, const std::string& name) {
  return model[name].row(0).transpose().cast<double>();
}

inline Vector<double> plain_linear(const Model& model, const std::string& name, const Vector<double>& x) {
  return model[name].cast<double>() * x;
}

inline double plain_sigmoid(double x) { return (1 + std::tanh(x / 2)) / 2; }

inline double plain_number(const Model& model, const std::string& name) { return model[name](0, 0); }

// RoPE as a product of complex numbers: the pair (i, i + R/2) of the first R turns by -t base^(-2i/R).
inline Vector<double> plain_rope(const Vector<double>& x, Index dims, double t, double base) {
  const Index half = dims / 2;
  Vector<double> y = x;
  for (Index i = 0; i < half; ++i) {
    const double angle = t * std::exp(-std::log(base) * static_cast<double>(i) / static_cast<double>(half));
    y[i] = x[i] * std::cos(angle) + x[i + half] * std::sin(angle);
    y[i + half] = -x[i] * std::sin(angle) + x[i + half] * std::cos(angle);
  }
  return y;
}

// The row of a head's value, with the layer's share of the value embedding of the byte.
inline Vector<double> plain_value(const Model& model, Index layer, const Vector<double>& x, std::byte id) {
  const auto& c = model.config();
  Vector<double> v = plain_linear(model, "blocks." + std::to_string(layer) + ".attn.c_v.weight", x);
  const Index embedded = layer - (c.layers - c.value_layers);
  if (embedded < 0) return v;
  const Vector<double> row = model["ve_shared.embed.weight"].row(std::to_integer<Index>(id)).transpose().cast<double>();
  v += plain_number(model, "ve_layer_scales." + std::to_string(embedded)) * plain_number(model, "ve_shared.scale") *
       plain_linear(model, "ve_shared.proj.weight", row);
  return v;
}

inline Stream plain_attention(const Model& model, Index layer, const Stream& x, std::span<const std::byte> text) {
  const auto& c = model.config();
  const auto block = "blocks." + std::to_string(layer);
  const auto head = [&](const char* weight, std::size_t t, Index h) -> Vector<double> {
    return plain_linear(model, block + weight, x[t]).segment(h * c.head_dim, c.head_dim);
  };
  const auto turned = [&](const Vector<double>& v, std::size_t t) {
    return plain_rope(plain_norm(v, c.norm_epsilon), c.rope_dims == 0 ? c.head_dim : c.rope_dims,
                      static_cast<double>(t), c.rope_base);
  };
  const auto value = [&](std::size_t t, Index h) -> Vector<double> {
    return plain_value(model, layer, x[t], text[t]).segment(h * c.head_dim, c.head_dim);
  };
  Stream out;
  for (std::size_t t = 0; t < x.size(); ++t) {
    Vector<double> heads(c.heads * c.head_dim);
    for (Index h = 0; h < c.heads; ++h) {
      const Index source = h * c.kv_heads / c.heads;
      const Vector<double> q =
          turned(head(".attn.c_q.weight", t, h), t) * plain_vector(model, block + ".attn.q_gain")[h];
      Vector<double> sum = Vector<double>::Zero(c.head_dim);
      double total = 0;
      for (std::size_t s = 0; s <= t; ++s) {
        const double weight = std::exp(q.dot(turned(head(".attn.c_k.weight", s, source), s)) /
                                       std::sqrt(static_cast<double>(c.head_dim)));
        sum += weight * value(s, source);
        total += weight;
      }
      Vector<double> y = sum / total;
      const Vector<double> own = value(t, source);
      if (layer + c.xsa_layers >= c.layers) y -= own * (own.dot(y) / own.squaredNorm());
      heads.segment(h * c.head_dim, c.head_dim) = y;
    }
    out.push_back(plain_linear(model, block + ".attn.proj.weight", heads));
  }
  return out;
}

inline double plain_activation(double x, double slope) { return x >= 0 ? x * x : slope * slope * x * x; }

inline void plain_block(const Model& model, Index layer, Stream& x, const Stream& x0, std::span<const std::byte> text) {
  const auto& c = model.config();
  const auto block = "blocks." + std::to_string(layer);
  const double depth = c.ln_scale ? std::pow(static_cast<double>(layer + 1), -0.5) : 1;
  Stream normed;
  for (std::size_t t = 0; t < x.size(); ++t) {
    x[t] = plain_vector(model, block + ".resid_mix_x").cwiseProduct(x[t]) +
           plain_vector(model, block + ".resid_mix_x0").cwiseProduct(x0[t]);
    normed.push_back(depth * plain_norm(x[t], c.norm_epsilon));
  }
  const Stream attended = plain_attention(model, layer, normed, text);
  for (std::size_t t = 0; t < x.size(); ++t) {
    x[t] += plain_vector(model, block + ".attn_scale").cwiseProduct(attended[t]);
    Vector<double> hidden = plain_linear(model, block + ".mlp.fc.weight", depth * plain_norm(x[t], c.norm_epsilon));
    for (double& value : hidden) value = plain_activation(value, c.leaky_slope);
    x[t] +=
        plain_vector(model, block + ".mlp_scale").cwiseProduct(plain_linear(model, block + ".mlp.proj.weight", hidden));
  }
}

inline Stream plain_embedding(const Model& model, std::span<const std::byte> text) {
  const auto& c = model.config();
  Stream x, smeared;
  for (std::size_t t = 0; t < text.size(); ++t) {
    const auto id = std::to_integer<Index>(text[t]);
    Vector<double> token = model["tok_emb.weight"].row(id).transpose().cast<double>();
    if (c.bigram_buckets > 0) {
      Index bucket = c.bigram_buckets - 1;
      if (t > 0) bucket = ((36313 * id) ^ (27191 * std::to_integer<Index>(text[t - 1]))) % (c.bigram_buckets - 1);
      const Vector<double> row = model["bigram.table.weight"].row(bucket).transpose().cast<double>();
      token += plain_number(model, "bigram.scale") * plain_linear(model, "bigram.proj.weight", row);
    }
    x.push_back(plain_norm(token, c.norm_epsilon));
  }
  if (!c.smear_gate) return x;
  for (std::size_t t = 0; t < x.size(); ++t) {
    smeared.push_back(x[t]);
    for (Index k = 0; k < c.dim; ++k) {
      const double gate = plain_sigmoid(model["smear.gate"](0, k));
      smeared[t][k] = (1 - gate) * x[t][k] + (t == 0 ? 0 : gate * x[t - 1][k]);
    }
  }
  return smeared;
}

inline Vector<double> plain_skip(const Model& model, Index decoder, const Vector<double>& x,
                                 const Vector<double>& encoded) {
  const Vector<double> scaled = plain_vector(model, "skip_w." + std::to_string(decoder)).cwiseProduct(encoded);
  if (!model.config().skip_gates) return x + scaled;
  Vector<double> mixed(x.size());
  for (Index k = 0; k < x.size(); ++k) {
    const double gate = plain_sigmoid(model["skip_gate." + std::to_string(decoder)](0, k));
    mixed[k] = gate * x[k] + (1 - gate) * scaled[k];
  }
  return mixed;
}

inline Matrix<double> plain_logits(const Model& model, std::span<const std::byte> text) {
  const auto& c = model.config();
  Stream x = plain_embedding(model, text);
  const Stream x0 = x;
  std::vector<Stream> encoded;
  for (Index i = 0; i < c.layers; ++i) {
    const Index decoder = i - c.layers / 2;
    if (decoder >= 0 && decoder < c.layers / 2) {
      const Stream& skip = encoded[static_cast<std::size_t>(c.layers / 2 - 1 - decoder)];
      for (std::size_t t = 0; t < x.size(); ++t) x[t] = plain_skip(model, decoder, x[t], skip[t]);
    }
    plain_block(model, i, x, x0, text);
    encoded.push_back(x);
  }
  const std::string head = c.untied_head ? "lm_head.weight" : "tok_emb.weight";
  Matrix<double> logits(static_cast<Index>(text.size()), c.vocab);
  for (std::size_t t = 0; t < text.size(); ++t)
    for (Index v = 0; v < c.vocab; ++v)
      logits(static_cast<Index>(t), v) =
          c.logit_softcap * std::tanh(plain_linear(model, head, plain_norm(x[t], c.norm_epsilon))[v] / c.logit_softcap);
  return logits;
}

}  // namespace hallmark::test
