// Sliding windows: which positions they score and from what, against windows cut by hand; causality; stride = window.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "random_model.hpp"
#include "replay/evaluate.hpp"
#include "replay/forward.hpp"

namespace evaluate_test {

using namespace hallmark;

namespace {

// Position t alone, from the window that the rule of evaluate.hpp gives it: the first that scores it.
double score_by_hand(const Model& model, std::span<const std::byte> text, std::size_t t, std::size_t window,
                     std::size_t stride) {
  std::size_t begin = 0;
  while (t >= begin + window) begin += stride;
  std::vector<std::byte> inputs(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                text.begin() + static_cast<std::ptrdiff_t>(t + 1));
  const auto logits = Forward(model, static_cast<Index>(window)).logits(inputs);
  const auto last = logits.row(logits.rows() - 1);
  return std::log(last.array().exp().sum()) - last(std::to_integer<Index>(text[t + 1]));
}

}  // namespace

TEST_CASE("every position is scored once, from the first window that reaches it") {
  const auto model = test::random_model(71);
  for (const std::size_t length : {2u, 24u, 25u, 26u, 27u, 61u})
    for (const Index stride : {1, 5, 7, 23, 24}) {
      CAPTURE(length);
      CAPTURE(stride);
      const auto text = test::random_text(length, 72);
      std::size_t calls = 0, reported = 0;
      const auto scores = byte_scores(model, text, {24, stride}, [&](std::size_t scored, std::size_t all) {
        ++calls;
        CHECK(scored > reported);
        CHECK(all == length - 1);
        reported = scored;
      });
      REQUIRE(scores);
      REQUIRE(scores->size() == length - 1);
      CHECK(reported == length - 1);
      const std::size_t beyond = length - 1 > 24 ? length - 1 - 24 : 0, step = static_cast<std::size_t>(stride);
      CHECK(calls == 1 + (beyond + step - 1) / step);
      for (std::size_t t = 0; t < scores->size(); ++t)
        CHECK((*scores)[t] == doctest::Approx(score_by_hand(model, text, t, 24, step)).epsilon(1e-12));
    }
}

TEST_CASE("the bytes after the one that is scored do not change its score; it does") {
  const auto model = test::random_model(73);
  const auto text = test::random_text(60, 74);
  for (const Index stride : {1, 7, 24}) {
    const auto before = byte_scores(model, text, {24, stride}).value();
    for (const std::size_t t : {0u, 1u, 23u, 24u, 30u, 47u, 57u}) {
      auto changed = text;
      std::reverse(changed.begin() + static_cast<std::ptrdiff_t>(t) + 2, changed.end());
      if (t + 2 < text.size()) changed[t + 2] ^= std::byte{1};
      const auto after = byte_scores(model, changed, {24, stride}).value();
      CHECK(std::equal(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(t) + 1, after.begin()));
      changed = text;
      changed[t + 1] ^= std::byte{1};
      CHECK(byte_scores(model, changed, {24, stride}).value()[t] != before[t]);
    }
  }
}

TEST_CASE("stride = window is the evaluation without strides, bit for bit") {
  const auto model = test::random_model(75);
  const auto text = test::random_text(100, 76);
  const Forward forward(model, 24);
  double total = 0;
  const std::span<const std::byte> all(text);
  for (std::size_t begin = 0; begin < 99; begin += 24) {
    const std::size_t length = std::min<std::size_t>(24, 99 - begin);
    total += forward.nats(all.subspan(begin, length), all.subspan(begin + 1, length));
  }
  const double expected = total / std::log(2.0) / 99;
  const auto scores = byte_scores(model, text, {24, 24}).value();
  CHECK(mean_bits(scores, {24, 24}).value() == expected);
  CHECK(bits_per_byte(model, text, 24).value() == expected);
}

TEST_CASE("strides: the same bits for any number of threads") {
  const auto model = test::random_model(77);
  const auto text = test::random_text(700, 78);
  const auto expected = byte_scores(model, text, {24, 5}).value();
  test::for_each_thread_count([&](int threads) {
    CAPTURE(threads);
    CHECK(byte_scores(model, text, {24, 5}).value() == expected);
  });
}

TEST_CASE("strides outside 1..window and texts of one byte are refused; an infinite mean too") {
  const auto model = test::random_model(79);
  const auto text = test::random_text(60, 80);
  for (const Index stride : {-1, 0, 25}) {
    const auto refused = byte_scores(model, text, {24, stride});
    REQUIRE(!refused);
    CHECK(refused.error().exit == Exit::usage);
    CHECK(refused.error().number == 227);
    CHECK(refused.error().hint.find("24") != std::string::npos);
  }
  const auto brief = byte_scores(model, std::span(text).first(1), {24, 24});
  REQUIRE(!brief);
  CHECK(brief.error().number == 392);
  const double infinite[] = {1, HUGE_VAL};
  REQUIRE(!mean_bits(infinite, {24, 24}));
  CHECK(mean_bits(infinite, {24, 24}).error().number == 510);
}

}  // namespace evaluate_test
