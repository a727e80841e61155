// Each switch of the model, alone and with others: against the plain implementation, by hand where a formula says a
// value, and causal, the same for any threads; sites; configurations that contradict themselves.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <set>

#include "plain_forward.hpp"
#include "random_model.hpp"
#include "replay/capture.hpp"
#include "replay/forward.hpp"

namespace switches_test {

using namespace hallmark;

namespace {

struct Switch {
  const char* name;
  std::function<void(ModelConfig&)> set;
};

const std::vector<Switch>& switches() {
  static const std::vector<Switch> all{
      {"none", [](ModelConfig&) {}},
      {"no bigrams", [](ModelConfig& c) { c.bigram_buckets = c.bigram_dim = 0; }},
      {"leaky", [](ModelConfig& c) { c.leaky_slope = 0.5; }},
      {"partial RoPE", [](ModelConfig& c) { c.rope_dims = 4; }},
      {"LN scale", [](ModelConfig& c) { c.ln_scale = true; }},
      {"smear gate", [](ModelConfig& c) { c.smear_gate = true; }},
      {"skip gates", [](ModelConfig& c) { c.skip_gates = true; }},
      {"untied", [](ModelConfig& c) { c.untied_head = true; }},
      {"XSA, last", [](ModelConfig& c) { c.xsa_layers = 1; }},
      {"XSA, all", [](ModelConfig& c) { c.xsa_layers = c.layers; }},
      {"values, last", [](ModelConfig& c) { c.value_dim = 3, c.value_layers = 1; }},
      {"values, all", [](ModelConfig& c) { c.value_dim = 7, c.value_layers = c.layers; }},
      {"all", [](ModelConfig& c) {
         c.leaky_slope = 0.25, c.rope_dims = 2, c.xsa_layers = 2, c.value_dim = 4, c.value_layers = 2;
         c.ln_scale = c.smear_gate = c.skip_gates = c.untied_head = true;
       }}};
  return all;
}

ModelConfig with(const Switch& one, Index layers = 4) {
  ModelConfig config = test::small_config();
  config.layers = layers;
  one.set(config);
  return config;
}

}  // namespace

TEST_CASE("logits agree with the plain implementation, and each switch changes them") {
  const auto text = test::random_text(23, 92);
  Matrix<double> off;
  for (const Switch& one : switches()) {
    CAPTURE(one.name);
    const auto model = test::random_model(91, with(one));
    const auto fast = Forward(model, 24).logits(text);
    const auto plain = test::plain_logits(model, text);
    CHECK((fast - plain).cwiseAbs().maxCoeff() < 1e-9);
    CHECK(plain.cwiseAbs().maxCoeff() > 0.1);
    if (off.size() == 0) off = fast;
    else CHECK((fast - off).cwiseAbs().maxCoeff() > 1e-3);
  }
}

TEST_CASE("causality with every switch: a byte changes no logits before its own position") {
  const auto text = test::random_text(24, 93);
  for (const Switch& one : switches()) {
    CAPTURE(one.name);
    const Forward forward(test::random_model(94, with(one)), 24);
    const auto before = forward.logits(text);
    for (const std::size_t t : {0u, 1u, 9u, 23u}) {
      auto changed = text;
      changed[t] ^= std::byte{0x55};
      const auto after = forward.logits(changed);
      const auto row = static_cast<Index>(t);
      CHECK(before.topRows(row) == after.topRows(row));
      CHECK(before.row(row) != after.row(row));
    }
  }
}

TEST_CASE("exclusive attention by hand: nothing is left at the first position, and nothing along the own value later") {
  ModelConfig config = with({"", [](ModelConfig& c) { c.xsa_layers = 1; }}, 1);
  const auto model = test::random_model(95, config);
  const auto text = test::random_text(24, 96);
  const auto sites = activation_sites(config);
  Matrix<double> normed, mixed;
  Forward(model, 24).activations(text, [&](std::size_t site, const double* input, Index cols) {
    if (sites[site].name == "blocks.0.attn.c_q.weight") normed = Eigen::Map<const Matrix<double>>(input, 24, cols);
    if (sites[site].name == "blocks.0.attn.proj.weight") mixed = Eigen::Map<const Matrix<double>>(input, 24, cols);
  });
  const Matrix<double> v = normed * model["blocks.0.attn.c_v.weight"].cast<double>().transpose();
  CHECK(mixed.row(0).cwiseAbs().maxCoeff() < 1e-14);
  CHECK(mixed.row(5).cwiseAbs().maxCoeff() > 1e-3);
  for (Index t = 0; t < 24; ++t)
    for (Index h = 0; h < 4; ++h)  // two heads read each of the two values
      CHECK(std::abs(mixed.row(t).segment(6 * h, 6).dot(v.row(t).segment(6 * (h / 2), 6))) < 1e-12);
}

TEST_CASE("gates by hand: a smear gate of 0 halves, one far below 0 changes nothing; so do skip gates") {
  const auto text = test::random_text(24, 97);
  const auto closed = [&](ModelConfig config, const std::string& name, float value, bool gated) {
    config.smear_gate = gated && name == "smear.gate";
    config.skip_gates = gated && name != "smear.gate";
    Weights weights = zero_weights(config);
    const auto source = test::random_model(98, test::small_config());
    for (auto& [key, weight] : weights)
      if (source.weights().contains(key)) weight = source.weights().at(key);
    if (gated) weights[name].values.setConstant(value);
    return Forward(Model::create(config, weights, {}, "test").value(), 24).logits(text);
  };
  const auto config = test::small_config();
  CHECK(closed(config, "smear.gate", -800, true) == closed(config, "smear.gate", 0, false));
  CHECK(closed(config, "smear.gate", 0, true) != closed(config, "smear.gate", 0, false));
  // A skip gate that is open keeps x and drops the skip: as a skip weight of 0 does.
  ModelConfig none = config;
  Weights weights = test::random_model(98, none).weights();
  weights["skip_w.0"].values.setZero();
  const auto dropped = Forward(Model::create(none, weights, {}, "test").value(), 24).logits(text);
  CHECK((closed(config, "skip_gate.0", 800, true) - dropped).cwiseAbs().maxCoeff() < 1e-10);
}

TEST_CASE("every matrix of every configuration has exactly one site, with its number of columns") {
  for (const Switch& one : switches()) {
    CAPTURE(one.name);
    const auto model = test::random_model(99, with(one));
    auto sites = activation_sites(model.config());
    for (const ActivationSite& table : table_sites(model.config())) {
      CHECK(table_activations(model, table).cols() == table.cols);
      sites.push_back(table);
    }
    std::set<std::string> seen;
    for (const ActivationSite& site : sites)
      for (const auto& weight : site.weights) {
        CHECK(seen.insert(weight).second);
        CHECK(model[weight].cols() == site.cols);
      }
    const auto names = model.matrix_names();
    CHECK(seen == std::set<std::string>(names.begin(), names.end()));
    // Taps are numbered as the sites are listed, each once, and with its columns.
    std::vector<Index> cols;
    Forward(model, 24).activations(test::random_text(5, 1), [&](std::size_t site, const double*, Index width) {
      REQUIRE(site == cols.size());
      cols.push_back(width);
    });
    const auto listed = activation_sites(model.config());
    REQUIRE(cols.size() == listed.size());
    for (std::size_t i = 0; i < cols.size(); ++i) CHECK(cols[i] == listed[i].cols);
  }
}

TEST_CASE("what is captured of the value embedding and the untied output layer is what these layers receive") {
  const auto model = test::random_model(100, with(switches().back()));
  const auto text = test::random_text(24, 101);
  const auto sites = activation_sites(model.config());
  Matrix<double> rows, last;
  const Forward forward(model, 24);
  forward.activations(text, [&](std::size_t site, const double* input, Index cols) {
    if (sites[site].name == "ve_shared.proj.weight") rows = Eigen::Map<const Matrix<double>>(input, 24, cols);
    if (sites[site].name == "lm_head.weight") last = Eigen::Map<const Matrix<double>>(input, 24, cols);
  });
  for (Index t = 0; t < 24; ++t)
    CHECK(rows.row(t).cast<float>() ==
          model["ve_shared.embed.weight"].row(std::to_integer<Index>(text[static_cast<std::size_t>(t)])));
  const Matrix<double> scores = last * model["lm_head.weight"].cast<double>().transpose();
  CHECK((Matrix<double>(30 * (scores.array() / 30).tanh()) - forward.logits(text)).cwiseAbs().maxCoeff() < 1e-9);
  const auto tables = table_sites(model.config());
  REQUIRE(tables.size() == 3);
  CHECK(table_activations(model, tables[1]) == model["ve_shared.proj.weight"]);
  CHECK(table_activations(model, tables[2]) == Matrix<float>::Identity(20, 20));
}

TEST_CASE("the same bits for any number of threads with every switch") {
  const auto model = test::random_model(102, with(switches().back()));
  const auto text = test::random_text(500, 103);
  const double expected = bits_per_byte(model, text, 24).value();
  test::for_each_thread_count([&](int) { CHECK(bits_per_byte(model, text, 24).value() == expected); });
}

TEST_CASE("configurations come back from their text; one without switches has none in it") {
  for (const Switch& one : switches()) {
    CAPTURE(one.name);
    const auto config = with(one);
    const auto text = config_json(config);
    const auto back = parse_config(text, "here");
    REQUIRE(back);
    CHECK(config_json(*back) == text);
    CHECK(zero_weights(*back).size() == zero_weights(config).size());
  }
  CHECK(config_json(test::small_config()) ==
        R"({"bigram_buckets":50,"bigram_dim":5,"dim":20,"head_dim":6,"heads":4,"kv_heads":2,"layers":3,)"
        R"("logit_softcap":30.0,"mlp_hidden":28,"norm_epsilon":1.1920928955078125e-07,"rope_base":10000.0,"vocab":256,)"
        R"("window":24})");
}

TEST_CASE("configurations that contradict themselves, or of another generation, are refused by what they say") {
  const auto refused = [](const std::string& text, const std::string& said) {
    CAPTURE(text);
    const auto config = parse_config(text, "here");
    REQUIRE(!config);
    CHECK(config.error().exit == Exit::input);
    CHECK(config.error().number == 393);
    CAPTURE(config.error().where);
    CHECK(config.error().where.find(said) != std::string::npos);
  };
  const auto made = [&](const std::function<void(ModelConfig&)>& set, const std::string& said) {
    ModelConfig config = test::small_config();
    set(config);
    refused(config_json(config), said);
  };
  made([](ModelConfig& c) { c.bigram_dim = 0; }, "bigram_dim 0");
  made([](ModelConfig& c) { c.bigram_buckets = 0; }, "bigram_buckets 0");
  made([](ModelConfig& c) { c.bigram_buckets = 1; }, "bigram_buckets 1");
  made([](ModelConfig& c) { c.rope_dims = 3; }, "rope_dims 3");
  made([](ModelConfig& c) { c.rope_dims = 8; }, "rope_dims 8");
  made([](ModelConfig& c) { c.value_dim = 4; }, "value_layers 0");
  made([](ModelConfig& c) { c.value_layers = 1; }, "value_dim 0");
  made([](ModelConfig& c) { c.value_dim = 4, c.value_layers = 4; }, "value_layers 4");
  made([](ModelConfig& c) { c.xsa_layers = 4; }, "xsa_layers 4");
  made([](ModelConfig& c) { c.leaky_slope = 1.5; }, "leaky_slope 1.5");
  made([](ModelConfig& c) { c.layers = 1, c.skip_gates = true; }, "skip_gates");
  auto text = config_json(test::small_config());
  refused(text.substr(0, text.size() - 1) + R"(,"ln_scale":1})", "ln_scale");
  refused(text.substr(0, text.size() - 1) + R"(,"xsa_layers":-1})", "xsa_layers");
  refused(text.substr(0, text.size() - 1) + R"(,"loops":2})", "loops: the checkpoint is of another generation");
}

}  // namespace switches_test
