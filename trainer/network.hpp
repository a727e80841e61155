// The network in LibTorch: parameter-golf's family on bytes, with the switches of ModelConfig. Its forward pass in
// binary64 is src/replay/forward.hpp; `make check-trainer` compares the two.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <limits>
#include <map>
#include <string>

#include "method/options.hpp"
#include "replay/model.hpp"

namespace hallmark::trainer {

using Parameters = std::map<std::string, torch::Tensor>;

/// Of a block, and multiplied by activations: what Muon trains and what is rounded late.
bool is_block_matrix(const std::string& name, const torch::Tensor& weight);
/// A parameter as a matrix on the CPU, a vector as one row; and back, with the parameter's shape and device.
Matrix<float> to_matrix(const torch::Tensor& weight);
torch::Tensor to_tensor(const Matrix<float>& values, const torch::Tensor& like);

class Network {
 public:
  /// Fresh parameters from LibTorch's generator, which `seed` sets; the blocks' matrices normal or `orthogonal`. Output
  /// projections start at zero. `layers` of the blocks take part at first, and the skips between others start at 0.
  Network(const ModelConfig& config, std::uint64_t seed, torch::Device device, bool orthogonal = false,
          std::int64_t layers = std::numeric_limits<std::int64_t>::max());

  /// Mean cross-entropy in nats of windows [batch, time + 1] of tokens (int64): input t predicts token t + 1.
  torch::Tensor loss(const torch::Tensor& windows) const;

  /// The first half of so many layers, rounded down, and the last of them take part; the others pass the stream on. A
  /// block that was not trained yet adds nothing, so a network that grows computes what it computed.
  void use_layers(std::int64_t layers) { layers_ = layers; }
  std::int64_t layers() const { return layers_; }

  /// From here on the blocks' matrices are, in the forward pass, what the exporter makes of them as they stand now:
  /// exactly its dequantized numbers. Their gradients go to the matrices themselves (straight through). To be called
  /// again after each step. Errors: those of checked_steps.
  Status quantize(const Options& options);

  /// Named as in the checkpoint; vectors are 1-D.
  Parameters& parameters() { return parameters_; }
  const Parameters& parameters() const { return parameters_; }

 private:
  torch::Tensor norm(const torch::Tensor& x) const;
  torch::Tensor norm(const torch::Tensor& x, std::int64_t layer) const;
  torch::Tensor attention(std::int64_t layer, const torch::Tensor& x, const torch::Tensor& ids) const;
  torch::Tensor block(std::int64_t i, torch::Tensor x, const torch::Tensor& x0, const torch::Tensor& ids) const;
  torch::Tensor bigram(const torch::Tensor& ids) const;
  torch::Tensor embed(const torch::Tensor& ids) const;
  torch::Tensor skip(std::int64_t decoder, const torch::Tensor& x, const torch::Tensor& from) const;
  bool used(std::int64_t layer) const;
  const torch::Tensor& at(const std::string& name) const {
    const auto rounded = rounded_.find(name);
    return rounded == rounded_.end() ? parameters_.at(name) : rounded->second;
  }

  ModelConfig config_;
  Parameters parameters_, rounded_;
  std::int64_t layers_;
};

}  // namespace hallmark::trainer
