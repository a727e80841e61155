// The network in LibTorch: parameter-golf's family on bytes, with the switches of ModelConfig. Its forward pass in
// binary64 is src/replay/forward.hpp; `make check-trainer` compares the two.
#pragma once

#include <torch/torch.h>

#include <map>
#include <string>

#include "replay/model.hpp"

namespace hallmark::trainer {

using Parameters = std::map<std::string, torch::Tensor>;

class Network {
 public:
  /// Fresh parameters from LibTorch's generator, which `seed` sets. Output projections start at zero.
  Network(const ModelConfig& config, std::uint64_t seed, torch::Device device);

  /// Mean cross-entropy in nats of windows [batch, time + 1] of bytes (int64): input t predicts byte t + 1.
  torch::Tensor loss(const torch::Tensor& windows) const;

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
  const torch::Tensor& at(const std::string& name) const { return parameters_.at(name); }

  ModelConfig config_;
  Parameters parameters_;
};

}  // namespace hallmark::trainer
