// A byte-level language model of parameter-golf's baseline family: sizes, named weights, and the checkpoint file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "io/safetensors.hpp"
#include "linalg/matrix.hpp"

namespace hallmark {

/// Sizes, constants and switches, as `hallmark.config` of a checkpoint holds them (compact JSON, these names). A switch
/// that is off is not written, so that a model without switches has the text that it had before there were any.
struct ModelConfig {
  Index vocab = 256;  ///< 256: bytes; more: tokens of a tokenizer that is not part of the model
  Index window = 0;   ///< inputs per window in training and evaluation
  Index dim = 0;      ///< width of the residual stream
  Index layers = 0;
  Index heads = 0;  ///< query heads, a multiple of kv_heads
  Index kv_heads = 0;
  Index head_dim = 0;  ///< even
  Index mlp_hidden = 0;
  Index bigram_buckets = 0;  ///< at least 2, the last one for the first position; 0 with bigram_dim = 0: no table
  Index bigram_dim = 0;
  double rope_base = 0;
  double logit_softcap = 0;  ///< at most 300, so that exp of a logit is finite
  double norm_epsilon = 0;   ///< added to the mean square in RMSNorm

  Index rope_dims = 0;       ///< even: RoPE turns the first rope_dims of each head; 0: all
  Index xsa_layers = 0;      ///< the last so many layers have exclusive attention
  Index value_dim = 0;       ///< width of the shared value embedding; 0 with value_layers = 0: none
  Index value_layers = 0;    ///< the last so many layers add it to their values
  double leaky_slope = 0;    ///< 0..1: the MLP squares x > 0 ? x : leaky_slope x
  bool ln_scale = false;     ///< layer l (from 0) multiplies its norms by 1 / sqrt(l + 1)
  bool smear_gate = false;   ///< each position takes in a share of the one before
  bool skip_gates = false;   ///< skips are gated instead of added
  bool untied_head = false;  ///< the output layer has a matrix of its own

  Index encoders() const { return layers / 2; }
  /// Of the angles of RoPE: each turns a pair.
  Index rope_pairs() const { return (rope_dims > 0 ? rope_dims : head_dim) / 2; }
  bool exclusive(Index layer) const { return layer >= layers - xsa_layers; }
  bool value_embedded(Index layer) const { return layer >= layers - value_layers; }
};

/// What the caller can give a model to read: text, or tokens of any vocabulary too.
enum class Reads { bytes, tokens };

/// Errors: E0393 not a configuration, or a vocabulary of tokens where only bytes can be read; `where` names the file in
/// the message.
Expected<ModelConfig> parse_config(std::string_view json, const std::string& where, Reads reads = Reads::bytes);
std::string config_json(const ModelConfig& config);

/// Matrices as rows x cols; vectors as 1 x n, with rank 1.
struct Weight {
  Matrix<float> values;
  int rank = 2;
};
using Weights = std::map<std::string, Weight>;
using Metadata = std::map<std::string, std::string>;

/// Every tensor of a model of this configuration, with zeros: the names and shapes that a checkpoint must have.
Weights zero_weights(const ModelConfig& config);

class Model {
 public:
  /// Errors: E0394 a tensor missing, unknown or of another shape; E0350 a value that is not finite.
  static Expected<Model> create(const ModelConfig& config, Weights weights, Metadata metadata,
                                const std::string& where);

  const ModelConfig& config() const { return config_; }
  const Weights& weights() const { return weights_; }
  const Metadata& metadata() const { return metadata_; }
  /// A weight that the configuration has.
  const Matrix<float>& operator[](const std::string& name) const { return weights_.at(name).values; }
  /// The 2-D weights, sorted by name: what the ablation quantizes.
  std::vector<std::string> matrix_names() const;
  /// `hallmark.seed`: the training seed, which also seeds the calibration offsets. Errors: E0393.
  Expected<std::uint64_t> seed() const;

  /// This model with some matrices replaced, by name. Errors: E0394, E0350.
  Expected<Model> with_weights(const std::map<std::string, Matrix<float>>& replacements) const;

 private:
  ModelConfig config_;
  Weights weights_;
  Metadata metadata_;
};

/// The value of weights_digest_key: SHA-256 over all tensors sorted by name: name, a zero byte, rows and cols (64-bit
/// little-endian), binary32 values.
std::string weights_digest(const Weights& weights);

/// Reads a checkpoint: F32, BF16 or F16 tensors, widened exactly, by our names or the published ones (published.hpp).
/// An entry weights_digest_key, where present, must agree. Errors: those of SafeTensors::open, parse_config and
/// read_weights, E0350, E0710 another digest.
Expected<Model> load_model(const std::string& path, Reads reads = Reads::bytes);

/// The tensors of a checkpoint of any origin by our names, for models of `config`. Errors: E0351 a dtype that is not
/// read; E0394 a tensor that no model has.
Expected<Weights> read_weights(const SafeTensors& file, const ModelConfig& config, const std::string& path);

/// Writes a checkpoint (F32, atomically) with `metadata`, to which config and weights digest are added.
/// Errors: those of SafeTensorsWriter.
Status write_model(const std::string& path, bool overwrite, const ModelConfig& config, const Weights& weights,
                   Metadata metadata);

}  // namespace hallmark
