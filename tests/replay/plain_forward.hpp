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

// RoPE as a product of complex numbers: the pair (i, i + D/2) turns by -t base^(-2i/D).
inline Vector<double> plain_rope(const Vector<double>& x, double t, double base) {
  const Index half = x.size() / 2;
  Vector<double> y(x.size());
  for (Index i = 0; i < half; ++i) {
    const double angle = t * std::exp(-std::log(base) * static_cast<double>(i) / static_cast<double>(half));
    y[i] = x[i] * std::cos(angle) + x[i + half] * std::sin(angle);
    y[i + half] = -x[i] * std::sin(angle) + x[i + half] * std::cos(angle);
  }
  return y;
}

inline Stream plain_attention(const Model& model, const std::string& block, const Stream& x) {
  const auto& c = model.config();
  const auto head = [&](const char* weight, std::size_t t, Index h) -> Vector<double> {
    return plain_linear(model, block + weight, x[t]).segment(h * c.head_dim, c.head_dim);
  };
  const auto turned = [&](const Vector<double>& v, std::size_t t) {
    return plain_rope(plain_norm(v, c.norm_epsilon), static_cast<double>(t), c.rope_base);
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
        sum += weight * head(".attn.c_v.weight", s, source);
        total += weight;
      }
      heads.segment(h * c.head_dim, c.head_dim) = sum / total;
    }
    out.push_back(plain_linear(model, block + ".attn.proj.weight", heads));
  }
  return out;
}

inline void plain_block(const Model& model, const std::string& block, Stream& x, const Stream& x0) {
  const double epsilon = model.config().norm_epsilon;
  Stream normed;
  for (std::size_t t = 0; t < x.size(); ++t) {
    x[t] = plain_vector(model, block + ".resid_mix_x").cwiseProduct(x[t]) +
           plain_vector(model, block + ".resid_mix_x0").cwiseProduct(x0[t]);
    normed.push_back(plain_norm(x[t], epsilon));
  }
  const Stream attended = plain_attention(model, block, normed);
  for (std::size_t t = 0; t < x.size(); ++t) {
    x[t] += plain_vector(model, block + ".attn_scale").cwiseProduct(attended[t]);
    const Vector<double> hidden =
        plain_linear(model, block + ".mlp.fc.weight", plain_norm(x[t], epsilon)).cwiseMax(0).array().square();
    x[t] +=
        plain_vector(model, block + ".mlp_scale").cwiseProduct(plain_linear(model, block + ".mlp.proj.weight", hidden));
  }
}

inline Matrix<double> plain_logits(const Model& model, std::span<const std::byte> text) {
  const auto& c = model.config();
  Stream x;
  for (std::size_t t = 0; t < text.size(); ++t) {
    const auto id = std::to_integer<Index>(text[t]);
    Index bucket = c.bigram_buckets - 1;
    if (t > 0) bucket = ((36313 * id) ^ (27191 * std::to_integer<Index>(text[t - 1]))) % (c.bigram_buckets - 1);
    const Vector<double> row = model["bigram.table.weight"].row(bucket).transpose().cast<double>();
    const Vector<double> token = model["tok_emb.weight"].row(id).transpose().cast<double>();
    x.push_back(
        plain_norm(token + plain_vector(model, "bigram.scale")[0] * plain_linear(model, "bigram.proj.weight", row),
                   c.norm_epsilon));
  }
  const Stream x0 = x;
  std::vector<Stream> encoded;
  for (Index i = 0; i < c.layers; ++i) {
    const Index decoder = i - c.layers / 2;
    if (decoder >= 0 && decoder < c.layers / 2) {
      const Stream& skip = encoded[static_cast<std::size_t>(c.layers / 2 - 1 - decoder)];
      for (std::size_t t = 0; t < x.size(); ++t)
        x[t] += plain_vector(model, "skip_w." + std::to_string(decoder)).cwiseProduct(skip[t]);
    }
    plain_block(model, "blocks." + std::to_string(i), x, x0);
    encoded.push_back(x);
  }
  Matrix<double> logits(static_cast<Index>(text.size()), 256);
  for (std::size_t t = 0; t < text.size(); ++t)
    for (Index v = 0; v < 256; ++v)
      logits(static_cast<Index>(t), v) =
          c.logit_softcap *
          std::tanh(plain_linear(model, "tok_emb.weight", plain_norm(x[t], c.norm_epsilon))[v] / c.logit_softcap);
  return logits;
}

}  // namespace hallmark::test
