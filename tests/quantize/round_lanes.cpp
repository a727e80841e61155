// The vector rounding step is Grid::nearest, code for code, also next to and on the midpoints.
#include "linalg/round_lanes.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <algorithm>
#include <vector>

#include "../linalg/random.hpp"
#include "scale/scale_rule.hpp"

namespace round_lanes_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

using Array = std::array<float, static_cast<std::size_t>(kLanes<float>)>;

struct In {
  Array w{}, r{}, s{};
  std::array<std::int32_t, Array{}.size()> zero{};
  Step step(std::size_t i) const { return {s[i], zero[i]}; }
};
struct Out {
  Array u{}, e{};
  std::array<std::int32_t, Array{}.size()> code{};
};

Lanes lanes_of(const In& in, Out& out) {
  return {in.w.data(), in.r.data(), in.s.data(), in.zero.data(), out.u.data(), out.code.data(), out.e.data()};
}

void check(const Grid& grid, const LaneRounder& rounder, const In& in) {
  Out fast, slow;
  const LanesSeen seen = rounder.round(lanes_of(in, fast));
  const LanesSeen plain = rounder.round_ref(lanes_of(in, slow));
  REQUIRE(seen.infinite == plain.infinite);
  std::array<Code, Array{}.size()> codes{};
  std::array<std::int32_t, Array{}.size()> outside{};
  rounder.count_clipped(slow.u.data(), in.s.data(), in.zero.data(), outside.data());
  rounder.count_clipped(slow.u.data(), in.s.data(), in.zero.data(), outside.data());
  for (std::size_t r = 0; r < in.w.size(); ++r) REQUIRE(outside[r] == 2 * grid.clipped(slow.u[r], in.step(r)));
  for (std::size_t r = 0; r < in.w.size(); ++r) {
    CAPTURE(in.w[r]);
    CAPTURE(in.r[r]);
    CAPTURE(in.s[r]);
    REQUIRE(std::bit_cast<std::uint32_t>(fast.u[r]) == std::bit_cast<std::uint32_t>(slow.u[r]));
    if (!std::isfinite(slow.u[r])) continue;
    REQUIRE(fast.code[r] == slow.code[r]);
    REQUIRE(std::bit_cast<std::uint32_t>(fast.e[r]) == std::bit_cast<std::uint32_t>(slow.e[r]));
    if (!seen.last) REQUIRE(!grid.clipped(slow.u[r], in.step(r)));
    codes[r] = static_cast<Code>(slow.code[r]);
  }
  for (const Index count : {kLanes<float>, Index{37}, Index{5}}) {
    std::vector<Code> row(in.w.size(), 7);
    Index clipped = 0;
    for (Index r = 0; r < count; ++r) clipped += grid.clipped(in.w[static_cast<std::size_t>(r)], in.step(0));
    REQUIRE(rounder.round_row(in.w.data(), in.step(0), count, row.data()) == clipped);
    for (std::size_t r = 0; r < row.size(); ++r)
      REQUIRE(row[r] == (r < static_cast<std::size_t>(count) ? grid.nearest(in.w[r] + 0.0F, in.step(0)) : Code{7}));
    Array again{};
    rounder.errors(in.w.data(), codes.data(), in.step(0), count, again.data());
    for (Index r = 0; r < kLanes<float>; ++r) {
      const auto i = static_cast<std::size_t>(r);
      const float e = std::fma(-in.s[0], static_cast<float>(grid.value(codes[i], in.zero[0])), in.w[i]);
      REQUIRE(std::bit_cast<std::uint32_t>(again[i]) == std::bit_cast<std::uint32_t>(r < count ? e : 0.0F));
    }
  }
}

constexpr const char* kGrids[] = {"gf16",  "bf16",  "fp16",  "gf:2,1",  "gf:4,3",  "gf:3,12", "gf:8,1",
                                  "int2s", "int4s", "int8s", "int2",    "int4",    "int8",    "int2z",
                                  "int4z", "int8z", "nf4",   "lloyd:2", "lloyd:3", "lloyd:4"};

// Where the grid takes them, a scale of either sign and any zero point.
void draw_step(const Grid& grid, std::mt19937& generator, In& lanes, std::size_t r) {
  if (grid.spec().either_sign && generator() % 2 == 0) lanes.s[r] = -lanes.s[r];
  if (grid.spec().zero_points)
    lanes.zero[r] = static_cast<std::int32_t>(generator() % static_cast<std::uint32_t>(grid.spec().last + 1));
}

}  // namespace

TEST_CASE("random weights and scales of every size") {
  for (const char* name : kGrids) {
    CAPTURE(name);
    const Grid grid = *Grid::parse(name);
    const LaneRounder rounder(grid);
    for_each_target([&] {
      std::mt19937 generator(5);
      std::uniform_int_distribution<std::uint32_t> bits;
      std::normal_distribution<float> normal;
      for (int repeat = 0; repeat < 700; ++repeat) {
        In lanes;
        for (std::size_t r = 0; r < lanes.w.size(); ++r) {
          const float wild = std::bit_cast<float>(bits(generator));
          lanes.r[r] = repeat % 2 == 0 && std::isfinite(wild)
                           ? wild
                           : normal(generator) * static_cast<float>(grid.spec().largest / 2);
          const float scale = std::bit_cast<float>(bits(generator) & 0x7FFFFFFFU);
          lanes.s[r] = repeat % 4 == 0 && std::isfinite(scale) && scale > 0 ? scale : std::exp2(normal(generator));
          lanes.w[r] = normal(generator);
          draw_step(grid, generator, lanes, r);
        }
        check(grid, rounder, lanes);
      }
    });
  }
}

TEST_CASE("on the midpoints and one step beside them, for scales of 11 bits and of 24") {
  for (const char* name : kGrids) {
    CAPTURE(name);
    const Grid grid = *Grid::parse(name);
    const LaneRounder rounder(grid);
    for_each_target([&] {
      std::mt19937 generator(6);
      std::uniform_real_distribution<float> uniform(0.5F, 2.0F);
      for (int repeat = 0; repeat < 700; ++repeat) {
        In lanes;
        for (std::size_t r = 0; r < lanes.w.size(); ++r) {
          const float s = repeat % 2 == 0 ? round_up(uniform(generator), 11) : uniform(generator);
          lanes.s[r] = s;
          draw_step(grid, generator, lanes, r);
          const int zero = lanes.zero[r];
          auto code = static_cast<Code>(generator() % 65536);
          if (grid.is_table()) code = static_cast<Code>(code % grid.spec().points.size());
          if (grid.is_integer()) code = static_cast<Code>(static_cast<std::int8_t>(code));
          const double g = grid.contains(code) ? grid.value(code, zero) : 0.0;
          const Code after = static_cast<Code>(code + 1);
          const double next = grid.contains(after) ? grid.value(after, zero) : g;
          // Exact for scales of 11 bits, where in range.
          const auto middle = static_cast<float>(static_cast<double>(lanes.s[r]) * (g + next) / 2);
          const float steps[] = {middle, std::nextafter(middle, 4e9F), std::nextafter(middle, -4e9F)};
          lanes.w[r] = steps[generator() % 3];
        }
        check(grid, rounder, lanes);
      }
    });
  }
}

TEST_CASE("zeros, the ends, subnormals") {
  constexpr float big = std::numeric_limits<float>::max(), small = std::numeric_limits<float>::denorm_min();
  for (const char* name : kGrids) {
    CAPTURE(name);
    const Grid grid = *Grid::parse(name);
    const LaneRounder rounder(grid);
    for_each_target([&] {
      for (const float u : {0.0F, -0.0F, small, -small, 0x1p-100F, 0x1p-101F, 0x1p-126F, 1.0F, -1.0F, big, -big})
        for (const float s : {1.0F, small, 0x1p-126F, 0x1p-60F, 0x1p60F, 3.0F, big}) {
          In lanes;
          lanes.w.fill(u);
          for (const float scale : {s, -s})
            for (const int zero : {0, grid.spec().last / 2 + 1, grid.spec().last}) {
              if (!grid.takes_scale(scale) || !grid.takes_zero(zero)) continue;
              lanes.s.fill(scale);
              lanes.zero.fill(zero);
              check(grid, rounder, lanes);
            }
        }
    });
  }
}

TEST_CASE("codebooks round by their grid") {
  const Grid grid = *Grid::table("thirds", {-1.0F, -0.25F, 0.0F, 0.5F, 2.0F});
  const LaneRounder rounder(grid);
  In lanes;
  lanes.s.fill(2.0F);
  lanes.w.fill(0.6F);  // between 0 and 1: nearest is 1, code 3
  check(grid, rounder, lanes);
  Out out;
  rounder.round(lanes_of(lanes, out));
  CHECK(out.code[0] == 3);
  CHECK(out.e[0] == 0.6F - 1.0F);
}

TEST_CASE("tables that the vector form leaves to the grid: many points, midpoints of many bits, tiny points") {
  std::vector<float> many;
  for (int k = -20; k <= 20; ++k) many.push_back(static_cast<float>(k * std::abs(k)));
  const Grid grids[] = {*Grid::table("many", many), *Grid::table("far apart", {-0x1.001p30F, 0.5F, 1.0F, 0x1.ffep29F}),
                        *Grid::table("tiny", {-0x1p-120F, 0, 0x1p-110F, 1}), *Grid::table("two", {-1, 1}),
                        *Grid::table("positive", {0.5F, 2})};
  for (const Grid& grid : grids) {
    CAPTURE(grid.name());
    const LaneRounder rounder(grid);
    for_each_target([&] {
      std::mt19937 generator(7);
      std::normal_distribution<float> normal;
      for (int repeat = 0; repeat < 300; ++repeat) {
        In lanes;
        for (std::size_t r = 0; r < lanes.w.size(); ++r) {
          lanes.s[r] = repeat % 2 == 0 ? 1 : std::exp2(normal(generator));
          const auto k = generator() % grid.spec().points.size();
          const float g = lanes.s[r] * grid.spec().points[k];
          const float next =
              lanes.s[r] * grid.spec().points[std::min<std::size_t>(k + 1, grid.spec().points.size() - 1)];
          lanes.w[r] = repeat % 3 == 0 ? 0.5F * (g + next) : normal(generator) * g;
        }
        check(grid, rounder, lanes);
      }
    });
  }
}

}  // namespace round_lanes_test
