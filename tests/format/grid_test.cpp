// Grids: the nearest point, the clipping test and the bound against a search through all points in exact rationals.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "format/golden_float.hpp"
#include "format/grid.hpp"
#include "rational.hpp"

using namespace hallmark;
using reference::Rational;

namespace {

Grid grid_of(const char* name) {
  auto grid = Grid::parse(name);
  REQUIRE(grid);
  return *grid;
}

/// All codes of a grid that differ as numbers (one zero), in increasing order of value.
std::vector<Code> codes_in_order(const Grid& grid) {
  std::vector<Code> codes;
  for (unsigned c = 0; c < 65536; ++c)
    if (const auto code = static_cast<Code>(c);
        grid.contains(code) && !(grid.value(code) == 0 && std::signbit(grid.value(code))))
      codes.push_back(code);
  std::sort(codes.begin(), codes.end(), [&](Code a, Code b) { return grid.value(a) < grid.value(b); });
  return codes;
}

/// What the banner of grid.hpp promises, for one x and s, found by looking at every point.
unsigned violations(const Grid& grid, const std::vector<Code>& codes, double x, double s) {
  const auto distance = [&](Code c) { return abs(Rational(x) - Rational(s) * Rational(grid.value(c))); };
  Code best = codes.front();
  Rational least = distance(best);
  for (const Code c : codes) {
    const Rational d = distance(c);
    if (d < least || (d == least && c % 2 == 0)) best = c, least = d;
  }
  unsigned wrong = 0;
  const Code code = grid.nearest(x, s);
  wrong += grid.value(code) != grid.value(best);
  if (grid.is_golden()) wrong += std::signbit(grid.value(code)) != std::signbit(x);
  else wrong += code != best;

  // Clipped: beyond the last point by more than half a gap (the gap that would follow: as wide as the one before it).
  const Rational top = Rational(s) * Rational(grid.value(codes.back())),
                 bottom = Rational(s) * Rational(grid.value(codes.front()));
  const Rational gap = Rational(s) * Rational(grid.value(codes.back()) - grid.value(codes[codes.size() - 2]));
  const bool symmetric = grid.is_golden() || grid.is_integer();
  const Rational margin = symmetric ? gap * Rational(0.5) : Rational(0);
  wrong += grid.clipped(x, s) != (Rational(x) > top + margin || Rational(x) < bottom - margin);
  if (!grid.clipped(x, s)) wrong += least > Rational(grid.half_gap(x, s));
  return wrong;
}

/// x at every midpoint and point of {s g}, at their binary64 neighbours, beyond the ends, and random.
void check_everywhere(const Grid& grid, double s) {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto codes = codes_in_order(grid);
  unsigned wrong = 0;
  const auto probe = [&](double x) {
    for (const double near : {x, std::nextafter(x, infinity), std::nextafter(x, -infinity)})
      wrong += violations(grid, codes, near, s);
  };
  for (std::size_t i = 0; i < codes.size(); ++i) {
    probe(s * grid.value(codes[i]));
    if (i > 0) probe((s * grid.value(codes[i - 1]) + s * grid.value(codes[i])) / 2);
  }
  const double top = s * grid.spec().largest,
               gap = s * (grid.value(codes.back()) - grid.value(codes[codes.size() - 2]));
  for (const double x : {top + gap / 2, top + gap, 3 * top, 1e300, 0.0, 0x1p-1074, 0x1p-1022}) probe(x), probe(-x);
  std::mt19937_64 random(7);
  for (int i = 0; i < 300; ++i) probe(top * (3 * std::ldexp(static_cast<double>(random() >> 11), -53) - 1.5));
  CHECK(wrong == 0);
}

const std::vector<double> scales{1.0,           0x1p-20,      0.1f,     3.0f,          1.9990234375,
                                 0x1.fffffep-3, 0x1.000002p5, 0x1p-149, 0x1.fffffep127};

}  // namespace

TEST_CASE("small golden grids and all integers against every point") {
  for (const char* name : {"gf:2,1", "gf:3,2", "int2s", "int3s", "int4s", "int5s", "int6s", "int7s", "int8s"})
    for (const double s : scales) {
      CAPTURE(name);
      CAPTURE(s);
      check_everywhere(grid_of(name), s);
    }
}

TEST_CASE("codebooks against every point") {
  const std::vector<std::vector<float>> books{{-1, 1},
                                              {-1.0f, -0.5f, 0.0f, 0.25f, 3.0f},
                                              {0x1p-149f, 1.0f, 0x1.ffep127f},
                                              {-0x1p127f, -0x1p-140f, 0, 0x1p-149f, 0x1.8p100f}};
  for (const auto& book : books)
    for (const double s : scales) {
      const auto grid = Grid::table("book", book);
      REQUIRE(grid);
      CAPTURE(book.size());
      CAPTURE(s);
      check_everywhere(*grid, s);
    }
  CHECK(Grid::table("book", books[1])->code_dtype() == "U8");
  CHECK(Grid::table("book", books[1])->bits() == 3);
  for (const auto& bad :
       std::vector<std::vector<float>>{{}, {1}, {1, 1}, {2, 1}, {0, NAN}, {0, INFINITY}, {0, 0x1.0008p0f}})
    CHECK_FALSE(Grid::table("book", bad));
  CHECK(Grid::table("book", {0, 0x1.001p0f}));  // 13 bits
  CHECK_FALSE(Grid::table("int4s", {0, 1}));
}

TEST_CASE("large golden grids: a point is nearest when its neighbours are not nearer") {
  std::mt19937_64 random(11);
  for (const char* name : {"gf16", "bf16", "fp16", "gf:2,12", "gf:7,8"}) {
    const Grid grid = grid_of(name);
    const auto codes = codes_in_order(grid);
    unsigned wrong = 0, ties = 0;
    for (int i = 0; i < 30000; ++i) {
      const double s = i % 3 == 0 ? 1.0
                                  : std::ldexp(1.0 + std::ldexp(static_cast<double>(random() >> 41), -23),
                                               static_cast<int>(random() % 80) - 40);
      const std::size_t at = 1 + random() % (codes.size() - 2);
      const double low = s * grid.value(codes[at]), high = s * grid.value(codes[at + 1]), middle = (low + high) / 2;
      double x = middle;  // exact: a tie
      if (i % 4 == 1) x = std::nextafter(x, 1e300);
      if (i % 4 == 2) x = std::nextafter(x, -1e300);
      if (i % 4 == 3) x = low + (high - low) * std::ldexp(static_cast<double>(random() >> 11), -53);
      const bool tie = x == middle;
      const Code expected = tie ? (codes[at] % 2 == 0 ? codes[at] : codes[at + 1]) : codes[at + (x > middle)];
      wrong += grid.value(grid.nearest(x, s)) != grid.value(expected);
      wrong += Rational(grid.half_gap(x, s)) < abs(Rational(x) - Rational(s) * Rational(grid.value(expected)));
      wrong += grid.clipped(x, s);
      ties += tie;
    }
    CAPTURE(name);
    CHECK(wrong == 0);
    CHECK(ties > 7000);
  }
}

TEST_CASE("gf16 with scale 1 is the codec, infinities clipped to the largest finite value") {
  const Grid grid = grid_of("gf16");
  std::mt19937_64 random(13);
  unsigned wrong = 0;
  for (int i = 0; i < 2'000'000; ++i) {
    const auto x = static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(random())));
    if (std::isnan(x)) continue;
    const Code word = GF16::encode(x);
    wrong += grid.nearest(x, 1) != (GF16::is_infinite(word) ? word - 1 : word);
    wrong += grid.clipped(x, 1) != (std::fabs(x) > 4292870144.0);
  }
  CHECK(wrong == 0);
  for (unsigned w = 0; w < 65536; ++w) {
    const auto word = static_cast<Code>(w);
    wrong += grid.contains(word) != GF16::is_finite(word);
    if (grid.contains(word))
      wrong += grid.nearest(grid.value(word), 1) != word || grid.value(word) != static_cast<double>(GF16::decode(word));
    else wrong += !std::isnan(grid.value(word));
  }
  CHECK(wrong == 0);
  CHECK(grid.half_gap(1.0, 1.0) == 0x1p-10);
  CHECK(grid.half_gap(0.0, 1.0) == 0x1p-40);
}

TEST_CASE("NaN and infinities count as clipped") {
  for (const char* name : {"gf16", "int4s"}) {
    const Grid grid = grid_of(name);
    for (const double x : {static_cast<double>(NAN), -static_cast<double>(NAN), HUGE_VAL, -HUGE_VAL})
      CHECK(grid.clipped(x, 0.5));
    CHECK(grid.value(grid.nearest(HUGE_VAL, 0.5)) == grid.spec().largest);
    CHECK(grid.value(grid.nearest(static_cast<double>(NAN), 0.5)) == 0);
  }
}

TEST_CASE("names, dtypes and codes") {
  const auto check = [](const char* typed, const char* name, const char* dtype, int bits, double largest) {
    const Grid grid = grid_of(typed);
    CHECK(grid.name() == name);
    CHECK(grid.name() + "/1" == name);
    CHECK(grid.code_dtype() == dtype);
    CHECK(grid.bits() == bits);
    CHECK(grid.spec().largest == largest);
    CHECK(*Grid::parse(name) == grid);
  };
  check("gf16", "gf16/1", "U16", 16, 4290772992.0);
  check("gf:6,9", "gf16/1", "U16", 16, 4290772992.0);
  check("bf16/1", "bf16/1", "U16", 16, 0x1.fep127);
  check("fp16", "fp16/1", "U16", 16, 65504.0);
  check("gf:2,1", "gf:2,1/1", "U8", 4, 3.0);
  check("int2s", "int2/1", "I8", 2, 1.0);
  check("int8s", "int8/1", "I8", 8, 127.0);
  for (const char* bad : {"", "gf", "gf16/2", "GF16", "int1", "int9", "int", "int04", "int4x", "gf:1,1", "gf:2,0",
                          "gf:9,1", "gf:2,13", "gf:8,8", "gf:6", "gf:6,", "gf:6,9 ", "gf:-6,9"}) {
    CAPTURE(bad);
    const auto grid = Grid::parse(bad);
    REQUIRE_FALSE(grid);
    CHECK(grid.error().exit == Exit::usage);
  }
  const Grid int4 = grid_of("int4s");
  CHECK(int4.nearest(-2.6, 1) == 0xFFFD);
  CHECK(int4.value(0xFFFD) == -3);
  CHECK(int4.nearest(-100, 1) == 0xFFF9);
  CHECK(int4.nearest(-0.1, 1) == 0);
  CHECK_FALSE(int4.contains(8));
  CHECK_FALSE(int4.contains(0xFFF8));
  CHECK_FALSE(grid_of("gf:2,1").contains(16));
}
