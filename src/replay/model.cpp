#include "replay/model.hpp"

#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error_numbers.hpp"
#include "io/strict_json.hpp"

namespace hallmark {

namespace {

using Json = nlohmann::json;

Error bad_config(const std::string& where, const std::string& reason) {
  return {Exit::input, error_number::model_config, "the file does not describe a model of the replay",
          where + ": " + reason,
          "use a checkpoint of hallmark-train, or what hallmark dequantize makes of its quantized form"};
}

Error bad_tensor(const std::string& where, const std::string& reason) {
  return {Exit::input, error_number::model_tensors, "the tensors are not those of the model's configuration",
          where + ": " + reason, "use a checkpoint written by hallmark-train"};
}

std::string shape_of(const Weight& weight) {
  const auto& values = weight.values;
  return weight.rank == 1 ? fmt::format("[{}]", values.cols()) : fmt::format("[{}, {}]", values.rows(), values.cols());
}

// Every member of the configuration with its JSON name, once, for reading and for writing.
template <class Config, class Visit>
void visit_config(Config& config, Visit visit) {
  visit("vocab", config.vocab);
  visit("window", config.window);
  visit("dim", config.dim);
  visit("layers", config.layers);
  visit("heads", config.heads);
  visit("kv_heads", config.kv_heads);
  visit("head_dim", config.head_dim);
  visit("mlp_hidden", config.mlp_hidden);
  visit("bigram_buckets", config.bigram_buckets);
  visit("bigram_dim", config.bigram_dim);
  visit("rope_base", config.rope_base);
  visit("logit_softcap", config.logit_softcap);
  visit("norm_epsilon", config.norm_epsilon);
}

constexpr Index largest_size = 1 << 20;  // of any dimension: keeps products of two far from overflow

}  // namespace

Expected<ModelConfig> parse_config(std::string_view json, const std::string& where) {
  const auto parsed = strict_json(json);
  if (!parsed || !parsed->is_object()) return bad_config(where, "hallmark.config is not a JSON object");
  const auto& object = *parsed;
  ModelConfig config;
  std::string fault;
  visit_config(config, [&](const char* key, auto& member) {
    const auto entry = object.find(key);
    const bool integer = std::is_same_v<decltype(member), Index&>;
    if (entry == object.end() || !(integer ? entry->is_number_unsigned() : entry->is_number())) {
      fault = std::string("hallmark.config has no valid ") + key;
      return;
    }
    member = entry->get<std::remove_reference_t<decltype(member)>>();
    if (!(member >= 0 && static_cast<double>(member) <= largest_size)) fault = std::string(key) + " is out of range";
  });
  if (!fault.empty()) return bad_config(where, fault);
  const auto& c = config;
  if (c.vocab != 256)
    return bad_config(where, "vocab is " + std::to_string(c.vocab) + ", the replay reads bytes (256)");
  if (c.window < 1 || c.dim < 1 || c.layers < 1 || c.heads < 1 || c.kv_heads < 1 || c.head_dim < 2 ||
      c.mlp_hidden < 1 || c.bigram_buckets < 2 || c.bigram_dim < 1 || c.heads % c.kv_heads != 0 ||
      c.head_dim % 2 != 0 || c.heads * c.head_dim > largest_size || !(c.rope_base > 0) ||
      !(c.logit_softcap > 0 && c.logit_softcap <= 300))
    return bad_config(where, "sizes that fit no model: " + object.dump());
  return config;
}

std::string config_json(const ModelConfig& config) {
  Json object;
  visit_config(config, [&](const char* key, const auto& member) { object[key] = member; });
  return object.dump();
}

Weights zero_weights(const ModelConfig& c) {
  Weights weights;
  const auto matrix = [&](const std::string& name, Index rows, Index cols) {
    weights[name] = {Matrix<float>::Zero(rows, cols), 2};
  };
  const auto vector = [&](const std::string& name, Index n) { weights[name] = {Matrix<float>::Zero(1, n), 1}; };
  matrix("tok_emb.weight", c.vocab, c.dim);
  matrix("bigram.table.weight", c.bigram_buckets, c.bigram_dim);
  matrix("bigram.proj.weight", c.dim, c.bigram_dim);
  vector("bigram.scale", 1);
  for (Index i = 0; i < c.layers; ++i) {
    const auto block = "blocks." + std::to_string(i);
    matrix(block + ".attn.c_q.weight", c.heads * c.head_dim, c.dim);
    matrix(block + ".attn.c_k.weight", c.kv_heads * c.head_dim, c.dim);
    matrix(block + ".attn.c_v.weight", c.kv_heads * c.head_dim, c.dim);
    matrix(block + ".attn.proj.weight", c.dim, c.heads * c.head_dim);
    vector(block + ".attn.q_gain", c.heads);
    matrix(block + ".mlp.fc.weight", c.mlp_hidden, c.dim);
    matrix(block + ".mlp.proj.weight", c.dim, c.mlp_hidden);
    for (const char* name : {".attn_scale", ".mlp_scale", ".resid_mix_x", ".resid_mix_x0"}) vector(block + name, c.dim);
  }
  for (Index i = 0; i < c.encoders(); ++i) vector("skip_w." + std::to_string(i), c.dim);
  return weights;
}

Expected<Model> Model::create(const ModelConfig& config, Weights weights, Metadata metadata, const std::string& where) {
  const Weights expected = zero_weights(config);
  for (const auto& [name, shape] : expected) {
    const auto found = weights.find(name);
    if (found == weights.end()) return bad_tensor(where, name + " is missing");
    if (shape_of(found->second) != shape_of(shape))
      return bad_tensor(where, name + " is " + shape_of(found->second) + ", expected " + shape_of(shape));
    const auto& values = found->second.values;
    for (Index i = 0; i < values.size(); ++i)
      if (!std::isfinite(values.data()[i]))
        return Error{Exit::input, error_number::not_finite, "a weight is not finite",
                     where + ": " + name + " at index " + std::to_string(i),
                     "the checkpoint is damaged: train it again"};
  }
  for (const auto& [name, weight] : weights)
    if (!expected.contains(name)) return bad_tensor(where, name + " is unknown");
  Model model;
  model.config_ = config;
  model.weights_ = std::move(weights);
  model.metadata_ = std::move(metadata);
  return model;
}

std::vector<std::string> Model::matrix_names() const {
  std::vector<std::string> names;
  for (const auto& [name, weight] : weights_)
    if (weight.rank == 2) names.push_back(name);
  return names;
}

Expected<std::uint64_t> Model::seed() const {
  const auto entry = metadata_.find("hallmark.seed");
  if (entry == metadata_.end()) return bad_config("checkpoint", "hallmark.seed is missing");
  const std::string& text = entry->second;
  std::uint64_t seed = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (failure != std::errc() || end != text.data() + text.size())
    return bad_config("checkpoint", "hallmark.seed is no unsigned integer: " + text);
  return seed;
}

Expected<Model> Model::with_weights(const std::map<std::string, Matrix<float>>& replacements) const {
  Weights weights = weights_;
  for (const auto& [name, values] : replacements) weights[name] = {values, 2};
  return create(config_, std::move(weights), metadata_, "replacement");
}

}  // namespace hallmark
