// Position by position is the pass over the whole window, and what is drawn has the distribution that it should have.
#include "replay/sampled_text.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>

#include "random_model.hpp"
#include "replay/calibration.hpp"
#include "replay/continuation.hpp"
#include "replay/forward.hpp"
#include "replay/resampled_text.hpp"

namespace sampled_text_test {

using namespace hallmark;

namespace {

std::vector<ModelConfig> configurations() {
  ModelConfig plain = test::small_config(), all = plain, bare = plain;
  all.layers = 4;
  all.leaky_slope = 0.25, all.rope_dims = 2, all.xsa_layers = 2, all.value_dim = 4, all.value_layers = 2;
  all.ln_scale = all.smear_gate = all.skip_gates = all.untied_head = true;
  bare.bigram_buckets = bare.bigram_dim = 0;
  bare.layers = 1;
  return {plain, all, bare};
}

}  // namespace

TEST_CASE("the logits of every position are those of the whole pass, bit for bit, for windows side by side") {
  for (const ModelConfig& config : configurations()) {
    const Model model = test::random_model(91, config);
    const Continuation continuation(model, 24);
    Continuation::Past past = continuation.begin(3);
    std::array<std::vector<std::byte>, 3> texts;
    std::array<Matrix<double>, 3> whole;
    for (std::uint32_t b = 0; b < 3; ++b) {
      texts[b] = test::random_text(24, 92 + b);
      whole[b] = Forward(model, 24).logits(texts[b]);
    }
    for (Index t = 0; t < 24; ++t) {
      const auto at = static_cast<std::size_t>(t);
      const std::array inputs{texts[0][at], texts[1][at], texts[2][at]};
      const Matrix<double> logits = continuation.next(past, inputs);
      for (Index b = 0; b < 3; ++b) {
        CAPTURE(t);
        CHECK(logits.row(b) == whole[static_cast<std::size_t>(b)].row(t));
      }
    }
  }
}

TEST_CASE("bytes are drawn from the softmax at the temperature: the mean of -ln p is its entropy") {
  ModelConfig config = test::small_config();
  config.window = 33;
  const Model model = test::random_model(7, config);
  for (const double temperature : {0.25, 1.0, 3.0}) {
    CAPTURE(temperature);
    const auto text = sampled_text(model, 200, 33, temperature, 5).value();
    const Forward forward(model, 33);
    double surprise = 0, entropy = 0, square = 0, count = 0;
    for (std::size_t first = 0; first < text.size(); first += 33) {
      const Matrix<double> logits = forward.logits(std::span(text).subspan(first, 33));
      for (Index t = 0; t < 32; ++t) {
        double sum = 0, mean = 0;
        for (Index i = 0; i < 256; ++i) sum += std::exp(logits(t, i) / temperature);
        const auto information = [&](Index i) { return std::log(sum) - logits(t, i) / temperature; };
        for (Index i = 0; i < 256; ++i) mean += information(i) * std::exp(-information(i));
        const double seen = information(std::to_integer<Index>(text[first + static_cast<std::size_t>(t) + 1]));
        surprise += seen, entropy += mean, square += (seen - mean) * (seen - mean), count += 1;
      }
    }
    CHECK(std::abs(surprise - entropy) < 4 * std::sqrt(square));
    CHECK(square / count > 1e-3);
  }
}

TEST_CASE("the same bytes for any number of threads, and more windows leave the first as they are") {
  const Model model = test::random_model(7);
  const auto once = sampled_text(model, 40, 20, 1, 5).value();
  test::for_each_thread_count([&](int) { CHECK(sampled_text(model, 40, 20, 1, 5).value() == once); });
  const auto fewer = sampled_text(model, 17, 20, 1, 5).value();
  CHECK(std::equal(fewer.begin(), fewer.end(), once.begin()));
  CHECK(sampled_text(model, 17, 20, 1, 6).value() != fewer);
  CHECK(sampled_text(model, 17, 20, 0.5, 5).value() != fewer);
}

TEST_CASE("temperatures of 0 and below are refused; random bytes are all bytes") {
  const Model model = test::random_model(7);
  for (const double temperature :
       {0.0, -1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    CHECK(sampled_text(model, 1, 8, temperature, 5).error().number == 227);
  std::array<int, 256> seen{};
  for (const std::byte byte : random_bytes(256 * 100, 3)) ++seen[std::to_integer<std::size_t>(byte)];
  for (const int count : seen) CHECK((count > 50 && count < 160));
  CHECK(random_bytes(64, 3) == random_bytes(64, 3));
  CHECK(random_bytes(64, 3) != random_bytes(64, 4));
}

namespace {

// ln p of all but the first byte of every window, in the mean, by the whole pass.
double mean_log_p(const Model& model, const std::vector<std::byte>& text, std::size_t size) {
  const Forward forward(model, static_cast<Index>(size));
  double sum = 0, count = 0;
  for (std::size_t first = 0; first < text.size(); first += size) {
    const Matrix<double> logits = forward.logits(std::span(text).subspan(first, size));
    for (std::size_t t = 0; t + 1 < size; ++t, ++count) {
      const auto row = static_cast<Index>(t);
      sum += logits(row, std::to_integer<Index>(text[first + t + 1])) - std::log(logits.row(row).array().exp().sum());
    }
  }
  return sum / count;
}

}  // namespace

TEST_CASE("a Gibbs step keeps the distribution of the model's text, also where it was, and finds it from noise") {
  const Model model = test::random_model(7);
  constexpr std::size_t windows = 4000, size = 4;
  const auto text = sampled_text(model, windows, size, 1, 5).value();
  const double expected = mean_log_p(model, text, size);
  auto noise = random_bytes(windows * size, 6);
  const double far = mean_log_p(model, noise, size);
  REQUIRE(far < expected - 0.5);
  // One position alone: without the quotient of what follows the rest of the window would no longer fit.
  for (const std::size_t t : {std::size_t{0}, std::size_t{2}}) {
    CAPTURE(t);
    auto changed = text;
    REQUIRE(resample_by_gibbs(model, changed, size, std::array{t}, 7));
    CHECK(changed != text);
    CHECK(std::abs(mean_log_p(model, changed, size) - expected) < 0.05);
    for (std::size_t i = 0; i < text.size(); ++i)
      if (i % size != t) CHECK(changed[i] == text[i]);
  }
  // Back and forth, so that what is kept of a window has to follow its changes.
  auto walked = text;
  REQUIRE(resample_by_gibbs(model, walked, size, std::array<std::size_t, 6>{2, 1, 0, 3, 1, 0}, 8));
  CHECK(std::abs(mean_log_p(model, walked, size) - expected) < 0.05);
  std::vector<std::size_t> sweeps;
  for (int sweep = 0; sweep < 3; ++sweep)
    for (std::size_t t = 0; t < size; ++t) sweeps.push_back(t);
  REQUIRE(resample_by_gibbs(model, noise, size, sweeps, 9));
  CHECK(std::abs(mean_log_p(model, noise, size) - expected) < 0.1);
}

TEST_CASE("in place a byte is drawn from the prediction of the one behind it: that text is not the model's") {
  const Model model = test::random_model(7);
  constexpr std::size_t windows = 2000, size = 4;
  const double expected = mean_log_p(model, sampled_text(model, windows, size, 1, 5).value(), size);
  auto text = sampled_text(model, windows, size, 1, 6).value();
  const auto first = text;
  REQUIRE(resample_in_place(model, text, size, 1, 7));
  CHECK(mean_log_p(model, text, size) < expected - 0.25);
  // x_t is a draw from logits_t, so ln p of it there is the model's own.
  const Forward forward(model, static_cast<Index>(size));
  double sum = 0, count = 0;
  for (std::size_t i = 0; i < text.size(); i += size) {
    const Matrix<double> logits = forward.logits(std::span(first).subspan(i, size));
    for (Index t = 0; t + 1 < static_cast<Index>(size); ++t, ++count)
      sum += logits(t, std::to_integer<Index>(text[i + static_cast<std::size_t>(t)])) -
             std::log(logits.row(t).array().exp().sum());
  }
  CHECK(std::abs(sum / count - expected) < 0.05);
}

TEST_CASE("resampled bytes are the same for any number of threads and of windows, and refused for models of tokens") {
  const Model model = test::random_model(7);
  const auto noise = random_bytes(40 * 6, 1);
  const std::array<std::size_t, 3> positions{4, 0, 1};
  const auto both = [&](std::size_t windows) {
    auto text = std::vector(noise.begin(), noise.begin() + static_cast<std::ptrdiff_t>(windows * 6));
    REQUIRE(resample_in_place(model, text, 6, 2, 5));
    REQUIRE(resample_by_gibbs(model, text, 6, positions, 6));
    return text;
  };
  const auto once = both(40), fewer = both(17);
  test::for_each_thread_count([&](int) { CHECK(both(40) == once); });
  CHECK(std::equal(fewer.begin(), fewer.end(), once.begin()));
  ModelConfig tokens = test::small_config();
  tokens.vocab = 300;
  const Model other = test::random_model(7, tokens);
  std::vector<std::byte> text(6);
  CHECK(resample_in_place(other, text, 6, 1, 1).error().number == 393);
  CHECK(resample_by_gibbs(other, text, 6, positions, 1).error().number == 393);
}

}  // namespace sampled_text_test
