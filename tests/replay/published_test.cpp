// Checkpoints by the published names, in three generations; models of tokens; shards.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include <nlohmann/json.hpp>

#include "../io/temporary_folder.hpp"
#include "plain_forward.hpp"
#include "random_model.hpp"
#include "replay/evaluate.hpp"
#include "replay/forward.hpp"
#include "replay/published.hpp"
#include "replay/tokens.hpp"

namespace published_test {

using namespace hallmark;
using test::TemporaryFolder;

namespace {

struct Stored {
  Shape shape;
  std::vector<float> values;
};
using Tensors = std::map<std::string, Stored>;

// The tensors of ours, one behind the other, under one name.
Stored joined(const Model& model, const std::vector<std::string>& names, Shape shape) {
  Stored result{std::move(shape), {}};
  for (const std::string& name : names)
    result.values.insert(result.values.end(), model[name].data(), model[name].data() + model[name].size());
  return result;
}

std::vector<std::string> numbered(const std::string& before, Index count, const std::string& behind = "") {
  std::vector<std::string> names;
  for (Index i = 0; i < count; ++i) names.push_back(before + std::to_string(i) + behind);
  return names;
}

std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Shape shape_of(const Model& model, const std::string& name) {
  const auto& w = model.weights().at(name);
  Shape shape{static_cast<std::uint64_t>(w.values.cols())};
  if (w.rank == 2) shape.insert(shape.begin(), static_cast<std::uint64_t>(w.values.rows()));
  return shape;
}

// What the published scripts save of this model: banks of the blocks' matrices, or not.
Tensors published(const Model& model, bool banked) {
  const ModelConfig& c = model.config();
  const auto n = [](Index i) { return static_cast<std::uint64_t>(i); };
  Tensors out;
  for (const auto& [name, weight] : model.weights()) {
    const bool matrix_of_block = name.starts_with("blocks.") && weight.rank == 2;
    if (name.find("resid_mix") == std::string::npos && !name.starts_with("skip_") && !(banked && matrix_of_block))
      out[name == "bigram.table.weight" ? "bigram.embed.weight" : name] = joined(model, {name}, shape_of(model, name));
  }
  for (const char* scale : {"bigram.scale", "ve_shared.scale"})
    if (out.contains(scale)) out[scale].shape = {};
  for (Index i = 0; i < c.layers; ++i) {
    const auto mix = "blocks." + std::to_string(i) + ".resid_mix";
    out[mix] = joined(model, {mix + "_x", mix + "_x0"}, {2, n(c.dim)});
  }
  out["skip_weights"] = joined(model, numbered("skip_w.", c.encoders()), {n(c.encoders()), n(c.dim)});
  if (c.skip_gates)
    out["skip_gates"] = joined(model, numbered("skip_gate.", c.encoders()), {n(c.encoders()), n(c.dim)});
  if (!banked) return out;
  const auto all = [&](const std::string& name) { return numbered("blocks.", c.layers, "." + name); };
  const Index q = c.heads * c.head_dim, kv = c.kv_heads * c.head_dim, L = c.layers;
  REQUIRE(q == c.dim);  // as in the published models; otherwise there is no bank of both
  out["qo_bank"] = joined(model, all("attn.c_q.weight") + all("attn.proj.weight"), {n(2 * L), n(q), n(c.dim)});
  out["kv_bank"] = joined(model, all("attn.c_k.weight") + all("attn.c_v.weight"), {n(2 * L), n(kv), n(c.dim)});
  out["mlp_up_bank"] = joined(model, all("mlp.fc.weight"), {n(L), n(c.mlp_hidden), n(c.dim)});
  out["mlp_down_bank"] = joined(model, all("mlp.proj.weight"), {n(L), n(c.dim), n(c.mlp_hidden)});
  return out;
}

void write(const std::string& path, const ModelConfig& config, const Tensors& tensors) {
  std::vector<TensorPlan> plan;
  for (const auto& [name, tensor] : tensors) plan.push_back({name, DType::F32, tensor.shape});
  auto writer = SafeTensorsWriter::create(path, true, plan, {{"hallmark.config", config_json(config)}});
  REQUIRE(writer);
  for (const auto& [name, tensor] : tensors) REQUIRE(writer->write(name, std::span<const float>(tensor.values)));
  REQUIRE(writer->commit());
}

ModelConfig family(Index vocab = 256) {
  ModelConfig config = test::small_config();
  config.vocab = vocab;
  config.dim = 24;  // = heads * head_dim
  config.layers = 5;
  config.value_dim = 3, config.value_layers = 2, config.xsa_layers = 5, config.rope_dims = 4, config.leaky_slope = 0.5;
  config.ln_scale = config.smear_gate = true;
  return config;
}

void refused(const Expected<Model>& model, int number, const std::string& said) {
  REQUIRE(!model);
  CHECK(model.error().number == number);
  CAPTURE(model.error().where);
  CHECK(model.error().where.find(said) != std::string::npos);
}

std::string shard(std::vector<std::uint32_t> header, const std::vector<std::uint16_t>& tokens) {
  header.resize(256);
  std::string bytes(reinterpret_cast<const char*>(header.data()), 1024);
  return bytes.append(reinterpret_cast<const char*>(tokens.data()), 2 * tokens.size());
}

}  // namespace

TEST_CASE("the published names of three generations give the model that ours give") {
  TemporaryFolder folder;
  const auto path = folder / "m.safetensors";
  ModelConfig plain = test::small_config(), gated = family();
  gated.skip_gates = gated.untied_head = true;
  for (const ModelConfig& config : {plain, family(), gated}) {
    const auto model = test::random_model(201, config);
    for (const bool banked : {false, true}) {
      if (banked && config.dim != config.heads * config.head_dim) continue;
      const Tensors tensors = published(model, banked);
      CHECK(tensors.contains(banked ? "qo_bank" : "blocks.0.attn.c_q.weight"));
      CHECK(!tensors.contains("skip_w.0"));
      write(path, config, tensors);
      const auto back = load_model(path);
      REQUIRE(back);
      CHECK(weights_digest(back->weights()) == weights_digest(model.weights()));
    }
  }
}

TEST_CASE("tensors of another depth or generation are refused by name") {
  TemporaryFolder folder;
  const auto path = folder / "m.safetensors";
  const auto model = test::random_model(202, family());
  const auto changed = [&](auto change, const std::string& said) {
    Tensors tensors = published(model, true);
    change(tensors);
    write(path, model.config(), tensors);
    refused(load_model(path), 394, said);
  };
  changed([](Tensors& t) { t["kv_bank"].shape = {5, 24, 24}; }, "kv_bank is [5, 24, 24]");
  changed([](Tensors& t) { t["skip_weights"] = {{3, 24}, std::vector<float>(72)}; }, "skip_weights is [3, 24]");
  changed(
      [](Tensors& t) {
        t["blocks.2.attn.attn_gate_w"] = {{8, 12}, std::vector<float>(96)};
      },
      "attn_gate_w is unknown");
  changed(
      [](Tensors& t) {
        t["parallel_post_lambdas"] = {{5, 2, 2}, std::vector<float>(20)};
      },
      "parallel_post_lambdas");
  changed([](Tensors& t) { t.erase("mlp_up_bank"); }, "mlp.fc.weight is missing");
}

TEST_CASE(
    "the published sizes: the preset builds, loads by the published names, and a model of zeros says log2 vocab") {
  const auto recipe = nlohmann::json::parse(test::read_file("trainer/recipe-published.json"));
  const auto config = parse_config(recipe["model"].dump(), "recipe", Reads::tokens);
  REQUIRE(config);
  CHECK(config->layers == 11);
  CHECK(config->dim == 512);
  const auto model = Model::create(*config, zero_weights(*config), {}, "zeros");
  REQUIRE(model);
  std::size_t parameters = 0;
  for (const auto& [name, weight] : model->weights()) parameters += static_cast<std::size_t>(weight.values.size());
  CHECK(parameters == 27067484);
  TemporaryFolder folder;
  write(folder / "m.safetensors", *config, published(*model, true));
  const auto back = load_model(folder / "m.safetensors", Reads::tokens);
  REQUIRE(back);
  CHECK(bits_per_token(*back, std::vector<Index>{1, 1023, 512, 7}, 2048).value() == doctest::Approx(10).epsilon(1e-12));
  refused(load_model(folder / "m.safetensors"), 393, "vocab is 1024, and no tokenizer is at hand");
}

TEST_CASE("a model of tokens: bytes among them as the plain implementation has them, and others as if renamed") {
  ModelConfig config = family(300);
  const auto text = test::random_text(24, 203);
  const auto model = test::random_model(204, config);
  CHECK((Forward(model, 24).logits(text) - test::plain_logits(model, text)).cwiseAbs().maxCoeff() < 1e-9);
  // Rows k and k + 44 of the tables change places, and so do the tokens: so do the logits. Bigrams would hash
  // otherwise.
  config.bigram_buckets = config.bigram_dim = 0;
  const auto first = test::random_model(205, config);
  Weights weights = first.weights();
  const auto renamed = [](Index id) { return id < 212 ? id : id < 256 ? id + 44 : id - 44; };
  for (const char* table : {"tok_emb.weight", "ve_shared.embed.weight"})
    for (Index id = 0; id < 300; ++id) weights[table].values.row(renamed(id)) = first[table].row(id);
  const auto second = Model::create(config, weights, {}, "renamed").value();
  std::vector<Index> tokens(24), others;
  std::iota(tokens.begin(), tokens.end(), 230);
  for (const Index token : tokens) others.push_back(renamed(token));
  const auto before = Forward(first, 24).logits(tokens), after = Forward(second, 24).logits(others);
  for (Index id = 0; id < 300; ++id) CHECK(before.col(id) == after.col(renamed(id)));
  double nats = 0;
  for (Index t = 0; t < 23; ++t) {
    const Eigen::ArrayXd row = before.row(t).transpose().array();
    nats += std::log(row.exp().sum()) - row(tokens[static_cast<std::size_t>(t) + 1]);
  }
  CHECK(bits_per_token(first, tokens, 24).value() == doctest::Approx(nats / std::log(2) / 23).epsilon(1e-12));
  CHECK(bits_per_token(first, tokens, 5).value() != bits_per_token(first, tokens, 24).value());
  CHECK(bits_per_token(first, std::span(tokens).first(1), 24).error().number == 392);
}

TEST_CASE("vocabularies of fewer than 256 tokens, or of more than the hash of bigrams takes, are refused") {
  for (const Index vocab : {255, 59138}) {
    const auto config = parse_config(config_json(family(vocab)), "here", Reads::tokens);
    REQUIRE(!config);
    CHECK(config.error().where.find("vocab " + std::to_string(vocab)) != std::string::npos);
  }
  CHECK(parse_config(config_json(family(59137)), "here", Reads::tokens));
}

TEST_CASE(
    "shards: train and validation, in the order of names; a token beyond the vocabulary is refused with its place") {
  TemporaryFolder folder;
  const std::vector<std::uint32_t> two{20240520, 1, 2};
  test::write_file(folder / "fineweb_train_000001.bin", shard(two, {3, 4}));
  test::write_file(folder / "fineweb_train_000000.bin", shard(two, {1, 299}));
  test::write_file(folder / "fineweb_val_000000.bin", shard(two, {5, 6}));
  test::write_file(folder / "fineweb_val_bytes_000000.bin", shard(two, {65535, 65535}));
  const auto corpus = load_tokens(folder.path(), 300);
  REQUIRE(corpus);
  CHECK(corpus->train == std::vector<Index>{1, 299, 3, 4});
  CHECK(corpus->validation == std::vector<Index>{5, 6});
  CHECK(corpus->train_digest != corpus->validation_digest);
  const auto refused_with = [&](int number, const std::string& said) {
    const auto bad = load_tokens(folder.path(), 300);
    REQUIRE(!bad);
    CHECK(bad.error().number == number);
    CAPTURE(bad.error().where);
    CHECK(bad.error().where.find(said) != std::string::npos);
  };
  const auto second = [&](const std::string& bytes) { test::write_file(folder / "fineweb_train_000001.bin", bytes); };
  second(shard(two, {3, 300}));
  refused_with(390, "token 1 is 300, the vocabulary has 300");
  second("short");
  refused_with(327, "5 bytes");
  second(shard(two, {5, 6}));
  refused_with(395, "fineweb_val_000000.bin");
  std::filesystem::remove(folder / "fineweb_val_000000.bin");
  refused_with(391, "_val_");
  CHECK(load_tokens(folder / "absent", 300).error().number == 390);
}

}  // namespace published_test
