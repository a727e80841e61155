// Score-first training: which model scores which byte, the steps by hand, and that no byte trains before it is scored.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "random_model.hpp"
#include "replay/backward.hpp"
#include "replay/test_time_training.hpp"

namespace test_time_training_test {

using namespace hallmark;

namespace {

using Bytes = std::vector<std::byte>;

// Chunks of two windows of 24, so that 100 bytes are two whole chunks and a short one.
TestTimeTraining small_training() {
  TestTimeTraining training;
  training.sequences = 2;
  training.epochs = 2;
  training.rate = 0.05;
  return training;
}

std::vector<std::span<const std::byte>> sequences_of(const Bytes& text, std::size_t first) {
  return {std::span(text).subspan(first, 25), std::span(text).subspan(first + 24, 25)};
}

}  // namespace

TEST_CASE("without a rate, and in the first chunk, the scores are those of the model as it is") {
  const auto model = test::random_model(121);
  const auto text = test::random_text(100, 122);
  for (const Index stride : {24, 7}) {
    const Windows windows{24, stride};
    const auto still = byte_scores(model, text, windows).value();
    auto training = small_training();
    const auto trained = trained_scores(model, text, windows, training).value();
    CHECK(std::equal(still.begin(), still.begin() + 48, trained.begin()));
    CHECK(trained[60] != still[60]);
    training.rate = 0;
    CHECK(trained_scores(model, text, windows, training).value() == still);
  }
}

TEST_CASE("the bytes after the one that is scored do not change its score; those before the chunk do") {
  const auto model = test::random_model(123);
  const auto text = test::random_text(120, 124);
  for (const Index stride : {24, 7}) {
    const auto before = trained_scores(model, text, {24, stride}, small_training()).value();
    for (const std::size_t t : {0u, 22u, 23u, 47u, 48u, 60u, 95u, 96u, 117u}) {
      Bytes changed = text;
      for (std::size_t i = t + 2; i < changed.size(); ++i) changed[i] ^= std::byte{0x31};
      const auto after = trained_scores(model, changed, {24, stride}, small_training()).value();
      CHECK(std::equal(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(t) + 1, after.begin()));
    }
    Bytes changed = text;
    changed[10] ^= std::byte{1};
    CHECK(trained_scores(model, changed, {24, stride}, small_training()).value()[110] != before[110]);
  }
}

TEST_CASE("two steps by hand: momentum, the cosine of the second chunk, and rounding to binary32") {
  const auto model = test::random_model(125);
  const auto text = test::random_text(120, 126);  // chunks of 48, 48 and 23 positions
  auto training = small_training();
  training.epochs = 1;
  training.clip = 1e6;
  const auto moved = [&](const Model& from, const Gradients& v, double rate) {
    Weights weights = from.weights();
    for (auto& [name, weight] : weights)
      for (Index j = 0; j < weight.values.size(); ++j) {
        float& w = weight.values.data()[j];
        w = static_cast<float>(static_cast<double>(w) - rate * v.at(name).data()[j]);
      }
    return Model::create(from.config(), weights, {}, "test").value();
  };
  Gradients v = mean_gradients(model, sequences_of(text, 0));
  const Model second = moved(model, v, 0.05);
  const Gradients g = mean_gradients(second, sequences_of(text, 48));
  for (auto& [name, velocity] : v) velocity = 0.9 * velocity + g.at(name);
  const Model third = moved(second, v, 0.025);  // half way of the cosine
  const auto scores = trained_scores(model, text, {24, 24}, training).value();
  const auto at_second = byte_scores(second, text, {24, 24}).value(),
             at_third = byte_scores(third, text, {24, 24}).value();
  for (std::size_t t = 48; t < 96; ++t) CHECK(scores[t] == doctest::Approx(at_second[t]).epsilon(1e-9));
  for (std::size_t t = 96; t < 119; ++t) CHECK(scores[t] == doctest::Approx(at_third[t]).epsilon(1e-6));
}

TEST_CASE("the gradient is clipped in the weights that train, and no others change") {
  const auto model = test::random_model(127);
  const auto text = test::random_text(96, 128);  // two chunks
  auto training = small_training();
  training.epochs = 1;
  training.clip = 0.01;
  training.trains = [](const std::string& name) { return name == "blocks.1.mlp.proj.weight"; };
  const auto gradient = mean_gradients(model, sequences_of(text, 0)).at("blocks.1.mlp.proj.weight");
  REQUIRE(gradient.norm() > 0.01);
  Matrix<double> values = model["blocks.1.mlp.proj.weight"].cast<double>();
  values -= 0.05 * 0.01 / (gradient.norm() + 1e-6) * gradient;
  const Model moved = model.with_weights({{"blocks.1.mlp.proj.weight", values.cast<float>()}}).value();
  const auto scores = trained_scores(model, text, {24, 24}, training).value();
  const auto expected = byte_scores(moved, text, {24, 24}).value(), still = byte_scores(model, text, {24, 24}).value();
  for (std::size_t t = 48; t < 95; ++t) CHECK(scores[t] == doctest::Approx(expected[t]).epsilon(1e-7));
  CHECK(std::abs(still[60] - expected[60]) > 1e-5 * still[60]);
}

TEST_CASE("a text that repeats itself costs less with training; the same bits for any number of threads") {
  const auto model = test::random_model(129);
  const auto part = test::random_text(24, 130);
  Bytes text;
  for (int i = 0; i < 20; ++i) text.insert(text.end(), part.begin(), part.end());
  auto training = small_training();
  training.epochs = 5;
  const auto trained = trained_scores(model, text, {24, 24}, training).value();
  const auto still = byte_scores(model, text, {24, 24}).value();
  CHECK(mean_bits(trained, {24, 24}).value() < 0.8 * mean_bits(still, {24, 24}).value());
  test::for_each_thread_count([&](int) { CHECK(trained_scores(model, text, {24, 24}, training).value() == trained); });
}

TEST_CASE("strides that byte_scores refuses are refused; weights that leave the numbers too") {
  const auto model = test::random_model(131);
  const auto text = test::random_text(100, 132);
  CHECK(trained_scores(model, text, {24, 25}, small_training()).error().number == 227);
  auto training = small_training();
  training.rate = 1e45;
  training.clip = 1e30;
  const auto lost = trained_scores(model, text, {24, 24}, training);
  REQUIRE(!lost);
  CHECK(lost.error().number == 350);
  CHECK(lost.error().where.starts_with("step 1, learning rate 1e+45: "));
  CHECK(lost.error().hint.find("checkpoint") == std::string::npos);
  // Chunks of 48, 48 and 23 positions: the second step is in the second, half way of the cosine.
  training = small_training();
  training.epochs = 1;
  training.momentum = 1e45;
  const auto later = trained_scores(model, test::random_text(120, 133), {24, 24}, training);
  REQUIRE(!later);
  CHECK(later.error().where.starts_with("step 2, learning rate 0.025: "));
}

}  // namespace test_time_training_test
