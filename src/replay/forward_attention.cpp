// The attention of a block: rotary positions, causal softmax, and what exclusive attention takes away.
#include <algorithm>
#include <cmath>

#include "replay/forward_scratch.hpp"

namespace hallmark {

// Turns the pairs (i, i + R/2) of the first R of every head: (a, b) -> (a cos + b sin, b cos - a sin).
void Forward::rotate(std::vector<double>& x, Index tokens, Index heads) const {
  const Index half = config_.rope_pairs();
  for (Index t = 0; t < tokens; ++t) {
    const double* cosine = cosine_.data() + t * half;
    const double* sine = sine_.data() + t * half;
    for (Index h = 0; h < heads; ++h) {
      double* low = x.data() + (t * heads + h) * config_.head_dim;
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
  s.keep(&Tape::Block::raw_q, s.q);
  s.keep(&Tape::Block::raw_k, s.k);
  replay::rms_norm(s.q.data(), s.q.data(), n * heads, width, config_.norm_epsilon);
  replay::rms_norm(s.k.data(), s.k.data(), n * kv, width, config_.norm_epsilon);
  rotate(s.q, n, heads);
  rotate(s.k, n, kv);
  s.keep(&Tape::Block::q, s.q);
  s.keep(&Tape::Block::k, s.k);
  for (Index h = 0; h < heads; ++h) {
    const Index source = h / (heads / kv);
    const double gain = layer.q_gain[static_cast<std::size_t>(h)];
    for (Index t = 0; t < n; ++t)
      for (Index i = 0; i < width; ++i) {
        s.q[static_cast<std::size_t>((t * heads + h) * width + i)] *= gain;
        s.keys[static_cast<std::size_t>(i * n + t)] = s.k[static_cast<std::size_t>((t * kv + source) * width + i)];
      }
    for (Index first = 0; first < n; first += Scratch::score_rows) {
      const Index rows = std::min(Scratch::score_rows, n - first), seen = first + rows;
      replay::product(s.q.data() + (first * heads + h) * width, heads * width, s.keys.data(), n, s.scores.data(), n,
                      rows, width, seen);
      double sums[Scratch::score_rows];
      for (Index r = 0; r < rows; ++r) {
        double* row = s.scores.data() + r * n;
        const Index count = first + r + 1;
        const double top = *std::max_element(row, row + count);
        for (Index t = 0; t < count; ++t) row[t] -= top;
        replay::exponential(row, count);
        double sum = 0;
        for (Index t = 0; t < count; ++t) sum += row[t];
        sums[r] = sum;
        std::fill(row + count, row + seen, 0.0);  // the future weighs nothing
      }
      double* out = s.mixed.data() + (first * heads + h) * width;
      replay::product(s.scores.data(), n, s.v.data() + source * width, kv * width, out, heads * width, rows, seen,
                      width);
      for (Index r = 0; r < rows; ++r)
        for (Index i = 0; i < width; ++i) out[r * heads * width + i] /= sums[r];
    }
  }
}

// y - (y . v) v for the unit vector v along the position's own value, in every head: at position 0 nothing is left.
void Forward::exclude_own_value(Scratch& s) const {
  const Index width = config_.head_dim, group = config_.heads / config_.kv_heads;
  std::vector<double> unit(static_cast<std::size_t>(width));
  for (Index place = 0; place < s.tokens * config_.kv_heads; ++place) {
    const double* v = s.v.data() + place * width;
    double square = 0;
    for (Index i = 0; i < width; ++i) square += v[i] * v[i];
    const double length = std::max(std::sqrt(square), 1e-12);
    for (Index i = 0; i < width; ++i) unit[static_cast<std::size_t>(i)] = v[i] / length;
    for (Index h = 0; h < group; ++h) {  // place * group is t * heads + the first head of the group
      double* y = s.mixed.data() + (place * group + h) * width;
      double along = 0;
      for (Index i = 0; i < width; ++i) along += y[i] * unit[static_cast<std::size_t>(i)];
      for (Index i = 0; i < width; ++i) y[i] -= along * unit[static_cast<std::size_t>(i)];
    }
  }
}

}  // namespace hallmark
