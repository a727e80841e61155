// The cache of scored bytes against counts made again for every byte; sums over all values; what it may depend on.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "random_model.hpp"
#include "replay/evaluate.hpp"
#include "replay/forward.hpp"
#include "replay/ngram_cache.hpp"

namespace ngram_cache_test {

using namespace hallmark;

namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

struct Plain {
  double p;
  std::size_t known;
};

// p(next | seen) by looking through all that was seen for every length, from the formula of count_model.hpp.
Plain plain_probability(std::span<const std::byte> seen, std::byte next) {
  Plain result{1.0 / 256, 0};
  for (std::size_t k = 0; k <= std::min<std::size_t>(7, seen.size()); ++k) {
    const auto context = seen.last(k);
    double n = 0, hits = 0;
    std::set<std::byte> successors;
    for (std::size_t i = 0; i + k < seen.size(); ++i)
      if (std::ranges::equal(seen.subspan(i, k), context)) {
        n += 1;
        hits += seen[i + k] == next ? 1 : 0;
        successors.insert(seen[i + k]);
      }
    if (n == 0) break;
    const auto d = static_cast<double>(successors.size());
    result = {(hits + d * result.p) / (n + d), k};
  }
  return result;
}

}  // namespace

TEST_CASE("the cache by hand: a, b, a, b, then a") {
  NgramCache cache;
  const std::byte a{'a'}, b{'b'};
  CHECK(cache.probability(a) == 1.0 / 256);
  for (const std::byte byte : {a, b, a}) cache.see(byte);
  // Order 0: a twice, b once, two values. Order 1 after a: b once.
  const double p0 = (1 + 2.0 / 256) / 5;
  CHECK(cache.probability(b) == doctest::Approx((1 + p0) / 2).epsilon(1e-15));
  CHECK(cache.known() == 1);
  cache.see(b);
  CHECK(cache.known() == 2);  // ab was followed by a
}

TEST_CASE("the cache is the count model of what was seen, for every byte, and sums to 1") {
  const auto text = bytes_of("abracadabra, abracadabra! the cat that sat on the mat sat on the cat; abracadabra.");
  NgramCache cache;
  for (std::size_t t = 0; t < text.size(); ++t) {
    const auto seen = std::span(text).first(t);
    const auto expected = plain_probability(seen, text[t]);
    CHECK(cache.probability(text[t]) == doctest::Approx(expected.p).epsilon(1e-13));
    CHECK(cache.known() == expected.known);
    double sum = 0;
    for (int v = 0; v < 256; ++v) sum += cache.probability(static_cast<std::byte>(v));
    CHECK(std::abs(sum - 1) < 1e-12);
    cache.see(text[t]);
  }
  CHECK(plain_probability(text, std::byte{'x'}).known < 7);
  CHECK(plain_probability(std::span(text).first(20), std::byte{'a'}).known == 7);
}

TEST_CASE("the blend of a model's distribution with the cache sums to 1 after every byte") {
  const auto model = test::random_model(81);
  const auto text = test::random_text(24, 82);
  const auto logits = Forward(model, 24).logits(text);
  CacheBlend blend;
  blend.see(text[0]);
  for (Index t = 0; t + 1 < 24; ++t) {
    const Vector<double> p = logits.row(t).array().exp() / logits.row(t).array().exp().sum();
    double sum = 0;
    for (Index v = 0; v < 256; ++v) sum += blend.probability(p[v], static_cast<std::byte>(v));
    CHECK(std::abs(sum - 1) < 1e-12);
    const auto next = text[static_cast<std::size_t>(t) + 1];
    blend.scored(p[std::to_integer<Index>(next)], next);
  }
}

TEST_CASE("shares by hand: half each, then what the cache deserved") {
  CacheBlend blend;
  const std::byte a{'a'};
  blend.see(a);
  const double cache = (1 + 1.0 / 256) / 2, first = (0.25 + cache) / 2;
  CHECK(blend.probability(0.25, a) == doctest::Approx(first).epsilon(1e-15));
  blend.scored(0.25, a);
  // a a: order 0 has a twice, order 1 a once. A context of one byte is known, for which no byte was scored yet.
  const double zero = (2 + 1.0 / 256) / 3, one = (1 + zero) / 2;
  CHECK(blend.probability(0.25, a) == doctest::Approx((0.25 + one) / 2).epsilon(1e-15));
  const std::byte b{'b'};
  blend.scored(0.25, b);  // b was not seen before: its context of no bytes is all that is known
  const double share = (1 + cache / 2 / first) / 3, p_a = (2 + 2 * (1.0 / 256)) / 5;
  CHECK(blend.probability(0.25, a) == doctest::Approx((1 - share) * 0.25 + share * p_a).epsilon(1e-14));
}

TEST_CASE("the bytes after the one that is scored do not change its blended score; it does") {
  const auto text = bytes_of("abracadabra, abracadabra! abracadabra? abracadabra; abracadabra.");
  const std::vector<double> scores(text.size() - 1, 2.0);
  const auto before = blended_scores(text, scores);
  REQUIRE(before.size() == scores.size());
  CHECK(before.back() != before.front());
  int dearer = 0;
  for (std::size_t t = 0; t < scores.size(); ++t) {
    auto changed = text;
    std::fill(changed.begin() + static_cast<std::ptrdiff_t>(t) + 2, changed.end(), std::byte{'z'});
    auto others = scores;
    std::fill(others.begin() + static_cast<std::ptrdiff_t>(t) + 1, others.end(), 0.5);
    const auto after = blended_scores(changed, others);
    CHECK(std::equal(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(t) + 1, after.begin()));
    changed = text;
    changed[t + 1] ^= std::byte{0x80};
    const double other = blended_scores(changed, scores)[t];  // a byte that was never seen, instead of text[t + 1]
    CHECK(other >= before[t]);
    dearer += other > before[t] ? 1 : 0;
  }
  CHECK(dearer > 40);
}

TEST_CASE("a score is that of the blend before the byte is seen") {
  const auto text = bytes_of("abracadabra, abracadabra!");
  std::vector<double> scores;
  for (std::size_t t = 0; t + 1 < text.size(); ++t) scores.push_back(0.1 * static_cast<double>(t));
  const auto blended = blended_scores(text, scores);
  CacheBlend blend;
  blend.see(text[0]);
  for (std::size_t t = 0; t < scores.size(); ++t) {
    double sum = 0;  // of the other 255 and this one: what is scored belongs to one distribution
    for (int v = 0; v < 256; ++v)
      if (static_cast<std::byte>(v) != text[t + 1])
        sum += blend.probability((1 - std::exp(-scores[t])) / 255, static_cast<std::byte>(v));
    CHECK(sum + std::exp(-blended[t]) == doctest::Approx(1).epsilon(1e-12));
    blend.scored(std::exp(-scores[t]), text[t + 1]);
  }
}

TEST_CASE("a text that repeats itself costs less with the cache") {
  auto text = bytes_of("the quick brown fox jumps over the lazy dog. ");
  const auto once = text;
  for (int i = 0; i < 3; ++i) text.insert(text.end(), once.begin(), once.end());
  const std::vector<double> scores(text.size() - 1, std::log(256.0));
  double total = 0;
  for (const double score : blended_scores(text, scores)) total += score;
  CHECK(total < 0.6 * std::log(256.0) * static_cast<double>(scores.size()));
}

}  // namespace ngram_cache_test
