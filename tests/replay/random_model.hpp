// A small model with random weights, a text, and the loop over thread counts that the tests of the replay share.
#pragma once

#include <omp.h>

#include <cmath>
#include <random>
#include <vector>

#include "replay/model.hpp"

namespace hallmark::test {

inline ModelConfig small_config() {
  ModelConfig config;
  config.window = 24;
  config.dim = 20;
  config.layers = 3;  // one encoder, two decoders: the second decoder has no skip
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = 6;
  config.mlp_hidden = 28;
  config.bigram_buckets = 50;
  config.bigram_dim = 5;
  config.rope_base = 10000;
  config.logit_softcap = 30;
  config.norm_epsilon = 0x1p-23;
  return config;
}

inline Model random_model(std::uint32_t seed, const ModelConfig& config = small_config()) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  Weights weights = zero_weights(config);
  for (auto& [name, weight] : weights) {
    const double deviation = weight.rank == 1 ? 1.0 : 1.0 / std::sqrt(static_cast<double>(weight.values.cols()));
    for (Index i = 0; i < weight.values.size(); ++i)
      weight.values.data()[i] = static_cast<float>(deviation * normal(generator));
  }
  return *Model::create(config, std::move(weights), {{"hallmark.seed", "47"}}, "test");
}

inline std::vector<std::byte> random_text(std::size_t n, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<std::byte> text(n);
  for (auto& byte : text) byte = static_cast<std::byte>(generator() % 256);
  return text;
}

/// Calls body with 1, 2, 3 and 7 threads.
template <class Body>
void for_each_thread_count(Body body) {
  const int before = omp_get_max_threads();
  for (const int threads : {1, 2, 3, 7}) {
    omp_set_num_threads(threads);
    body(threads);
  }
  omp_set_num_threads(before);
}

}  // namespace hallmark::test
