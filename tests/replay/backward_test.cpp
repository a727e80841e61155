// Gradients against differences of the loss, for every tensor of every configuration; sums over windows; threads.
#include <doctest/doctest.h>

#include <cmath>

#include "random_model.hpp"
#include "replay/backward.hpp"
#include "replay/forward.hpp"

namespace backward_test {

using namespace hallmark;

namespace {

using Windows = std::vector<std::span<const std::byte>>;

double mean_loss(const Model& model, const Windows& windows) {
  double nats = 0, positions = 0;
  for (const auto& window : windows) {
    nats += Forward(model, 24).nats(window.first(window.size() - 1), window.subspan(1));
    positions += static_cast<double>(window.size() - 1);
  }
  return nats / positions;
}

// The loss along a random direction in one tensor, by the gradient and by a difference: the steps are what binary32
// took.
void check_tensor(const Model& model, const Windows& windows, const Gradients& gradients, const std::string& name) {
  CAPTURE(name);
  const auto moved = [&](double sign, Weights& weights) {
    std::mt19937 generator(111);
    std::normal_distribution<double> normal;
    auto& values = weights.at(name).values;
    for (Index j = 0; j < values.size(); ++j) values.data()[j] += static_cast<float>(sign * 2e-4 * normal(generator));
    return Model::create(model.config(), weights, {}, "test").value();
  };
  Weights up = model.weights(), down = model.weights();
  const double difference = mean_loss(moved(1, up), windows) - mean_loss(moved(-1, down), windows);
  double expected = 0;
  const auto& g = gradients.at(name);
  for (Index j = 0; j < g.size(); ++j)
    expected += g.data()[j] * (static_cast<double>(up.at(name).values.data()[j]) -
                               static_cast<double>(down.at(name).values.data()[j]));
  CHECK(difference == doctest::Approx(expected).epsilon(1e-4).scale(1e-4));
  CHECK(g.cwiseAbs().maxCoeff() > 0);
}

ModelConfig everything(Index layers) {
  ModelConfig c = test::small_config();
  c.layers = layers;
  c.leaky_slope = 0.5, c.rope_dims = 4, c.xsa_layers = 2, c.value_dim = 4, c.value_layers = 2;
  c.ln_scale = c.smear_gate = c.skip_gates = c.untied_head = true;
  return c;
}

}  // namespace

TEST_CASE("gradients are the slopes of the loss in every tensor") {
  ModelConfig bare = test::small_config();
  bare.bigram_buckets = bare.bigram_dim = 0;
  for (const ModelConfig& config : {test::small_config(), bare, everything(4), everything(3)}) {
    CAPTURE(config_json(config));
    const auto model = test::random_model(112, config);
    const auto text = test::random_text(60, 113);
    const std::span<const std::byte> all(text);
    const Windows windows{all.first(25), all.subspan(24, 20), all.subspan(43, 2)};
    const auto gradients = mean_gradients(model, windows);
    CHECK(gradients.size() == model.weights().size());
    for (const auto& [name, weight] : model.weights()) check_tensor(model, windows, gradients, name);
  }
}

TEST_CASE("the gradients of many windows are the mean over positions, the same bits for any number of threads") {
  const auto model = test::random_model(114, everything(3));
  const auto text = test::random_text(300, 115);
  Windows windows;
  for (std::size_t i = 0; i + 20 < text.size(); i += 15) windows.push_back(std::span(text).subspan(i, 16));
  REQUIRE(windows.size() == 19);  // more than are held at a time
  const auto expected = mean_gradients(model, windows);
  Gradients mean;
  for (const auto& window : windows)
    for (const auto& [name, g] : mean_gradients(model, Windows{window})) {
      if (!mean.contains(name)) mean[name] = Matrix<double>::Zero(g.rows(), g.cols());
      mean[name] += g / 19;
    }
  for (const auto& [name, g] : expected) CHECK((g - mean.at(name)).cwiseAbs().maxCoeff() < 1e-12);
  test::for_each_thread_count([&](int) { CHECK(mean_gradients(model, windows) == expected); });
}

}  // namespace backward_test
