// The forward pass one position at a time: windows side by side, each with the keys and values of its own past, so that
// a model can go on with a text without reading it again.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "linalg/matrix.hpp"
#include "replay/model.hpp"

namespace hallmark {

class Continuation {
 public:
  /// For windows of at most `window` inputs.
  Continuation(const Model& model, Index window);

  /// Some windows at one position.
  struct Past {
    Index windows = 0, position = 0;
    std::vector<std::byte> last;  ///< inputs of the position before
    std::vector<double> before;   ///< [windows, dim]: what went into the smear gate there
    struct Layer {
      std::vector<double> keys;    ///< [windows, kv heads, head_dim, positions]
      std::vector<double> values;  ///< [windows, positions, kv heads, head_dim]
    };
    std::vector<Layer> layers;
  };
  Past begin(Index windows) const;

  /// The logits [windows, 256] behind one more input of each window: the bits of the last rows of Forward::logits for
  /// the inputs so far. Precondition: as many inputs as windows, fewer positions than the window.
  Matrix<double> next(Past& past, std::span<const std::byte> inputs) const;

 private:
  using Values = std::vector<double>;
  struct Layer {
    Values c_q, c_k, c_v, attention_proj, fc, mlp_proj;  ///< transposed: inputs x outputs
    Values q_gain, attention_scale, mlp_scale, mix_x, mix_x0;
    double norm_scale = 1, value_scale = 0;
    bool exclusive = false;
  };
  struct Table {
    Values rows, proj;  ///< proj transposed
    Index width = 0;
    double scale = 0;
    Values look_up(std::span<const Index> ids, Index cols) const;
  };
  struct Skip {
    Values scale, gate;
  };
  struct Rows;  // the residual stream at one position

  static std::optional<Table> table(const Model& model, Index width, const std::string& rows, const std::string& name);
  void embed(Past& past, std::span<const std::byte> inputs, Rows& rows) const;
  void attend(const Layer& layer, Past& past, Past::Layer& seen, Rows& rows) const;
  void rotate(Values& x, Index position) const;
  void block(std::size_t i, Past& past, Rows& rows) const;

  ModelConfig config_;
  Index window_;
  Values embedding_, head_, smear_, cosine_, sine_;
  std::optional<Table> bigram_, value_;
  std::vector<Layer> layers_;
  std::vector<Skip> skips_;
};

}  // namespace hallmark
