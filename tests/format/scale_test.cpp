// Scale rules: rounding up to 11 bits, exactness of s g in binary32, and the scales of matrices.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "format/golden_float.hpp"
#include "scale/scale_rule.hpp"

namespace scale_test {

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

std::vector<float> scales(const char* grid, std::string_view rule, const std::vector<float>& w, std::ptrdiff_t rows,
                          std::ptrdiff_t cols, std::ptrdiff_t group_size = 0) {
  const auto result = steps_for(grid_of(grid), rule, ScaleStorage::f32, w.data(), rows, cols, group_size);
  REQUIRE(result);
  return {result->scales.data(), result->scales.data() + result->scales.size()};
}

}  // namespace

TEST_CASE("round_up keeps the sign and takes any number of bits") {
  CHECK(round_up(-0.1, 11) == -round_up(0.1, 11));
  CHECK(round_up(0.1, 8) == 0x1.9ap-4F);
  CHECK(round_up(-0x1.9bp-4, 8) == -0x1.9cp-4F);
  CHECK(round_up(0x1.fffp0, 8) == 2);
  CHECK(round_up(-0x1.fffp127, 8) == -INFINITY);
}

TEST_CASE("round_up is the least number of 11 bits that is not below") {
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
    wrong += std::bit_cast<std::uint32_t>(round_up(static_cast<double>(std::bit_cast<float>(m)), 11)) != up;
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
  for (const char* name : {"gf:2,1", "gf:3,2", "gf:2,12", "int2s", "int8s", "gf:8,1", "int4"}) {
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
    const double largest = grid_of(name).spec().largest;
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

TEST_CASE("absmax on integers of all codes sends the weight of largest magnitude to the first code") {
  for (const char* name : {"int2", "int3", "int4", "int8"}) {
    const Grid grid = grid_of(name);
    const Code first = static_cast<Code>(grid.spec().first);
    unsigned wrong = 0, negative = 0;
    std::uint32_t state = 1;
    for (int i = 0; i < 2000; ++i) {
      std::vector<float> w;
      for (int j = 0; j < 8; ++j) {
        state = state * 1664525 + 1013904223;
        w.push_back(std::ldexp(static_cast<float>(static_cast<std::int32_t>(state)), -31 - static_cast<int>(i % 40)));
      }
      const float s = scales(name, "absmax", w, 1, 8)[0];
      const float largest =
          *std::max_element(w.begin(), w.end(), [](float a, float b) { return std::fabs(a) < std::fabs(b); });
      wrong += grid.nearest(largest, s) != first || (s < 0) != (largest > 0);
      wrong += std::fabs(s) != round_up(std::fabs(static_cast<double>(largest)) / grid.spec().largest, 11);
      // Only a weight of the other sign can lie beyond the last code.
      for (const float x : w) wrong += grid.clipped(x, s) && (x > 0) == (largest > 0);
      negative += s < 0;
    }
    CAPTURE(name);
    CHECK(wrong == 0);
    CHECK(negative > 800);
    CHECK(negative < 1200);
  }
  // Both signs of one magnitude: a positive scale.
  CHECK(scales("int4", "absmax", {4, -4, 1}, 1, 3) == std::vector<float>{0.5F});
  CHECK(scales("int4", "absmax", {4, -3, 1}, 1, 3) == std::vector<float>{-0.5F});
  CHECK(scales("int4", "absmax", {0, -0.0F, 2, -1, 0.25F}, 1, 5, 2) == std::vector<float>{1, -0.25F, -0x1p-5F});
}

TEST_CASE("minmax spans the weights and 0 with a zero point") {
  const auto steps = [](const char* name, ScaleStorage storage, const std::vector<float>& w, Index group_size = 0) {
    const auto found =
        steps_for(grid_of(name), "minmax", storage, w.data(), 1, static_cast<Index>(w.size()), group_size);
    REQUIRE(found);
    REQUIRE(found->zeros.rows() == found->scales.rows());
    REQUIRE(found->zeros.cols() == found->scales.cols());
    return *found;
  };
  const Steps plain = steps("int4z", ScaleStorage::f32, {-3, 4.5F, 1});
  CHECK(plain.scales(0, 0) == 0.5F);
  CHECK(plain.zeros(0, 0) == 6);
  const Steps above = steps("int4z", ScaleStorage::f32, {30, 15, 20, 0, 0, 0, -15, -30, -1}, 3);
  CHECK(above.scales == Matrix<float>{{2, 1, 2}});
  CHECK(above.zeros == Matrix<std::int16_t>{{0, 0, 15}});
  std::uint32_t state = 7;
  const auto uniform = [&] {
    state = state * 1664525 + 1013904223;
    return std::ldexp(static_cast<float>(static_cast<std::int32_t>(state)), -31);
  };
  for (const char* name : {"int2z", "int4z", "int8z"})
    for (const ScaleStorage storage : {ScaleStorage::f32, ScaleStorage::f16, ScaleStorage::bf16}) {
      const Grid grid = grid_of(name);
      unsigned wrong = 0;
      for (int i = 0; i < 3000; ++i) {
        std::vector<float> w(6);
        const float shift = 3 * uniform();
        for (float& x : w) x = uniform() + shift;
        const Steps found = steps(name, storage, w);
        const Step step = found.at(0, 0);
        const double low = std::min(0.0F, *std::min_element(w.begin(), w.end())),
                     high = std::max(0.0F, *std::max_element(w.begin(), w.end()));
        wrong += !grid.takes_zero(step.zero) || !grid.takes_scale(found.scales(0, 0));
        wrong += step.scale * grid.spec().last < high - low;
        wrong +=
            step.scale * grid.spec().last > (high - low) * (storage == ScaleStorage::bf16 ? 1 + 0x1p-7 : 1 + 0x1p-10);
        for (const float x : w) {
          wrong += grid.clipped(x, step);
          wrong += std::fabs(step.scale * grid.value(grid.nearest(x, step), step.zero) - static_cast<double>(x)) >
                   step.scale / 2;
        }
        wrong += grid.value(grid.nearest(0, step), step.zero) != 0;  // 0 stays 0
      }
      CAPTURE(name);
      CHECK(wrong == 0);
    }
}

TEST_CASE("a computed scale is one that its storage holds, rounded up to its precision") {
  const std::vector<float> w{0.3F, -0.7F, 0.01F, 0, 0, 0, 5, 2, -1};
  struct Rule {
    const char *grid, *rule;
  };
  for (const Rule& rule : {Rule{"int4", "absmax"},
                           {"int4s", "absmax"},
                           {"int4z", "minmax"},
                           {"nf4", "absmax"},
                           {"lloyd:3", "absmax"},
                           {"gf16", "matrix-max"},
                           {"gf16", "row-pow2"},
                           {"bf16", "unit"}})
    for (const ScaleStorage storage : {ScaleStorage::f32, ScaleStorage::f16, ScaleStorage::bf16}) {
      const Grid grid = grid_of(rule.grid);
      const auto found = steps_for(grid, rule.rule, storage, w.data(), 3, 3, 2),
                 full = steps_for(grid, rule.rule, ScaleStorage::f32, w.data(), 3, 3, 2);
      REQUIRE(found);
      CHECK(found->group_size == 2);
      for (Index i = 0; i < 3; ++i)
        for (Index g = 0; g < 2; ++g) {
          const float s = found->scales(i, g);
          CHECK(holds(storage, s));
          CHECK(grid.exact_in_binary32(s));
          CHECK(std::fabs(s) >= std::fabs(full->scales(i, g)));
          CHECK(std::fabs(s) <= std::fabs(full->scales(i, g)) * (1 + 0x1p-7F));
          if (storage != ScaleStorage::bf16) CHECK(s == full->scales(i, g));
        }
    }
  CHECK(holds(ScaleStorage::f16, -65504.0F));
  CHECK(holds(ScaleStorage::f16, 0x1p-14F));
  CHECK_FALSE(holds(ScaleStorage::f16, 0x1p-15F));  // subnormal
  CHECK_FALSE(holds(ScaleStorage::f16, 65536.0F));
  CHECK_FALSE(holds(ScaleStorage::f16, 1 + 0x1p-11F));
  CHECK(holds(ScaleStorage::bf16, -(1 + 0x1p-7F)));
  CHECK(holds(ScaleStorage::bf16, 0x1.fep127F));
  CHECK(holds(ScaleStorage::bf16, 0x1p-126F));
  CHECK_FALSE(holds(ScaleStorage::bf16, 0x1p-127F));
  CHECK_FALSE(holds(ScaleStorage::bf16, 1 + 0x1p-8F));
  CHECK(holds(ScaleStorage::f32, 0x1p-149F));
  for (const std::string_view name : scale_storage_names) CHECK(to_string(*parse_scale_storage(name)) == name);
  CHECK_FALSE(parse_scale_storage("fp16"));
}

TEST_CASE("what cannot be scaled is refused") {
  const auto error = [](const char* grid, std::string_view rule, const std::vector<float>& w, std::ptrdiff_t cols,
                        std::ptrdiff_t group_size = 0, ScaleStorage storage = ScaleStorage::f32) {
    const auto result = steps_for(grid_of(grid), rule, storage, w.data(), static_cast<std::ptrdiff_t>(w.size()) / cols,
                                  cols, group_size);
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
  CHECK(error("int4z", "absmax", {1}, 1).number == 223);
  CHECK(error("int4", "minmax", {1}, 1).number == 223);
  CHECK(error("nf4", "minmax", {1}, 1).hint.find("absmax") != std::string::npos);
  CHECK(error("int4z", "absmax", {1}, 1).hint.find("minmax") != std::string::npos);
  CHECK(error("int4", "max", {1}, 1).number == 222);
  // A row whose scale the storage does not hold.
  for (const auto& [storage, w] :
       {std::pair{ScaleStorage::f16, 0x1p-13F}, {ScaleStorage::f16, 0x1p20F}, {ScaleStorage::bf16, 0x1p-124F}}) {
    const Error none = error("int4", "absmax", {1, 1, w, 0}, 2, 0, storage);
    CHECK(none.number == 421);
    CHECK(none.exit == Exit::infeasible);
    CHECK(none.where.find("row 1") != std::string::npos);
    CHECK(none.what.find(to_string(storage)) != std::string::npos);
  }
  CHECK(error("int4z", "minmax", {0x1.fffffep127F, -0x1.fffffep127F}, 2, 0, ScaleStorage::f16).number == 421);
  CHECK(error("int4z", "minmax", {0x1p-149F, 0}, 2, 0, ScaleStorage::bf16).number == 421);
  CHECK_FALSE(steps_for(grid_of("gf16"), "unit", ScaleStorage::f32, nullptr, 0, 0, 0));
}

TEST_CASE("rule names") {
  for (const ScaleRule* rule : scale_rules()) CHECK(*find_scale_rule(rule->name) == rule);
  for (const char* bad : {"max", "", "given", "Absmax"}) {
    const auto rule = find_scale_rule(bad);
    REQUIRE_FALSE(rule);
    CHECK(rule.error().exit == Exit::usage);
    CHECK(rule.error().number == 222);
  }
  CHECK(default_scale_rule(grid_of("gf16")) == "matrix-max");
  for (const char* name : {"int8s", "int4", "nf4", "lloyd:4"}) CHECK(default_scale_rule(grid_of(name)) == "absmax");
  for (const char* name : {"bf16", "fp16"}) CHECK(default_scale_rule(grid_of(name)) == "unit");
  CHECK(default_scale_rule(grid_of("int4z")) == "minmax");
  CHECK(groups_of(5, 2) == 3);
  CHECK(groups_of(4, 2) == 2);
  CHECK(groups_of(4, 0) == 1);
}

}  // namespace scale_test
