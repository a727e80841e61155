// The vector rounding step is Grid::nearest, code for code, also next to and on the midpoints.
#include "quantize/round_lanes.hpp"


#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "../linalg/random.hpp"
#include "format/scale.hpp"

using namespace hallmark;
using namespace hallmark::test;

namespace {

void check(const LaneRounder& rounder, const Lanes& in) {
  Lanes fast = in, slow = in;
  rounder.round(fast);
  rounder.round_ref(slow);
  for (std::size_t r = 0; r < in.u.size(); ++r) {
    CAPTURE(in.u[r]);
    CAPTURE(in.s[r]);
    REQUIRE(fast.code[r] == slow.code[r]);
    REQUIRE(fast.clipped[r] == slow.clipped[r]);
    REQUIRE(std::bit_cast<std::uint32_t>(fast.e[r]) == std::bit_cast<std::uint32_t>(slow.e[r]));
  }
}

constexpr const char* kGrids[] = {"gf16", "bf16", "fp16", "gf:2,1", "gf:4,3", "gf:3,12", "gf:8,1", "int2", "int4", "int8"};

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
      for (int repeat = 0; repeat < 2000; ++repeat) {
        Lanes lanes{};
        for (std::size_t r = 0; r < lanes.u.size(); ++r) {
          const float wild = std::bit_cast<float>(bits(generator));
          lanes.u[r] = repeat % 2 == 0 && std::isfinite(wild) ? wild : normal(generator) * static_cast<float>(grid.max_value() / 2);
          const float scale = std::bit_cast<float>(bits(generator) & 0x7FFFFFFFU);
          lanes.s[r] = repeat % 4 == 0 && std::isfinite(scale) && scale > 0 ? scale : std::exp2(normal(generator));
          lanes.w[r] = normal(generator);
        }
        check(rounder, lanes);
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
      for (int repeat = 0; repeat < 2000; ++repeat) {
        Lanes lanes{};
        for (std::size_t r = 0; r < lanes.u.size(); ++r) {
          const float s = repeat % 2 == 0 ? round_up_11(uniform(generator)) : uniform(generator);
          const Code code = static_cast<Code>(generator() % 65536);
          double g = grid.contains(code) ? grid.value(code) : 0.0, next = 0.0;
          const Code after = static_cast<Code>(code + 1);
          next = grid.contains(after) ? grid.value(after) : g;
          const auto middle = static_cast<float>(s * (g + next) / 2);  // exact for scales of 11 bits, where in range
          const float steps[] = {middle, std::nextafter(middle, 4e9F), std::nextafter(middle, -4e9F)};
          lanes.u[r] = steps[generator() % 3];
          lanes.s[r] = s;
          lanes.w[r] = lanes.u[r];
        }
        check(rounder, lanes);
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
          Lanes lanes{};
          lanes.u.fill(u);
          lanes.s.fill(s);
          check(rounder, lanes);
        }
    });
  }
}

TEST_CASE("codebooks round by their grid") {
  const Grid grid = *Grid::codebook("thirds", {-1.0F, -0.25F, 0.0F, 0.5F, 2.0F});
  const LaneRounder rounder(grid);
  Lanes lanes{};
  lanes.s.fill(2.0F);
  lanes.u.fill(0.6F);  // between 0 and 1: nearest is 1, code 3
  lanes.w.fill(0.6F);
  rounder.round(lanes);
  CHECK(lanes.code[0] == 3);
  CHECK(lanes.e[0] == 0.6F - 1.0F);
}
