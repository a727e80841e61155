// Three tiny checkpoints and a text folder, so that the whole experiment runs in a test.
#pragma once

#include <filesystem>
#include <string>

#include "../io/temporary_folder.hpp"
#include "ablation/run.hpp"
#include "replay/calibration.hpp"
#include "replay/model.hpp"
#include "replay/text.hpp"

namespace hallmark::test {

inline ModelConfig tiny_config() {
  ModelConfig config;
  config.window = 256;
  config.dim = 16;
  config.layers = 2;
  config.heads = 2;
  config.kv_heads = 1;
  config.head_dim = 8;
  config.mlp_hidden = 24;
  config.bigram_buckets = 32;
  config.bigram_dim = 8;
  config.rope_base = 10000;
  config.logit_softcap = 30;
  config.norm_epsilon = 0x1p-23;
  return config;
}

/// Uniform in [-1, 1), 24 bits.
inline float uniform(SplitMix64& random) { return static_cast<float>(random() >> 40) * 0x1p-23f - 1; }

class TinyExperiment {
 public:
  TinyExperiment() {
    std::filesystem::create_directory(text());
    SplitMix64 random(7);
    for (int file = 0; file < 10; ++file) {
      std::string words;
      while (words.size() < 24'000)
        words += static_cast<char>('a' + random.below(1 + random.below(26))), words += random.below(5) ? "" : " ";
      write_file(text() + "/" + static_cast<char>('0' + file) + ".txt", words);
    }
    const auto corpus = load_corpus(text()).value();
    for (const auto seed : canonical_seeds) {
      Weights weights = zero_weights(tiny_config());
      SplitMix64 values(seed);
      for (auto& [name, weight] : weights)
        for (Index i = 0; i < weight.values.size(); ++i)
          weight.values.data()[i] = weight.rank == 2 ? 0.4f * uniform(values) : 1 + 0.1f * uniform(values);
      write_model(models() + "/" + checkpoint_name(seed), false, tiny_config(), weights,
                  {{"hallmark.seed", std::to_string(seed)}, {"hallmark.text.sha256", corpus.digest}})
          .value();
    }
  }

  std::string text() const { return folder_ / "text"; }
  const std::string& models() const { return folder_.path(); }
  std::string operator/(std::string_view name) const { return folder_ / name; }

  AblationOptions options(const std::string& grid = "int4s") const {
    AblationOptions options;
    options.grid = grid;
    options.eval_bytes = 4097;
    options.models = models();
    options.text = text();
    return options;
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace hallmark::test
