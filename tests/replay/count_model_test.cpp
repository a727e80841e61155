// The count models against values worked out by hand, and on the text that they are printed for.
#include <doctest/doctest.h>

#include <cmath>
#include <string_view>

#include "replay/count_model.hpp"
#include "replay/forward.hpp"

namespace count_model_test {

using namespace hallmark;

namespace {

std::vector<std::byte> bytes(std::string_view text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

}  // namespace

TEST_CASE("orders 0, 1 and 2 by hand") {
  const TrainSplit train(bytes("abab"));
  const auto bits = count_model_bits_per_byte(train, bytes("aba"), 2);
  REQUIRE(bits.size() == 3);
  // Order 0: n = 4, two different bytes: p(a) = p(b) = (2 + 2/256) / 6.
  const double p0 = (2 + 2.0 / 256) / 6;
  CHECK(bits[0] == doctest::Approx(-std::log2(p0)).epsilon(1e-13));
  // Order 1: a is followed twice, always by b; b once, by a.
  const double pb = (2 + p0) / 3, pa = (1 + p0) / 2;
  CHECK(bits[1] == doctest::Approx(-(std::log2(pb) + std::log2(pa)) / 2).epsilon(1e-13));
  // Order 2: the first scored byte has one byte of context only; ab is followed once, by a.
  CHECK(bits[2] == doctest::Approx(-(std::log2(pb) + std::log2((1 + pa) / 2)) / 2).epsilon(1e-13));
}

TEST_CASE("an unseen context leaves the shorter one's prediction") {
  const TrainSplit train(bytes("abab"));
  const auto bits = count_model_bits_per_byte(train, bytes("xa"), 1);
  CHECK(bits[1] == bits[0]);
}

TEST_CASE("probabilities sum to one") {
  const TrainSplit train(bytes("the theory of the thing"));
  double total = 0;
  for (int y = 0; y < 256; ++y) {
    std::vector<std::byte> text = bytes("th");
    text.push_back(static_cast<std::byte>(y));
    const auto whole = count_model_bits_per_byte(train, text, 2);
    const auto prefix = count_model_bits_per_byte(train, bytes("th"), 2);
    total += std::exp2(prefix[2] - 2 * whole[2]);
  }
  CHECK(total == doctest::Approx(1).epsilon(1e-12));
}

TEST_CASE("on perl-doc's validation split: 3.03, 2.36 and 2.01 bits per byte at orders 2, 3 and 5") {
  const auto corpus = load_corpus(default_text_folder);
  REQUIRE(corpus);
  const auto bits = count_model_bits_per_byte(corpus->train, corpus->validation.bytes(), 5);
  CHECK(std::abs(bits[2] - 3.03) < 0.005);
  CHECK(std::abs(bits[3] - 2.36) < 0.005);
  CHECK(std::abs(bits[5] - 2.01) < 0.005);
}

}  // namespace count_model_test
