// Widening is exact, judged by the values' definition; values that are not finite are found where they are.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error_numbers.hpp"
#include "io/safetensors.hpp"

namespace widen_test {

using namespace hallmark;

namespace {

/// (-1)^s 2^(e - bias) (1 + f / 2^m), subnormals and specials, in binary64 arithmetic that is exact here.
double value_of(std::uint32_t word, int exponent_bits, int fraction_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const auto exponent = static_cast<int>(word >> fraction_bits & ((1U << exponent_bits) - 1));
  const double fraction = std::ldexp(word & ((1U << fraction_bits) - 1), -fraction_bits);
  double magnitude = exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias);
  if (exponent == (1 << exponent_bits) - 1)
    magnitude = fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  return word >> (exponent_bits + fraction_bits) == 1 ? -magnitude : magnitude;
}

bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

template <class T>
TensorInfo tensor(DType dtype, const std::vector<T>& values, Shape shape = {}) {
  if (shape.empty()) shape = {values.size()};
  return {"t", dtype, shape, std::as_bytes(std::span(values))};
}

}  // namespace

TEST_CASE("all 65,536 words of BF16 and F16") {
  std::vector<std::uint16_t> words(65536);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = static_cast<std::uint16_t>(i);
  for (const bool brain : {true, false}) {
    const TensorInfo t = tensor(brain ? DType::BF16 : DType::F16, words);
    const auto narrow = widen_to_f32(t);
    const auto wide = widen_to_f64(t);
    REQUIRE(narrow);
    REQUIRE(wide);
    std::size_t wrong = 0;
    for (std::uint32_t w = 0; w < 65536; ++w) {
      const double truth = value_of(w, brain ? 8 : 5, brain ? 7 : 10);
      wrong += !same(static_cast<double>((*narrow)[w]), truth) + !same((*wide)[w], truth);
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("F32 keeps its bits, NaN included, from any address") {
  const std::vector<std::uint32_t> words{0, 0x80000000, 1, 0x7F800000, 0xFF800000, 0x7FC00001, 0x3F800000};
  std::vector<std::byte> shifted(4 * words.size() + 1);
  std::memcpy(shifted.data() + 1, words.data(), 4 * words.size());
  const TensorInfo t{"t", DType::F32, {words.size()}, std::span(shifted).subspan(1)};
  const auto values = widen_to_f32(t);
  REQUIRE(values);
  for (std::size_t i = 0; i < words.size(); ++i) CHECK(std::bit_cast<std::uint32_t>((*values)[i]) == words[i]);
}

TEST_CASE("part of a tensor, and F64") {
  const std::vector<double> numbers{1, 2, 3, 0.1};
  const TensorInfo t = tensor(DType::F64, numbers);
  std::vector<double> two(2);
  REQUIRE(widen(t, 2, std::span(two)));
  CHECK(two == std::vector<double>{3, 0.1});
  CHECK(widen_to_f32(t).error().number == error_number::dtype_unsupported);  // never rounded silently
  const std::vector<std::int32_t> integers{1, 2};
  CHECK(widen_to_f64(tensor(DType::I32, integers)).error().number == error_number::dtype_unsupported);
  CHECK(check_finite(tensor(DType::I32, integers)).error().number == error_number::dtype_unsupported);
}

TEST_CASE("the first value that is not finite is named with its place") {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    std::vector<float> values(70'000 * 3, 1.0F);  // longer than a piece
    const Shape shape{70'000, 3};
    CHECK(check_finite(tensor(DType::F32, values, shape)));
    values[69'999 * 3 + 2] = bad;
    const Status found = check_finite(tensor(DType::F32, values, shape));
    REQUIRE_FALSE(found);
    CHECK(found.error().exit == Exit::input);
    CHECK(found.error().number == error_number::not_finite);
    CHECK(found.error().where.find("[69999, 2]") != std::string::npos);
    CHECK(check_finite("w", shape, std::span<const float>(values)).error().where.find("[69999, 2]") !=
          std::string::npos);
  }
  const std::vector<std::uint16_t> halves{0x7BFF, 0xFBFF, 0x0001, 0x7C00};
  CHECK_FALSE(check_finite(tensor(DType::F16, halves)));
  CHECK(check_finite(tensor(DType::BF16, halves)));  // the same words are finite there
  CHECK(check_finite(tensor(DType::F32, std::vector<float>{}, {0, 3})));
  const std::vector<double> one{std::numeric_limits<double>::quiet_NaN()};
  CHECK_FALSE(check_finite("g", {}, std::span<const double>(one)));  // rank 0
}

}  // namespace widen_test
