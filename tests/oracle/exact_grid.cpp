// The oracle's grids against the definitions in docs/design.md, by hand and by search; and src/format's Grid held to
// them.
#include "oracle/exact_grid.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "format/grid.hpp"

namespace exact_grid_test {

using hallmark::Grid;
using hallmark::oracle::Code;
using hallmark::oracle::Dyadic;
using hallmark::oracle::ExactGrid;

namespace {

// The definition itself: the least distance over all points; of two, the even code.
Code by_search(const ExactGrid& grid, const mpq_class& x, const mpq_class& s) {
  std::optional<Code> best;
  mpq_class least;
  for (unsigned c = 0; c < 65536; ++c) {
    const auto code = static_cast<Code>(c);
    if (!grid.contains(code)) continue;
    const double value = grid.value(code);
    if (value == 0 && code != 0 && x >= 0) continue;  // the zero with the other sign
    if (value == 0 && code == 0 && x < 0 && grid.contains(static_cast<Code>(0x8000)) && grid.value(0x8000) == 0)
      continue;
    const mpq_class distance = abs(mpq_class(x - s * mpq_class(value)));
    if (!best || distance < least || (distance == least && code % 2 == 0)) best = code, least = distance;
  }
  return *best;
}

}  // namespace

TEST_CASE("GF16 words of the specification") {
  const ExactGrid gf16 = ExactGrid::golden(6, 9);
  CHECK(gf16.value(0x3E00) == 1.0);
  CHECK(gf16.value(0x0200) == 0x1p-30);
  CHECK(gf16.value(0x0001) == 0x1p-39);
  CHECK(gf16.value(0x7DFF) == 4290772992.0);
  CHECK(gf16.value(0xBE00) == -1.0);
  CHECK(!gf16.contains(0x7E00));
  CHECK(!gf16.contains(0xFE01));
  const auto code = [&](double x) { return gf16.nearest(mpq_class(x), mpq_class(1)).code; };
  CHECK(code(0.1F) == 0x3733);
  CHECK(code(0.02F) == 0x328F);
  CHECK(code(3.14159F) == 0x4124);
  CHECK(code(65504) == 0x5E00);
  CHECK(code(1e-5F) == 0x1C9F);
  CHECK(code(0x1p-40) == 0x0000);
  CHECK(code(-0x1p-40) == 0x8000);
  CHECK(code(3 * 0x1p-41) == 0x0001);
  CHECK(code(4292870144.0) == 0x7DFF);                                  // the end: quantizers clip
  CHECK(!gf16.nearest(mpq_class(4292870144.0), mpq_class(1)).clipped);  // half a gap beyond
  CHECK(gf16.nearest(mpq_class(4292870145.0), mpq_class(1)).clipped);
}

TEST_CASE("nearest is the least distance, ties to the even code, for rationals and dyadics") {
  std::mt19937_64 generator(3);
  const ExactGrid grids[] = {
      ExactGrid::of(Grid::parse("gf:2,1")->spec()), ExactGrid::of(Grid::parse("gf:3,2/1")->spec()),
      ExactGrid::of(Grid::parse("int3s")->spec()), ExactGrid::table({-1.5F, -0.25F, 0, 0.125F, 1, 7}),
      ExactGrid::table({0x1p-100F, 0x1p100F})};
  for (const ExactGrid& grid : grids)
    for (int i = 0; i < 60; ++i) {
      const double x = static_cast<double>(static_cast<int>(generator() % 161) - 80) / 16, s = i % 3 == 0 ? 1 : 0.75;
      const auto rational = grid.nearest(mpq_class(x), mpq_class(s));
      const auto dyadic = grid.nearest(Dyadic(x), Dyadic(s));
      CHECK(rational.code == dyadic.code);
      CHECK(rational.clipped == dyadic.clipped);
      CHECK(rational.margin == dyadic.margin.rational());
      if (grid.contains(0x8000)) continue;  // searched below, on words
      CHECK(rational.code == by_search(grid, x, s));
    }
  CHECK(ExactGrid::integer(-7, 7).nearest(mpq_class(5, 2), mpq_class(1)).code == 2);
  CHECK(ExactGrid::integer(-7, 7).nearest(mpq_class(-7, 2), mpq_class(1)).code == static_cast<Code>(-4));
  CHECK(ExactGrid::integer(-7, 7).nearest(mpq_class(1, 3), mpq_class(1)).margin == mpq_class(1, 6));
  CHECK(ExactGrid::integer(-7, 7).nearest(mpq_class(15, 2), mpq_class(1)).clipped == false);
  CHECK(ExactGrid::integer(-7, 7).nearest(mpq_class(76, 10), mpq_class(1)).clipped);
  const auto step = ExactGrid::table({0x1p-100F, 0x1p100F}).nearest(Dyadic(0x1p99), Dyadic(1.0));
  CHECK(step.code == 0);  // 2^-101 below the midpoint, which binary64 cannot hold
  CHECK(compare(step.margin, Dyadic(0x1p-101)) == 0);
}

TEST_CASE("negative scales mirror the points, and zero points move them") {
  const ExactGrid int4 = ExactGrid::integer(-8, 7), int4z = ExactGrid::integer(0, 15);
  const auto code = [](const ExactGrid& grid, const mpq_class& x, const mpq_class& s, int zero = 0) {
    const auto rational = grid.nearest(x, s, zero);
    const auto dyadic = grid.nearest(Dyadic(x.get_d()), Dyadic(s.get_d()), zero);  // exact below
    CHECK(rational.code == dyadic.code);
    CHECK(rational.clipped == dyadic.clipped);
    CHECK(rational.margin == dyadic.margin.rational());
    return static_cast<std::int16_t>(rational.code);
  };
  CHECK(code(int4, 4, mpq_class(-1, 2)) == -8);
  CHECK(code(int4, -4, mpq_class(-1, 2)) == 7);
  CHECK(code(int4, mpq_class(5, 4), mpq_class(-1, 2)) == -2);  // the tie of -2 and -3
  CHECK(code(int4, mpq_class(5, 4), mpq_class(1, 2)) == 2);
  CHECK(int4.nearest(mpq_class(17, 4), mpq_class(-1, 2)).clipped == false);
  CHECK(int4.nearest(mpq_class(9, 2), mpq_class(-1, 2)).clipped);
  CHECK(int4.nearest(mpq_class(-4), mpq_class(-1, 2)).clipped);
  CHECK(int4.nearest(mpq_class(1, 3), mpq_class(-1)).margin == mpq_class(1, 6));
  CHECK(code(int4z, mpq_class(-5, 2), 1, 9) == 7);  // -2 is even, though 7 is not
  CHECK(code(int4z, mpq_class(-3, 2), 1, 9) == 7);
  CHECK(code(int4z, 100, 1, 9) == 15);
  CHECK(int4z.value(15, 9) == 6);
  CHECK(int4z.nearest(mpq_class(13, 2), mpq_class(1), 9).clipped == false);
  CHECK(int4z.nearest(mpq_class(27, 4), mpq_class(1), 9).clipped);
  CHECK(int4.confirm(static_cast<Code>(-2), 1.25F, -0.5F).nearest);
  CHECK(!int4.confirm(static_cast<Code>(-3), 1.25F, -0.5F).nearest);
  CHECK(int4z.confirm(7, -2.5F, 1, 9).nearest);
  CHECK(!int4z.confirm(6, -2.5F, 1, 9).nearest);
}

TEST_CASE("the production's grid is the oracle's: points, nearest codes, clipping") {
  std::mt19937_64 generator(4);
  for (const char* name : {"gf16", "bf16", "fp16", "gf:2,1", "gf:4,3", "int2s", "int4s", "int8s", "int2", "int4",
                           "int8", "int2z", "int4z", "int8z", "nf4", "lloyd:2", "lloyd:3", "lloyd:4"}) {
    CAPTURE(name);
    const Grid grid = *Grid::parse(name);
    const ExactGrid exact = ExactGrid::of(Grid::parse(name)->spec());
    for (unsigned c = 0; c < 65536; ++c) {
      const auto code = static_cast<Code>(c);
      REQUIRE(grid.contains(code) == exact.contains(code));
      if (grid.contains(code)) REQUIRE(grid.value(code) == exact.value(code));
    }
    for (int i = 0; i < 3000; ++i) {
      const float size =
          i % 4 == 0 ? 1.0F
                     : std::ldexp(static_cast<float>(1 + generator() % 2047), static_cast<int>(generator() % 40) - 30);
      const float s = grid.spec().either_sign && i % 8 < 5 ? -size : size;
      const int z =
          grid.spec().zero_points ? static_cast<int>(generator() % static_cast<unsigned>(grid.spec().last + 1)) : 0;
      // A midpoint, its neighbours in binary32, or anything.
      auto code = static_cast<Code>(generator());
      while (!grid.contains(code)) code = static_cast<Code>(generator());
      REQUIRE(grid.value(code, z) == exact.value(code, z));
      const auto after = static_cast<Code>(code + 1);
      const double other = grid.contains(after) ? grid.value(after, z) : grid.value(code, z);
      auto x = static_cast<float>(s * (grid.value(code, z) + other) / 2);
      if (i % 3 == 1) x = std::nextafter(x, 1e30F);
      if (i % 3 == 2) x = std::nextafter(x, -1e30F);
      if (!std::isfinite(x)) continue;
      const Code ours = grid.nearest(x, {s, z});
      const auto confirmed = exact.confirm(ours, x, s, z);
      CHECK(confirmed.nearest);
      CHECK(confirmed.clipped == grid.clipped(x, {s, z}));
      const auto judged = exact.nearest(Dyadic(x), Dyadic(s), z);
      if (x != 0) CHECK(judged.code == ours);
      CHECK(judged.clipped == confirmed.clipped);
      if (const auto next = static_cast<Code>(ours ^ 1); grid.contains(next))
        CHECK(!exact.confirm(next, x, s, z).nearest);
    }
    CHECK(exact.confirm(grid.nearest(-0.0, 1), -0.0F, 1).nearest);
  }
}

}  // namespace exact_grid_test
