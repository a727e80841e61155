#include "artifact/llama_folder.hpp"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <set>

#include "base/error_numbers.hpp"
#include "io/file.hpp"
#include "io/sentence_model.hpp"
#include "io/strict_json.hpp"
#include "io/utf8.hpp"

namespace hallmark::llama {
namespace {

using Json = nlohmann::ordered_json;

// Reads entries of config.json and keeps the first fault.
class Entries {
 public:
  Entries(const Json& json, std::string path) : json_(json), path_(std::move(path)) {}

  void fail(std::string what, const std::string& where) {
    if (!error)
      error = Error{Exit::input, error_number::llama_config, std::move(what), path_ + ": " + where,
                    "the config.json of a llama without these; or export without --llama"};
  }
  /// Null is as if it were not there.
  const Json* find(const char* key) const {
    const auto found = json_.find(key);
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }
  std::uint64_t count(const char* key, std::optional<std::uint64_t> by_default = std::nullopt) {
    const Json* const value = find(key);
    if (!value && by_default) return *by_default;
    constexpr std::uint64_t most = std::numeric_limits<std::int32_t>::max();
    const std::uint64_t number = value && value->is_number_unsigned() ? value->get<std::uint64_t>() : 0;
    if (number == 0 || number > most)
      fail(value ? "an entry is no number from 1 to 2^31 - 1" : "an entry is missing", shown(key, value));
    return number;
  }
  float positive(const char* key, std::optional<float> by_default = std::nullopt) {
    const Json* const value = find(key);
    if (!value && by_default) return *by_default;
    const float number = value && value->is_number() ? value->get<float>() : 0;
    if (!(number > 0 && std::isfinite(number)))
      fail(value ? "an entry is no number above 0" : "an entry is missing", shown(key, value));
    return number;
  }
  /// An entry that may be missing, and else has to be this.
  void only(const char* key, const Json& wanted) {
    if (const Json* const value = find(key); value && *value != wanted)
      fail("llama.cpp computes no such llama", shown(key, value) + ", " + wanted.dump() + " is written");
  }
  static std::string shown(const char* key, const Json* value) {
    return value ? fmt::format("'{}' is {}", key, printable(value->dump(-1, ' ', true))) : fmt::format("'{}'", key);
  }

  std::optional<Error> error;

 private:
  const Json& json_;
  std::string path_;
};

// The base of the rotation stands alone, or since version 5 of transformers among others; every other rotation is
// refused.
float theta_of(Entries& entries) {
  float theta = 10000;
  for (const char* const key : {"rope_scaling", "rope_parameters"}) {
    const Json* const rope = entries.find(key);
    if (!rope) continue;
    const bool plain = rope->is_object() && rope->value("rope_type", Json("default")) == "default" &&
                       rope->value("type", Json("default")) == "default";
    if (!plain || rope->contains("factor"))
      entries.fail("positions are scaled, which is not written", Entries::shown(key, rope));
    else if (const auto found = rope->find("rope_theta"); found != rope->end() && found->is_number())
      theta = found->get<float>();
  }
  theta = entries.positive("rope_theta", theta);
  if (!(theta > 0 && std::isfinite(theta))) entries.fail("an entry is no number above 0", "'rope_theta'");
  return theta;
}

Config config_of(Entries& entries) {
  if (!entries.find("model_type")) entries.fail("an entry is missing", "'model_type'");
  entries.only("model_type", "llama");
  entries.only("hidden_act", "silu");
  for (const char* const biased : {"attention_bias", "mlp_bias"}) entries.only(biased, false);
  entries.only("pretraining_tp", 1);
  Config config;
  config.width = entries.count("hidden_size");
  config.hidden = entries.count("intermediate_size");
  config.layers = entries.count("num_hidden_layers");
  config.vocabulary = entries.count("vocab_size");
  config.context = entries.count("max_position_embeddings");
  config.heads.query = entries.count("num_attention_heads");
  config.heads.key_value = entries.count("num_key_value_heads", config.heads.query);
  config.epsilon = entries.positive("rms_norm_eps");
  config.theta = theta_of(entries);
  const Json* const tied = entries.find("tie_word_embeddings");
  config.tied = tied && tied->is_boolean() && tied->get<bool>();
  if (entries.error) return config;
  const auto [query, key_value] = config.heads;
  config.head_height = config.width / query;
  if (config.width % query != 0 || config.head_height % 2 != 0 || query % key_value != 0)
    entries.fail("the heads do not divide the width evenly",
                 fmt::format("hidden_size {}, {} heads, {} of keys", config.width, query, key_value));
  entries.only("head_dim", config.head_height);
  return config;
}

// Tokens at which text begins and ends, by config.json or else by the tokenizer.
std::uint32_t token_of(Entries& entries, const char* key, std::int64_t by_default, std::uint64_t vocabulary) {
  const Json* const value = entries.find(key);
  const std::int64_t token = !value ? by_default : value->is_number_integer() ? value->get<std::int64_t>() : -1;
  if (token < 0 || static_cast<std::uint64_t>(token) >= vocabulary)
    entries.fail("an entry is no token", value ? Entries::shown(key, value) : fmt::format("'{}': {}", key, token));
  return static_cast<std::uint32_t>(token);
}

Error tokenizer_refused(std::string what, std::string where) {
  return {Exit::input, error_number::llama_tokenizer, std::move(what), std::move(where),
          "the tokenizer.model of the model; or export without --llama"};
}

// Why llama.cpp would cut text otherwise, or end itself.
std::optional<Error> tokenizer_obstacle(const SentenceModel& model, const std::string& path, std::uint64_t vocabulary) {
  if (model.pieces.size() != vocabulary)
    return tokenizer_refused("the tokenizer has another number of tokens than the model",
                             fmt::format("{}: {} pieces, vocab_size {}", path, model.pieces.size(), vocabulary));
  const char* const way = model.algorithm != SentenceModel::byte_pairs ? "its algorithm is not that of byte pairs"
                          : model.space_behind                         ? "it puts spaces behind words"
                          : model.maps_characters                      ? "it maps characters first"
                          : model.joins_spaces                         ? "it removes spaces"
                          : !model.marks_spaces                        ? "it does not mark spaces"
                                                                       : nullptr;
  if (way) return tokenizer_refused("llama.cpp would cut text otherwise", path + ": " + way);
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < model.pieces.size(); ++i) {
    const auto& [text, score, type] = model.pieces[i];
    if (text.empty() || find_invalid_utf8(text) || !std::isfinite(score) || !seen.insert(text).second)
      return tokenizer_refused("a piece that is empty, there before, no text, or of a score that is no number",
                               fmt::format("{}: piece {} is '{}', score {}", path, i, printable(text), score));
  }
  return std::nullopt;
}

gguf::Metadata model_keys(const Config& config) {
  const auto u32 = [](std::uint64_t number) { return static_cast<std::uint32_t>(number); };  // entries are below 2^31
  return {{"general.architecture", "llama"},
          {"llama.block_count", u32(config.layers)},
          {"llama.context_length", u32(config.context)},
          {"llama.embedding_length", u32(config.width)},
          {"llama.feed_forward_length", u32(config.hidden)},
          {"llama.attention.head_count", u32(config.heads.query)},
          {"llama.attention.head_count_kv", u32(config.heads.key_value)},
          {"llama.attention.layer_norm_rms_epsilon", config.epsilon},
          {"llama.rope.dimension_count", u32(config.head_height)},
          {"llama.rope.freq_base", config.theta},
          {"llama.vocab_size", u32(config.vocabulary)}};
}

void add_tokenizer(gguf::Metadata& metadata, const SentenceModel& model, std::uint32_t begin, std::uint32_t end) {
  std::vector<std::string> tokens;
  std::vector<float> scores;
  std::vector<std::int32_t> types;
  for (const SentencePiece& piece : model.pieces) {
    tokens.push_back(piece.text);
    scores.push_back(piece.score);
    types.push_back(static_cast<std::int32_t>(piece.type));
  }
  metadata.emplace_back("tokenizer.ggml.model", "llama");
  metadata.emplace_back("tokenizer.ggml.pre", "default");
  metadata.emplace_back("tokenizer.ggml.tokens", std::move(tokens));
  metadata.emplace_back("tokenizer.ggml.scores", std::move(scores));
  metadata.emplace_back("tokenizer.ggml.token_type", std::move(types));
  metadata.emplace_back("tokenizer.ggml.bos_token_id", begin);
  metadata.emplace_back("tokenizer.ggml.eos_token_id", end);
  const auto known = [&](std::int64_t token) { return token >= 0 && std::cmp_less(token, model.pieces.size()); };
  if (known(model.unknown))
    metadata.emplace_back("tokenizer.ggml.unknown_token_id", static_cast<std::uint32_t>(model.unknown));
  if (known(model.pad)) metadata.emplace_back("tokenizer.ggml.padding_token_id", static_cast<std::uint32_t>(model.pad));
  metadata.emplace_back("tokenizer.ggml.add_space_prefix", model.space_in_front);
}

}  // namespace

Expected<Folder> read_folder(const std::string& path) {
  Folder folder{path, {}, {}, {path + "/config.json", path + "/tokenizer.model"}};
  const std::string &config_path = folder.inputs[0], &tokenizer_path = folder.inputs[1];
  const Expected<std::string> text = read_text(config_path);
  if (!text) return text.error();
  const std::optional<Json> json = strict_json(*text);
  if (!json || !json->is_object())
    return Error{Exit::input, error_number::llama_config, "not an object of JSON with every key once", config_path,
                 "the config.json of a llama"};
  Entries entries(*json, config_path);
  folder.config = config_of(entries);
  if (entries.error) return *entries.error;
  std::error_code fault;
  if (!std::filesystem::exists(tokenizer_path, fault)) {
    const bool other = std::filesystem::exists(path + "/tokenizer.json", fault);
    return tokenizer_refused("no tokenizer.model of sentencepiece", path + (other ? ": tokenizer.json alone" : ""));
  }
  const Expected<SentenceModel> tokenizer = read_sentence_model(tokenizer_path);
  if (!tokenizer) return tokenizer.error();
  if (auto obstacle = tokenizer_obstacle(*tokenizer, tokenizer_path, folder.config.vocabulary))
    return *std::move(obstacle);
  const std::uint32_t begin = token_of(entries, "bos_token_id", tokenizer->begin, folder.config.vocabulary),
                      end = token_of(entries, "eos_token_id", tokenizer->end, folder.config.vocabulary);
  if (entries.error) return *entries.error;
  folder.metadata = model_keys(folder.config);
  add_tokenizer(folder.metadata, *tokenizer, begin, end);
  return folder;
}

Status check_tensors(const Folder& folder, const QuantizedHeader& header) {
  const Config& config = folder.config;
  std::map<std::string_view, const OriginalTensor*> unclaimed;
  for (const OriginalTensor& tensor : header.tensors) unclaimed[tensor.name] = &tensor;
  std::set<std::string_view> transposed;
  for (const QuantizedMatrix& matrix : header.matrices)
    if (matrix.transposed) transposed.insert(matrix.tensor);
  const auto refused = [&](std::string what, const std::string& tensor, const std::string& where) {
    return Error{Exit::infeasible, error_number::format_refuses, std::move(what),
                 fmt::format("tensor '{}': {}", printable(tensor), where),
                 "the folder of the model that the weights are of; or export without --llama"};
  };
  std::optional<Error> error;
  const auto claim = [&](const std::string& name, Shape shape) {
    const auto found = unclaimed.find(name);
    if (found == unclaimed.end()) {
      error = refused("a tensor of the model is missing", name, "by config.json " + shape_text(shape));
      return;
    }
    if (transposed.contains(name)) std::swap(shape[0], shape[1]);
    if (found->second->shape != shape)
      error = refused("a tensor has another shape than the model's", name,
                      fmt::format("{}, by config.json {}", shape_text(found->second->shape), shape_text(shape)));
    unclaimed.erase(found);
  };
  claim("model.embed_tokens.weight", {config.vocabulary, config.width});
  const std::uint64_t keys = config.heads.key_value * config.head_height;
  const std::vector<std::pair<const char*, Shape>> of_layer = {{"input_layernorm", {config.width}},
                                                               {"self_attn.q_proj", {config.width, config.width}},
                                                               {"self_attn.k_proj", {keys, config.width}},
                                                               {"self_attn.v_proj", {keys, config.width}},
                                                               {"self_attn.o_proj", {config.width, config.width}},
                                                               {"post_attention_layernorm", {config.width}},
                                                               {"mlp.gate_proj", {config.hidden, config.width}},
                                                               {"mlp.up_proj", {config.hidden, config.width}},
                                                               {"mlp.down_proj", {config.width, config.hidden}}};
  for (std::uint64_t i = 0; i < config.layers && !error; ++i)  // ends at the first that is missing
    for (const auto& [name, shape] : of_layer)
      if (!error) claim(fmt::format("model.layers.{}.{}.weight", i, name), shape);
  if (!error) claim("model.norm.weight", {config.width});
  if (!error && !config.tied) claim("lm_head.weight", {config.vocabulary, config.width});
  if (error) return *std::move(error);
  for (const OriginalTensor& tensor : header.tensors)
    if (unclaimed.contains(tensor.name))
      return refused(config.tied && tensor.name == "lm_head.weight" ? "a head that config.json ties to the embeddings"
                                                                    : "a llama of llama.cpp has no such tensor",
                     tensor.name, shape_text(tensor.shape));
  return ok();
}

}  // namespace hallmark::llama
