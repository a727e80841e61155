// Checkpoints: round trip, every refusal, and the three that ship.
#include <doctest/doctest.h>

#include <limits>

#include <nlohmann/json.hpp>

#include "../io/temporary_folder.hpp"
#include "io/safetensors.hpp"
#include "random_model.hpp"
#include "replay/forward.hpp"
#include "replay/text.hpp"

namespace checkpoint_test {

using namespace hallmark;
using test::TemporaryFolder;

namespace {

void check_error(const Expected<Model>& model, Exit exit, int number, const std::string& named) {
  REQUIRE(!model);
  CHECK(model.error().exit == exit);
  CHECK(model.error().number == number);
  CAPTURE(model.error().where);
  CHECK(model.error().where.find(named) != std::string::npos);
}

bool same_weights(const Weights& a, const Weights& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.rank == y.second.rank && x.second.values == y.second.values;
  });
}

}  // namespace

TEST_CASE("write_model, load_model: weights, configuration and metadata come back") {
  TemporaryFolder folder;
  const auto model = test::random_model(61);
  const auto path = folder / "m.safetensors";
  REQUIRE(write_model(path, false, model.config(), model.weights(), {{"hallmark.seed", "89"}, {"k", "v"}}));
  const auto back = load_model(path);
  REQUIRE(back);
  CHECK(same_weights(back->weights(), model.weights()));
  CHECK(config_json(back->config()) == config_json(model.config()));
  CHECK(back->metadata().at("k") == "v");
  CHECK(*back->seed() == 89);
  CHECK(!write_model(path, false, model.config(), model.weights(), {}));  // exists
}

TEST_CASE("a checkpoint with another digest is refused") {
  TemporaryFolder folder;
  const auto model = test::random_model(62);
  const auto path = folder / "m.safetensors";
  REQUIRE(write_model(path, false, model.config(), model.weights(), {}));
  auto bytes = test::read_file(path);
  bytes[bytes.size() - 4] = static_cast<char>(bytes[bytes.size() - 4] ^ 1);  // the last weight's lowest bit
  test::write_file(path, bytes);
  check_error(load_model(path), Exit::mismatch, 710, path);
  bytes.resize(bytes.size() - 4);
  test::write_file(path, bytes);
  const auto truncated = load_model(path);
  REQUIRE(!truncated);
  CHECK(truncated.error().exit == Exit::input);
}

TEST_CASE("tensors that are not the configuration's are refused by name") {
  const auto model = test::random_model(63);
  const auto with = [&](auto change) {
    Weights weights = model.weights();
    change(weights);
    return Model::create(model.config(), weights, {}, "here");
  };
  check_error(with([](Weights& w) { w.erase("blocks.1.mlp.fc.weight"); }), Exit::input, 394,
              "blocks.1.mlp.fc.weight is missing");
  check_error(with([](Weights& w) {
                w["extra"] = {Matrix<float>::Zero(1, 1), 1};
              }),
              Exit::input, 394, "extra is unknown");
  check_error(with([](Weights& w) { w["tok_emb.weight"].values.resize(256, 3); }), Exit::input, 394,
              "tok_emb.weight is [256, 3]");
  check_error(with([](Weights& w) { w["bigram.scale"].rank = 2; }), Exit::input, 394,
              "bigram.scale is [1, 1], expected [1]");
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
    check_error(with([&](Weights& w) { w["skip_w.0"].values(0, 3) = bad; }), Exit::input, 350, "skip_w.0 at index 3");
  CHECK(with([](Weights&) {}));
}

TEST_CASE("configurations that are not one are refused") {
  const auto json = config_json(test::small_config());
  CHECK(parse_config(json, "here"));
  const auto replaced = [&](const std::string& from, const std::string& to) {
    auto text = json;
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return parse_config(text.replace(at, from.size(), to), "here");
  };
  for (const auto& bad :
       {parse_config("", "here"), parse_config("[]", "here"), parse_config("{}", "here"),
        replaced("\"dim\":20", "\"dim\":0"), replaced("\"dim\":20", "\"dim\":-20"),
        replaced("\"dim\":20", "\"dim\":\"20\""), replaced("\"dim\":20", "\"dim\":1e30"),
        replaced("\"dim\":20", "\"dim\":99999999999"), replaced("\"heads\":4", "\"heads\":3"),
        replaced("\"head_dim\":6", "\"head_dim\":5"), replaced("\"vocab\":256", "\"vocab\":257"),
        replaced("\"logit_softcap\":30.0", "\"logit_softcap\":1000.0"), replaced("\"window\"", "\"widow\"")}) {
    REQUIRE(!bad);
    CHECK(bad.error().exit == Exit::input);
    CHECK(bad.error().number == 393);
  }
}

TEST_CASE("a safetensors file that is no checkpoint is refused") {
  TemporaryFolder folder;
  const auto path = folder / "other.safetensors";
  auto writer = SafeTensorsWriter::create(path, false, {{"w", DType::F32, {1}}}, {});
  REQUIRE(writer);
  REQUIRE(writer->write("w", std::span<const float>(std::vector<float>{1})));
  REQUIRE(writer->commit());
  check_error(load_model(path), Exit::input, 393, path);
}

TEST_CASE("with_weights replaces matrices by name and checks them") {
  const auto model = test::random_model(64);
  const Matrix<float> other = Matrix<float>::Constant(28, 20, 0.5f);
  const auto changed = model.with_weights({{"blocks.2.mlp.fc.weight", other}});
  REQUIRE(changed);
  CHECK((*changed)["blocks.2.mlp.fc.weight"] == other);
  CHECK((*changed)["blocks.1.mlp.fc.weight"] == model["blocks.1.mlp.fc.weight"]);
  check_error(model.with_weights({{"blocks.2.mlp.fc.weight", Matrix<float>::Zero(20, 28)}}), Exit::input, 394,
              "blocks.2.mlp.fc.weight");
  check_error(model.with_weights({{"nothing", other}}), Exit::input, 394, "nothing");
}

TEST_CASE("a seed that is missing or no number is refused") {
  const auto config = test::small_config();
  for (const std::string text : {"", "-1", "47x", "99999999999999999999999"}) {
    const auto seed = Model::create(config, zero_weights(config), {{"hallmark.seed", text}}, "test")->seed();
    REQUIRE(!seed);
    CHECK(seed.error().number == 393);
  }
  CHECK(!Model::create(config, zero_weights(config), {}, "test")->seed());
}

TEST_CASE("the shipped checkpoints: small, trained from one recipe, below 2.3 bits per byte") {
  const auto corpus = load_corpus(default_text_folder);
  REQUIRE(corpus);
  std::string recipe;
  for (const std::string seed : {"47", "89", "144"}) {
    CAPTURE(seed);
    const std::string path = "models/seed-" + seed + ".safetensors";
    CHECK(std::filesystem::file_size(path) < 4'000'000);
    const auto model = load_model(path);
    REQUIRE(model);
    CHECK(*model->seed() == std::stoull(seed));
    const auto& metadata = model->metadata();
    CHECK(metadata.contains(weights_digest_key));
    CHECK((recipe.empty() || metadata.at("hallmark.recipe") == recipe));
    recipe = metadata.at("hallmark.recipe");
    CHECK(nlohmann::json::parse(recipe).at("steps").dump() == metadata.at("hallmark.steps"));  // trained to the end
    // An eighth of the evaluation, so that the test takes a second; the trainer recorded the figure for all of it.
    const auto bits =
        bits_per_byte(*model, corpus->validation.bytes().first(evaluation_bytes / 8), model->config().window);
    REQUIRE(bits);
    MESSAGE("seed " << seed << ": " << *bits << " bits per byte on 32,768 bytes; recorded for 262,144: "
                    << metadata.at("hallmark.validation.bpb"));
    CHECK(*bits <= 2.3);
    CHECK(std::stod(metadata.at("hallmark.validation.bpb")) <= 2.3);
  }
}

}  // namespace checkpoint_test
