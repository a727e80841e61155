// GF(E,M): constant expressions, decode, classification, neighbours, and encode near every boundary.
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include <doctest/doctest.h>

#include "format/golden_float.hpp"
#include "reference_codec.hpp"

namespace golden_float_test {

using namespace hallmark;

// The codec runs in the compiler. GF(2,1) whole: 0 0.5 1 1.5 2 3, infinity, NaN.
static_assert(GF4::decode(1) == 0.5f && GF4::decode(2) == 1.0f && GF4::decode(3) == 1.5f && GF4::decode(4) == 2.0f);
static_assert(GF4::decode(GF4::max_finite) == 3.0f && GF4::infinity == 6 && GF4::nan == 7 && GF4::sign_bit == 8);
static_assert(GF4::encode(0.25f) == 0 && GF4::encode(0.75f) == 2 && GF4::encode(1.25f) == 2 && GF4::encode(1.75) == 4);
static_assert(GF4::encode(2.5f) == 4 && GF4::encode(3.5) == 6 && GF4::encode(3.4999998f) == 5);
static_assert(sizeof(GF4::Word) == 1 && sizeof(GF16::Word) == 2 && sizeof(GoldenFloat<4, 3>::Word) == 1);
static_assert(BF16::encode(1.0f) == 0x3F80 && FP16::encode(1.0f) == 0x3C00 && FP16::max_finite == 0x7BFF);
static_assert(FP16::decode(0x7BFF) == 65504.0f && BF16::decode(0x0001) == 0x1p-133f &&
              BF16::decode(0x0080) == 0x1p-126f);
static_assert(GF16::next(0x3E00) == 0x3E01 && GF16::previous(0x3E00) == 0x3DFF && GF16::is_nan(0xFE01));

namespace {

/// The value sits in double while the codec answers in float: equal as numbers, and the zeros with equal signs.
bool same(float a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (static_cast<double>(a) == b && std::signbit(a) == std::signbit(b));
}

template <class GF>
void check_family_member() {
  const reference::Codec reference(GF::exponent_bits, GF::fraction_bits);
  REQUIRE(reference.infinity() == GF::infinity);
  REQUIRE(reference.sign_bit() == GF::sign_bit);
  const double infinity = std::numeric_limits<double>::infinity();
  std::uint64_t wrong = 0, checked = 0, traps = 0;

  for (std::uint32_t w = 0; w < 2 * reference.sign_bit(); ++w) {
    const auto word = static_cast<typename GF::Word>(w);
    const std::uint32_t k = w % reference.sign_bit();
    wrong += !same(GF::decode(word), reference.decode(w));
    wrong += GF::is_nan(word) != (k > reference.infinity()) || GF::is_infinite(word) != (k == reference.infinity());
    wrong += GF::is_finite(word) != (k < reference.infinity());
    wrong += GF::is_subnormal(word) != (k > 0 && k < (1u << GF::fraction_bits));
    wrong += GF::encode(GF::decode(word)) != (GF::is_nan(word) ? GF::nan : word);
    wrong += GF::encode(static_cast<double>(GF::decode(word))) != (GF::is_nan(word) ? GF::nan : word);
    ++checked;
  }

  // Every midpoint, every value, and the binary64 and binary32 neighbours of each: where a rounding can go wrong.
  const auto probe = [&](double x) {
    for (const double signed_x : {x, -x}) {
      const auto expected = reference.encode(signed_x);
      wrong += GF::encode(signed_x) != expected;
      const auto narrow = static_cast<float>(signed_x);
      wrong += GF::encode(narrow) != reference.encode(static_cast<double>(narrow));
      traps += GF::encode(narrow) != expected;
      checked += 2;
    }
  };
  for (const auto* points : {&reference.values(), &reference.midpoints()})
    for (const double p : *points) {
      probe(p);
      probe(std::nextafter(p, infinity));
      probe(std::nextafter(p, 0.0));
      const auto narrow = static_cast<float>(p);
      probe(static_cast<double>(std::nextafter(narrow, std::numeric_limits<float>::infinity())));
      probe(static_cast<double>(std::nextafter(narrow, 0.0f)));
    }
  for (const double x : {infinity, 0x1p1023, 0x1.fffffffffffffp1023, 0x1p128, 0x1p-149, 0x1p-1022, 0x1p-1074, 0x1p-150})
    probe(x);
  std::mt19937_64 random(20261121);
  for (int i = 0; i < 1'000'000; ++i) {
    const double x = std::bit_cast<double>(random());  // NaN patterns included
    const double near =
        std::ldexp(1 + 0x1p-52 * static_cast<double>(random() >> 12), static_cast<int>(random() % 280) - 150);
    wrong += GF::encode(x) != reference.encode(x);
    probe(near);
  }
  CHECK(wrong == 0);
  CHECK(checked > 2'000'000);
  // Rounding through binary32 would be wrong at every midpoint's binary64 neighbours on one side: the probes do see it.
  CHECK(traps >= reference.midpoints().size() / 2);
}

template <class GF>
void check_neighbours() {
  // From -infinity up: each word once, the zeros being one value that is left from either sign.
  typename GF::Word w = GF::sign_bit | GF::infinity;
  std::uint32_t steps = 0, wrong = 0;
  while (w != GF::infinity && steps < 2u * GF::sign_bit) {
    const auto up = GF::next(w);
    wrong += !(GF::decode(up) > GF::decode(w));
    wrong += GF::decode(GF::previous(up)) != GF::decode(w);
    w = up;
    ++steps;
  }
  CHECK(wrong == 0);
  CHECK(steps == 2u * GF::infinity);  // 2 infinity + 1 values, so no value was jumped over
  CHECK(GF::next(GF::infinity) == GF::infinity);
  CHECK(GF::previous(GF::sign_bit | GF::infinity) == (GF::sign_bit | GF::infinity));
  CHECK(GF::next(GF::sign_bit) == 1);
  CHECK(GF::next(static_cast<typename GF::Word>(GF::sign_bit + 1)) == GF::sign_bit);
  CHECK(GF::previous(0) == GF::sign_bit + 1);
  CHECK(GF::next(GF::nan) == GF::nan);
  CHECK(GF::previous(GF::sign_bit | GF::nan) == GF::nan);
}

}  // namespace

TEST_CASE_TEMPLATE("decode, classify and encode agree with the counted format", GF, GF16, BF16, FP16, GF4,
                   GoldenFloat<3, 2>, GoldenFloat<4, 3>, GoldenFloat<2, 12>, GoldenFloat<7, 8>, GoldenFloat<8, 1>) {
  check_family_member<GF>();
}

TEST_CASE_TEMPLATE("next and previous walk through every value", GF, GF16, BF16, FP16, GF4, GoldenFloat<3, 2>) {
  check_neighbours<GF>();
}

TEST_CASE("NaN is canonical, whatever its sign and payload") {
  for (const std::uint32_t bits : {0x7FC0'0000u, 0xFFC0'0000u, 0x7F80'0001u, 0xFFFF'FFFFu})
    CHECK(GF16::encode(std::bit_cast<float>(bits)) == 0x7E01);
  for (const std::uint64_t bits : {0x7FF8'0000'0000'0000u, 0xFFF0'0000'0000'0001u})
    CHECK(GF16::encode(std::bit_cast<double>(bits)) == 0x7E01);
  CHECK(std::bit_cast<std::uint32_t>(GF16::decode(0xFFFF)) == 0x7FC0'0000u);
}

}  // namespace golden_float_test
