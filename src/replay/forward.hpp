// The forward pass in binary64, with a fixed order for every sum (kernels.hpp): the same bits for any number of
// threads and any vector width. Across machines it may differ in the last bits, because cos, sin, pow and log are
// libm's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "replay/model.hpp"

namespace hallmark {

/// ((36313 current) xor (27191 previous)) mod (buckets - 1): the row of the bigram table at any position but the first
/// of a window, which has row buckets - 1. Inputs below 59138, so that nothing overflows.
std::uint32_t bigram_bucket(std::uint32_t current, std::uint32_t previous, std::uint32_t buckets);

/// base^(-2i / dims): the angle by which RoPE turns the pair (i, i + dims / 2) of a head's first `dims` from one
/// position to the next.
double rope_frequency(Index i, Index dims, double base);

/// The ids of bytes: a model of 256 tokens reads them as they are.
std::vector<Index> byte_ids(std::span<const std::byte> text);

/// What the forward pass of one window leaves behind for backward.hpp, rows of positions: activations as they stand
/// before and after each step that is not linear, in the order of the pass.
struct Tape {
  using Values = std::vector<double>;
  struct Lookup {
    std::vector<Index> rows;  ///< of the table
    Values found, projected;  ///< those rows; their projection, before the scale
  };
  struct Block {
    Values before_skip, stream, entered;  ///< the stream before the skip, after it, after mixing x0 in
    Values attention_input, raw_q, raw_k, q, k, v;
    Values attended, mixed;  ///< before and after XSA
    Values attention_branch, middle, mlp_input, before_activation, hidden, mlp_branch;
    Values left;  ///< the stream behind the block
  };
  std::vector<Index> ids;
  Lookup bigram, value_lookup;
  Values summed, normed, x0, value;  ///< embeddings; after the norm; after the smear gate; value embedding, scaled
  std::vector<Block> blocks;
  Values last, logits;  ///< after the final norm; after the soft cap
};

/// A model prepared for the forward pass: weights widened to binary64 and transposed. Inputs and targets are tokens
/// below config.vocab; bytes are those of a model of 256.
class Forward {
 public:
  /// Receives the input of a linear layer, tokens x cols dense; the layers are numbered as activation_sites() lists
  /// them.
  using Tap = std::function<void(std::size_t site, const double* input, Index cols)>;

  static constexpr std::size_t all_sites = std::numeric_limits<std::size_t>::max();

  /// For windows of at most `window` inputs.
  Forward(const Model& model, Index window);

  /// Logits [inputs, vocab] after the soft cap. Each row depends on the inputs up to its own alone.
  Matrix<double> logits(std::span<const Index> inputs, const Tap& tap = {}) const;
  Matrix<double> logits(std::span<const std::byte> inputs, const Tap& tap = {}) const {
    return logits(byte_ids(inputs), tap);
  }
  /// out[i] = -ln p(targets[t] | inputs[0..t]) for the last out.size() positions t, in order. Preconditions: as many
  /// targets as inputs, no more scores than targets.
  void scores(std::span<const Index> inputs, std::span<const Index> targets, std::span<double> out) const;
  void scores(std::span<const std::byte> inputs, std::span<const std::byte> targets, std::span<double> out) const {
    scores(byte_ids(inputs), byte_ids(targets), out);
  }
  /// sum_t -ln p(targets[t] | inputs[0..t]), t increasing. Precondition: as many targets as inputs.
  double nats(std::span<const Index> inputs, std::span<const Index> targets) const;
  double nats(std::span<const std::byte> inputs, std::span<const std::byte> targets) const {
    return nats(byte_ids(inputs), byte_ids(targets));
  }
  /// The pass over the inputs, with all that it went through.
  Tape record(std::span<const std::byte> inputs) const;
  /// The activations alone: everything but the output layer's product. Those after site `last` may be left out.
  void activations(std::span<const std::byte> inputs, const Tap& tap, std::size_t last = all_sites) const;

 private:
  struct Layer {
    std::vector<double> c_q, c_k, c_v, attention_proj, fc, mlp_proj;  ///< transposed: inputs x outputs
    std::vector<double> q_gain;                                       ///< divided by sqrt(head_dim)
    std::vector<double> attention_scale, mlp_scale, mix_x, mix_x0;
    double norm_scale, value_scale;  ///< 1 and 0 where their switches are off
    bool exclusive;
  };
  struct Skip {
    std::vector<double> scale, gate;  ///< gate: after the sigmoid; empty: none
  };
  /// A table of rows, one for each of some positions' keys, that a projection takes into the stream.
  struct Lookup {
    std::vector<double> table, proj;  ///< proj transposed
    Index width;
    double scale;
  };
  struct Scratch;

  static Lookup lookup(const Model& model, const std::string& table, const std::string& name);
  void look_up(const Lookup& from, std::span<const Index> rows, std::vector<double>& to, Scratch& s, const Tap& tap,
               std::size_t site, Tape::Lookup* tape) const;
  void embed(std::span<const Index> ids, Scratch& s, const Tap& tap) const;
  void skip(std::size_t decoder, Scratch& s) const;
  void block(std::size_t i, Scratch& s, const Tap& tap) const;
  void block_norm(const Layer& layer, Scratch& s) const;
  void attention(const Layer& layer, Scratch& s) const;
  void exclude_own_value(Scratch& s) const;
  void rotate(std::vector<double>& x, Index tokens, Index heads) const;
  Matrix<double> output(const Matrix<double>& last, Index first) const;
  /// Empty where `last` is a site before it.
  Matrix<double> final_norm(std::span<const Index> inputs, const Tap& tap, std::size_t last = all_sites,
                            Tape* tape = nullptr) const;

  ModelConfig config_;
  std::vector<Layer> layers_;
  std::vector<double> embedding_, head_, smear_, cosine_, sine_;  ///< head_ transposed; smear_ after the sigmoid
  std::optional<Lookup> bigram_, value_;
  std::vector<Skip> skips_;
  std::size_t first_site_;  ///< of the blocks
};

/// Bits per byte of text (evaluate.hpp with stride = window): every byte but the first is predicted exactly once, by
/// windows of `window` inputs that each start where the one before ended and know nothing of it; so the first of each
/// window sees one byte of context. The windows' sums are added in order. Errors: E0392 fewer than two bytes, E0510 the
/// result is not finite.
Expected<double> bits_per_byte(const Model& model, std::span<const std::byte> text, Index window = 256);

/// The part of the validation split that is evaluated: 1,024 windows.
inline constexpr std::size_t evaluation_bytes = 262144;

}  // namespace hallmark
