// What the forward pass of one window works in; for forward.cpp and forward_attention.cpp.
#pragma once

#include <vector>

#include "replay/forward.hpp"
#include "replay/kernels.hpp"

namespace hallmark {

// The residual stream and everything beside it, for one window.
struct Forward::Scratch {
  static constexpr Index score_rows = 32;  // of scores that are at hand at a time; no result depends on it

  Index tokens;
  std::vector<double> x, x0, normed, q, k, v, mixed, hidden, branch, keys, scores, value;
  std::vector<std::vector<double>> skips;
  Tape* tape = nullptr;
  Tape::Block* block = nullptr;  // of the tape

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
        scores(size(score_rows, n)) {}

  // Keeps what stands in a buffer where a tape is wanted.
  void keep(Tape::Values Tape::*place, const std::vector<double>& values) const {
    if (tape) tape->*place = values;
  }
  void keep(Tape::Values Tape::Block::*place, const std::vector<double>& values) const {
    if (block) block->*place = values;
  }
  static std::size_t size(Index rows, Index cols) { return static_cast<std::size_t>(rows * cols); }
  // y = x w for a transposed weight w [inner, cols].
  void linear(const std::vector<double>& input, const std::vector<double>& w, std::vector<double>& y) const {
    const Index inner = static_cast<Index>(input.size()) / tokens, cols = static_cast<Index>(y.size()) / tokens;
    replay::product(input.data(), inner, w.data(), cols, y.data(), cols, tokens, inner, cols);
  }
  void norm(const std::vector<double>& from, std::vector<double>& to, double epsilon) const {
    replay::rms_norm(from.data(), to.data(), tokens, static_cast<Index>(from.size()) / tokens, epsilon);
  }
};

}  // namespace hallmark
