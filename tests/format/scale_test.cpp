// Scale rules: rounding up to 11 bits, exactness of s g in binary32, and the scales of matrices.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "format/golden_float.hpp"
#include "scale/scale_rule.hpp"

using namespace hallmark;

namespace {

Grid grid_of(const char* name) { return *Grid::parse(name); }

/// Whether s v, exact in binary64 (24 + 13 bits), is a binary32 number.
bool product_fits(float s, double v) {
  const double product = static_cast<double>(s) * v;
  return std::fabs(product) < 0x1p128 && static_cast<double>(static_cast<float>(product)) == product;
}

bool every_product_fits(const Grid& grid, float s) {
  for (unsigned c = 0; c < 65536; ++c)
    if (const auto code = static_cast<Code>(c); grid.contains(code) && !product_fits(s, grid.value(code))) return false;
  return true;
}

std::vector<float> scales(const char* grid, ScaleRule rule, const std::vector<float>& w, std::ptrdiff_t rows,
                          std::ptrdiff_t cols, std::ptrdiff_t group_size = 0) {
  const auto result = scales_for(grid_of(grid), rule, w.data(), rows, cols, group_size);
  REQUIRE(result);
  return *result;
}

}  // namespace

TEST_CASE("round_up_11 is the least number of 11 bits that is not below") {
  unsigned wrong = 0;
  // One binade of binary32, every value: in units of 2^-23 the result is the next multiple of 2^13.
  for (std::uint32_t m = 1u << 23; m < 1u << 24; ++m) {
    const double v = std::ldexp(static_cast<double>(m), -23);
    wrong += round_up(v, 11) != std::ldexp(static_cast<float>((m + 8191) / 8192), -10);
  }
  // Every subnormal: at most 11 bits already, or the next multiple of the power of two that leaves 11.
  for (std::uint32_t m = 1; m < 1u << 23; ++m) {
    std::uint32_t unit = 1;
    while (m >> 11 >= unit) unit *= 2;
    const std::uint32_t up = (m + unit - 1) / unit * unit;
    wrong += std::bit_cast<std::uint32_t>(round_up_11(static_cast<double>(std::bit_cast<float>(m)))) != up;
  }
  CHECK(wrong == 0);
  CHECK(round_up(1 + 0x1p-52, 11) == 1 + 0x1p-10f);  // binary64 below binary32's precision
  CHECK(round_up(0x1p-1000, 11) == 0x1p-149f);
  CHECK(round_up(0x1.ffcp127, 11) == 0x1.ffcp127f);
  CHECK(std::isinf(round_up(0x1.ffep127, 11)));
  CHECK(std::isinf(round_up(HUGE_VAL, 11)));
  CHECK(std::isinf(round_up(static_cast<double>(NAN), 11)));  // not a scale: exact_in_binary32 refuses it
}

TEST_CASE("gf16: s g is exact for all words and every s of 11 bits in the stated range") {
  const Grid gf16 = grid_of("gf16");
  std::vector<double> points;
  for (unsigned w = 0; w < 0x7E00; ++w) points.push_back(static_cast<double>(GF16::decode(static_cast<GF16::Word>(w))));
  // The range: the lowest bit of s 2^-39 is at least 2^-149, and s (2^32 - 2^22) is below 2^128.
  for (const int exponent : {-110, -109, -60, 0, 60, 84, 85}) {
    unsigned wrong = 0;
    for (int m = 1024; m < 2048; ++m) {
      const auto s = static_cast<float>(std::ldexp(m, exponent));
      wrong += !gf16.exact_in_binary32(s);
      for (const double g : points) wrong += !product_fits(s, g);
    }
    CAPTURE(exponent);
    CHECK(wrong == 0);
  }
  CHECK_FALSE(gf16.exact_in_binary32(0x1.002p-101f));  // lowest bit 2^-112
  CHECK_FALSE(product_fits(0x1.002p-101f, 0x1p-39));
  CHECK(gf16.exact_in_binary32(0x1.ffcp95f));
  CHECK(gf16.exact_in_binary32(0x1p96f));      // 2^128 - 2^118
  CHECK(gf16.exact_in_binary32(0x1.004p96f));  // 2^128 - 2^108
  CHECK_FALSE(gf16.exact_in_binary32(0x1.008p96f));
  CHECK_FALSE(gf16.exact_in_binary32(0x1p97f));
  CHECK_FALSE(gf16.exact_in_binary32(0.1f));  // 24 bits: as given scales may be
}

TEST_CASE("exact_in_binary32 never promises too much, and on powers of two it is sharp") {
  unsigned promised = 0, wrong = 0, blunt = 0;
  const auto check = [&](const Grid& grid, float s, bool sharp) {
    if (std::isinf(s)) return;
    const bool fits = every_product_fits(grid, s);
    promised += grid.exact_in_binary32(s);
    wrong += grid.exact_in_binary32(s) && !fits;
    if (sharp) blunt += fits && !grid.exact_in_binary32(s);
  };
  for (const char* name : {"gf:2,1", "gf:3,2", "gf:2,12", "int2s", "int8s", "gf:8,1"}) {
    const Grid grid = grid_of(name);
    for (int exponent = -149; exponent < 128; ++exponent)
      for (const float m : {1.0f, 1.5f, 0x1.ffcp0f}) check(grid, std::ldexp(m, exponent), m == 1.0f);
    for (int bits = 1; bits <= 24; ++bits)  // all ones: the products of most bits
      for (const int exponent : {-20, 0, 1})
        check(grid, std::ldexp(2.0f - std::ldexp(1.0f, 1 - bits), exponent), false);
  }
  CHECK(wrong == 0);
  CHECK(blunt == 0);
  CHECK(promised > 1000);
  for (const float s : {0.0f, -1.0f, INFINITY, NAN}) CHECK_FALSE(grid_of("int4s").exact_in_binary32(s));
}

TEST_CASE("the scales of each rule") {
  const std::vector<float> w{0.3f, -0.7f, 0.01f, 0, 0, 0, 5, 2, -1};
  CHECK(scales("gf16", "unit", w, 3, 3) == std::vector<float>{1, 1, 1});
  CHECK(scales("gf16", "row-pow2", w, 3, 3) == std::vector<float>{0.5f, 1, 4});
  CHECK(scales("gf16", "matrix-max", w, 3, 3) == std::vector<float>{5, 5, 5});
  CHECK(scales("int4s", "absmax", w, 3, 3) ==
        std::vector<float>{round_up(static_cast<double>(0.7f) / 7, 11), 1, round_up(5.0 / 7, 11)});
  CHECK(scales("int8s", "unit", w, 3, 3) == std::vector<float>{1, 1, 1});
  CHECK(scales("gf16", "matrix-max", {0, 0, 0, -0.0f}, 2, 2) == std::vector<float>{1, 1});
  CHECK(scales("gf16", "matrix-max", {0.1f, -0.7f}, 1, 2) == std::vector<float>{0x1.668p-1f});  // 0.7 up to 1434/2048
  // Groups of two columns: the last group is short; a group of zeros has 1.
  CHECK(scales("gf16", "row-pow2", w, 3, 3, 2) == std::vector<float>{0.5f, 0x1p-7f, 1, 1, 4, 1});
  CHECK(scales("int2s", "absmax", {3, 1, 0, 0.5f, 7}, 1, 5, 2) == std::vector<float>{3, 0.5f, 7});
  CHECK(scales("gf16", "matrix-max", w, 3, 3, 1) == std::vector<float>(9, 5.0f));
}

TEST_CASE("absmax never clips a weight, and matrix-max keeps golden weights within 1") {
  std::vector<float> w;
  std::uint32_t state = 1;
  for (int i = 0; i < 20000; ++i) {
    state = state * 1664525 + 1013904223;
    w.push_back(std::ldexp(static_cast<float>(static_cast<std::int32_t>(state)), -31 - static_cast<int>(state % 40)));
  }
  for (const char* name : {"int2s", "int3s", "int4s", "int5s", "int6s", "int7s", "int8s"}) {
    const auto s = scales(name, "absmax", w, 2000, 10);
    const double largest = grid_of(name).max_value();
    unsigned beyond = 0, loose = 0;
    for (std::size_t i = 0; i < w.size(); ++i)
      beyond += std::fabs(static_cast<double>(w[i])) > static_cast<double>(s[i / 10]) * largest;
    for (std::size_t r = 0; r < s.size(); ++r) {
      double m = 0;
      for (std::size_t j = 0; j < 10; ++j) m = std::max(m, std::fabs(static_cast<double>(w[10 * r + j])));
      loose += m < static_cast<double>(s[r]) * largest * (1 - 0x1p-10);  // up by at most one unit of 11 bits
    }
    CHECK(beyond == 0);
    CHECK(loose == 0);
  }
}

TEST_CASE("what cannot be scaled is refused") {
  const auto error = [](const char* grid, ScaleRule rule, const std::vector<float>& w, std::ptrdiff_t cols,
                        std::ptrdiff_t group_size = 0) {
    const auto result =
        scales_for(grid_of(grid), rule, w.data(), static_cast<std::ptrdiff_t>(w.size()) / cols, cols, group_size);
    REQUIRE_FALSE(result);
    return result.error();
  };
  const Error nan = error("gf16", "unit", {0, 1, 2, NAN}, 2);
  CHECK(nan.exit == Exit::input);
  CHECK(nan.where.find("row 1, column 1") != std::string::npos);
  CHECK(error("int4s", "absmax", {0, -INFINITY}, 2).where.find("row 0, column 1") != std::string::npos);
  CHECK(error("gf16", "matrix-max", {0x1p-120f}, 1).exit == Exit::infeasible);  // subnormal products
  CHECK(error("gf16", "matrix-max", {0x1p100f}, 1).exit == Exit::infeasible);   // s g overflows
  CHECK(error("gf16", "matrix-max", {0x1.fffffep127f}, 1).exit == Exit::infeasible);
  CHECK(error("gf16", "row-pow2", {1, 1, 0x1p-149f, 0}, 2).where.find("row 1") != std::string::npos);
  CHECK(error("gf16", "absmax", {1}, 1).exit == Exit::usage);
  CHECK(error("int4s", "matrix-max", {1}, 1).exit == Exit::usage);
  CHECK(error("int4s", given_scales, {1}, 1).exit == Exit::usage);
  CHECK(error("int4s", "absmax", {1}, 1, -1).exit == Exit::infeasible);
  CHECK_FALSE(scales_for(grid_of("gf16"), "unit", nullptr, 0, 0, 0));
}

TEST_CASE("rule names") {
  for (const auto rule : {"unit", "row-pow2", "matrix-max", "absmax", given_scales})
    CHECK(*parse_scale_rule(to_string(rule)) == rule);
  CHECK_FALSE(parse_scale_rule("max"));
  CHECK(default_scale_rule(grid_of("gf16")) == "matrix-max");
  CHECK(default_scale_rule(grid_of("int8s")) == "absmax");
  CHECK(groups_of(5, 2) == 3);
  CHECK(groups_of(4, 2) == 2);
  CHECK(groups_of(4, 0) == 1);
}
