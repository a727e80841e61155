// The forward pass against a plain second implementation, and its promises: causality, threads, windows.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>

#include "base/simd.hpp"
#include "plain_forward.hpp"
#include "random_model.hpp"
#include "replay/forward.hpp"

namespace forward_test {

using namespace hallmark;

TEST_CASE("bigram buckets: the known values for 3072 buckets") {
  CHECK(bigram_bucket(17, 5, 3072) == 2414);  // (previous, current) = (5, 17)
  CHECK(bigram_bucket(5, 17, 3072) == 1301);
  CHECK(bigram_bucket(1, 1, 3072) == 1025);
  CHECK(bigram_bucket(1023, 1023, 3072) == 301);
  CHECK(bigram_bucket(8191, 8191, 3072) == 650);
  CHECK(bigram_bucket(0, 0, 3072) == 0);
}

TEST_CASE("RoPE frequencies: powers of the base") {
  CHECK(rope_frequency(0, 32, 10000) == 1);
  CHECK(rope_frequency(8, 32, 10000) == doctest::Approx(0.01).epsilon(1e-14));
  // Eight pairs at the base 22081.790: a published table.
  const double expected[] = {1, 0.286415, 0.0820335, 0.0234956, 0.00672950, 0.00192743, 0.000552045, 0.000158114};
  for (Index i = 0; i < 8; ++i) CHECK(rope_frequency(i, 16, 22081.790) == doctest::Approx(expected[i]).epsilon(1e-5));
}

TEST_CASE("logits agree with the plain implementation") {
  for (const Index layers : {1, 2, 3, 4, 5}) {
    CAPTURE(layers);
    auto config = test::small_config();
    config.layers = layers;
    const auto model = test::random_model(11, config);
    for (const std::size_t length : {1u, 2u, 23u, 24u}) {
      const auto text = test::random_text(length, 12);
      const auto fast = Forward(model, config.window).logits(text);
      const auto plain = test::plain_logits(model, text);
      REQUIRE(fast.rows() == static_cast<Index>(length));
      REQUIRE(fast.cols() == 256);
      double largest = 0;
      for (Index i = 0; i < fast.size(); ++i) {
        largest = std::max(largest, std::abs(plain.data()[i]));
        CHECK(fast.data()[i] == doctest::Approx(plain.data()[i]).epsilon(1e-10));
      }
      CHECK(largest > 0.1);
      CHECK(largest < config.logit_softcap);
    }
  }
}

TEST_CASE("nats is the cross-entropy of the logits") {
  const auto model = test::random_model(13);
  const auto text = test::random_text(25, 14);
  const std::span<const std::byte> inputs(text.data(), 24), targets(text.data() + 1, 24);
  const Forward forward(model, 24);
  const auto logits = forward.logits(inputs);
  double expected = 0;
  for (Index t = 0; t < 24; ++t) {
    double sum = 0;
    for (Index i = 0; i < 256; ++i) sum += std::exp(logits(t, i));
    expected += std::log(sum) - logits(t, std::to_integer<Index>(targets[static_cast<std::size_t>(t)]));
  }
  CHECK(forward.nats(inputs, targets) == doctest::Approx(expected).epsilon(1e-12));
}

TEST_CASE("causality: a byte changes no logits before its own position, and does change its own") {
  const auto model = test::random_model(15);
  const Forward forward(model, 24);
  const auto text = test::random_text(24, 16);
  const auto before = forward.logits(text);
  for (std::size_t t = 0; t < text.size(); ++t) {
    auto changed = text;
    changed[t] ^= std::byte{0x55};
    const auto after = forward.logits(changed);
    const auto row = static_cast<Index>(t);
    CHECK(before.topRows(row) == after.topRows(row));
    CHECK(before.row(row) != after.row(row));
  }
}

TEST_CASE("a uniform model codes every byte in 8 bits") {
  const auto config = test::small_config();
  const auto model = *Model::create(config, zero_weights(config), {}, "test");
  const auto text = test::random_text(1000, 17);
  CHECK(*bits_per_byte(model, text, 24) == doctest::Approx(8).epsilon(1e-14));
}

TEST_CASE("bits_per_byte scores every byte but the first once, by windows that know nothing of each other") {
  const auto model = test::random_model(18);
  const auto text = test::random_text(60, 19);  // 24 + 24 + 11 targets
  const std::span<const std::byte> all(text);
  const Forward forward(model, 24);
  const double nats = forward.nats(all.subspan(0, 24), all.subspan(1, 24)) +
                      forward.nats(all.subspan(24, 24), all.subspan(25, 24)) +
                      forward.nats(all.subspan(48, 11), all.subspan(49, 11));
  CHECK(*bits_per_byte(model, all, 24) == doctest::Approx(nats / std::log(2.0) / 59).epsilon(1e-14));
  CHECK(bits_per_byte(model, all.first(2), 24));
  for (const auto& failed :
       {bits_per_byte(model, all.first(1), 24), bits_per_byte(model, {}, 24), bits_per_byte(model, all, 0)}) {
    REQUIRE(!failed);
    CHECK(failed.error().exit == Exit::input);
    CHECK(failed.error().number == 392);
  }
}

TEST_CASE("the same bits for any number of threads and any vector target") {
  const auto model = test::random_model(20);
  const auto text = test::random_text(2000, 21);
  const auto expected = std::bit_cast<std::uint64_t>(*bits_per_byte(model, text, 24));
  for (const auto& target : simd_targets()) {
    CAPTURE(target);
    REQUIRE(set_simd_target(target));
    test::for_each_thread_count([&](int threads) {
      CAPTURE(threads);
      CHECK(std::bit_cast<std::uint64_t>(*bits_per_byte(model, text, 24)) == expected);
    });
  }
  REQUIRE(set_simd_target(""));
}

}  // namespace forward_test
