#include "replay/model.hpp"

#include <charconv>
#include <cmath>
#include <type_traits>
#include <utility>

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

// The switches, which a configuration need not have.
template <class Config, class Visit>
void visit_switches(Config& config, Visit visit) {
  visit("rope_dims", config.rope_dims);
  visit("xsa_layers", config.xsa_layers);
  visit("value_dim", config.value_dim);
  visit("value_layers", config.value_layers);
  visit("leaky_slope", config.leaky_slope);
  visit("ln_scale", config.ln_scale);
  visit("smear_gate", config.smear_gate);
  visit("skip_gates", config.skip_gates);
  visit("untied_head", config.untied_head);
}

constexpr Index largest_vocab = 59137;   // so that the hash of a bigram stays below 2^31
constexpr Index largest_size = 1 << 20;  // of any dimension: keeps products of two far from overflow

// A value of the type of `member` and in its range; false: none.
template <class Member>
bool read_member(const Json& value, Member& member) {
  if constexpr (std::is_same_v<Member, bool>) {
    if (!value.is_boolean()) return false;
    member = value.get<bool>();
    return true;
  } else {
    if (!(std::is_same_v<Member, Index> ? value.is_number_unsigned() : value.is_number())) return false;
    member = value.get<Member>();
    return member >= 0 && static_cast<double>(member) <= largest_size;
  }
}

bool sizes_fit(const ModelConfig& c) {
  return c.window >= 1 && c.dim >= 1 && c.layers >= 1 && c.heads >= 1 && c.kv_heads >= 1 && c.head_dim >= 2 &&
         c.mlp_hidden >= 1 && c.heads % c.kv_heads == 0 && c.head_dim % 2 == 0 &&
         c.heads * c.head_dim <= largest_size && c.rope_base > 0 && c.logit_softcap > 0 && c.logit_softcap <= 300;
}

// What two entries say against each other; empty: nothing.
std::string contradiction(const ModelConfig& c) {
  if (c.bigram_buckets == 1 || (c.bigram_buckets == 0) != (c.bigram_dim == 0))
    return fmt::format("bigram_buckets {} and bigram_dim {}: a table has at least 2 rows and 1 column, or both are 0",
                       c.bigram_buckets, c.bigram_dim);
  if (c.rope_dims % 2 != 0 || c.rope_dims > c.head_dim)
    return fmt::format("rope_dims {}: an even number up to head_dim {}", c.rope_dims, c.head_dim);
  if ((c.value_dim == 0) != (c.value_layers == 0))
    return fmt::format("value_dim {} and value_layers {}: both are 0, or neither", c.value_dim, c.value_layers);
  for (const auto& [key, count] : {std::pair("xsa_layers", c.xsa_layers), std::pair("value_layers", c.value_layers)})
    if (count > c.layers) return fmt::format("{} {}: more than the {} layers", key, count, c.layers);
  if (c.vocab < 256 || c.vocab > largest_vocab)
    return fmt::format("vocab {}: 256 for bytes, at most {} for tokens", c.vocab, largest_vocab);
  if (c.leaky_slope > 1) return fmt::format("leaky_slope {}: at most 1", c.leaky_slope);
  if (c.skip_gates && c.encoders() == 0) return "skip_gates: a model of one layer has no skips";
  return {};
}

}  // namespace

Expected<ModelConfig> parse_config(std::string_view json, const std::string& where, Reads reads) {
  const auto parsed = strict_json(json);
  if (!parsed || !parsed->is_object()) return bad_config(where, "hallmark.config is not a JSON object");
  Json rest = *parsed;
  ModelConfig config;
  std::string fault;
  visit_config(config, [&](const char* key, auto& member) {
    if (!rest.contains(key) || !read_member(rest[key], member))
      fault = std::string("hallmark.config has no valid ") + key;
    rest.erase(key);
  });
  visit_switches(config, [&](const char* key, auto& member) {
    if (rest.contains(key) && !read_member(rest[key], member))
      fault = std::string("hallmark.config has no valid ") + key;
    rest.erase(key);
  });
  if (fault.empty() && !rest.empty())
    fault = "hallmark.config has an entry that is not known here, " + rest.begin().key() +
            ": the checkpoint is of another generation";
  if (!fault.empty()) return bad_config(where, fault);
  if (config.vocab != 256 && reads == Reads::bytes)
    return bad_config(
        where, fmt::format("vocab is {}, and no tokenizer is at hand: the replay reads bytes (256)", config.vocab));
  if (!sizes_fit(config)) return bad_config(where, "sizes that fit no model: " + parsed->dump());
  if (fault = contradiction(config); !fault.empty()) return bad_config(where, fault);
  return config;
}

std::string config_json(const ModelConfig& config) {
  Json object;
  visit_config(config, [&](const char* key, const auto& member) { object[key] = member; });
  visit_switches(config, [&](const char* key, const auto& member) {
    if (member != std::decay_t<decltype(member)>{}) object[key] = member;
  });
  return object.dump();
}

Weights zero_weights(const ModelConfig& c) {
  Weights weights;
  const auto matrix = [&](const std::string& name, Index rows, Index cols) {
    weights[name] = {Matrix<float>::Zero(rows, cols), 2};
  };
  const auto vector = [&](const std::string& name, Index n) { weights[name] = {Matrix<float>::Zero(1, n), 1}; };
  matrix("tok_emb.weight", c.vocab, c.dim);
  if (c.untied_head) matrix("lm_head.weight", c.vocab, c.dim);
  if (c.bigram_dim > 0) {
    matrix("bigram.table.weight", c.bigram_buckets, c.bigram_dim);
    matrix("bigram.proj.weight", c.dim, c.bigram_dim);
    vector("bigram.scale", 1);
  }
  if (c.smear_gate) vector("smear.gate", c.dim);
  if (c.value_dim > 0) {
    matrix("ve_shared.embed.weight", c.vocab, c.value_dim);
    matrix("ve_shared.proj.weight", c.kv_heads * c.head_dim, c.value_dim);
    vector("ve_shared.scale", 1);
    for (Index i = 0; i < c.value_layers; ++i) vector("ve_layer_scales." + std::to_string(i), 1);
  }
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
  for (Index i = 0; i < c.encoders(); ++i) {
    vector("skip_w." + std::to_string(i), c.dim);
    if (c.skip_gates) vector("skip_gate." + std::to_string(i), c.dim);
  }
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
