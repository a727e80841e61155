// The blocked recurrence is the plain one, code for code: blocks, threads, SIMD targets, groups, orders, shapes.
#include "method/recurrence.hpp"

#include <numeric>

#include "../linalg/random.hpp"
#include "linalg/factor.hpp"
#include "linalg/gram.hpp"
#include "linalg/hessian.hpp"

namespace recurrence_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

struct Case {
  Index rows, columns, group_size;
  const char* grid;
};

struct Setup {
  Matrix<float> W, U32;
  Steps steps;
  Factor factor;
  std::vector<Index> order;
  Grid grid;
};

Setup make(const Case& c) {
  Setup s{normal_matrix<float>(c.rows, c.columns, 21), {}, {}, {}, {}, *Grid::parse(c.grid)};
  const Matrix<double> G = gram_ref(ar1_activations(c.columns + 5, c.columns, 0.8, 22));
  s.factor = *factor_udu(hessian(G, damping(G, 0.01)));
  s.U32 = s.factor.U.cast<float>();
  s.order.resize(static_cast<std::size_t>(c.columns));
  std::iota(s.order.begin(), s.order.end(), Index{0});
  std::shuffle(s.order.begin(), s.order.end(), std::mt19937(23));
  s.steps =
      *steps_for(s.grid, default_scale_rule(s.grid), ScaleStorage::f32, s.W.data(), c.rows, c.columns, c.group_size);
  return s;
}

Rounded empty(const Setup& s) {
  return {Matrix<Code>::Zero(s.W.rows(), s.W.cols()), std::vector<Index>(static_cast<std::size_t>(s.W.rows()), 0)};
}

}  // namespace

TEST_CASE("same codes for every block size, thread count and SIMD target") {
  const Case cases[] = {{1, 1, 0, "gf16"},     {3, 2, 0, "int4s"},     {48, 8, 0, "gf16"},    {49, 65, 16, "int4s"},
                        {100, 130, 0, "gf16"}, {200, 24, 7, "int2s"},  {5, 150, 0, "gf:4,3"}, {97, 127, 128, "int8s"},
                        {51, 70, 0, "int4"},   {49, 65, 16, "int4"},   {60, 43, 9, "int4z"},  {50, 30, 0, "int8z"},
                        {55, 60, 16, "nf4"},   {52, 41, 0, "lloyd:4"}, {49, 33, 8, "lloyd:4"}};
  for (const Case& c : cases) {
    CAPTURE(c.rows);
    CAPTURE(c.columns);
    CAPTURE(c.grid);
    const Setup s = make(c);
    const MatrixRef<float> W(s.W);
    const Target target{W, s.grid, s.steps, s.order};
    if (s.grid.spec().either_sign) CHECK((s.steps.scales.minCoeff() < 0 && s.steps.scales.maxCoeff() > 0));
    if (s.grid.spec().zero_points) CHECK(s.steps.zeros.minCoeff() < s.steps.zeros.maxCoeff());
    Rounded reference = empty(s);
    REQUIRE(!run_recurrence_ref(target, s.U32, reference));
    const UpperStrips<float> strips(s.factor.U);
    const auto same = [&](Index block_size) {
      CAPTURE(block_size);
      Rounded rounded = empty(s);
      REQUIRE(!run_recurrence(target, strips, block_size, rounded));
      CHECK(rounded.codes == reference.codes);
      CHECK(rounded.clipped == reference.clipped);
    };
    for_each_target([&] {
      for (const Index block_size : {1, 7, 8, 64, 128, 129, 1000}) same(block_size);
    });
    for_each_thread_count([&] { same(64); });
  }
}

TEST_CASE("the strips hold U, ones on the diagonal and zeros below") {
  const Setup s = make({1, 21, 0, "gf16"});
  const UpperStrips<float> strips(s.factor.U);
  REQUIRE(strips.count() == 3);
  for (Index j = 0; j < 24; ++j)
    for (Index k = 0; k < (j / kStrip + 1) * kStrip; ++k) {
      const float expected = j < 21 && k < 21 ? s.U32(k, j) : 0.0F;
      CHECK(strips.strip(j / kStrip)[k * kStrip + j % kStrip] == expected);
    }
}

TEST_CASE("columns outside the order keep their codes") {
  Setup s = make({4, 10, 0, "int4s"});
  s.order = {7, 1, 2};
  s.factor.U = s.factor.U.topLeftCorner(3, 3).eval();
  const MatrixRef<float> W(s.W);
  const Target target{W, s.grid, s.steps, s.order};
  Rounded rounded = empty(s);
  rounded.codes.setConstant(1234);
  REQUIRE(!run_recurrence(target, UpperStrips<float>(s.factor.U), 8, rounded));
  for (Index i = 0; i < 4; ++i)
    for (Index j = 0; j < 10; ++j) CHECK((rounded.codes(i, j) == 1234) == (j != 7 && j != 1 && j != 2));
}

TEST_CASE("an overflow is reported at the first row and its first column") {
  Setup s = make({60, 3, 0, "int4s"});
  s.factor.U << 1, 1e30, 0, 0, 1, 0, 0, 0, 1;
  s.U32 = s.factor.U.cast<float>();
  s.order = {0, 1, 2};
  s.W.setConstant(0.25F);
  s.W(50, 0) = 3e37F;  // e_0 U_01 is beyond binary32 there
  s.W(55, 0) = 3e37F;
  s.steps.scales.setConstant(1e-3F);
  const MatrixRef<float> W(s.W);
  const Target target{W, s.grid, s.steps, s.order};
  for_each_target([&] {
    Rounded rounded = empty(s), plain = empty(s);
    const auto fast = run_recurrence(target, UpperStrips<float>(s.factor.U), 8, rounded);
    const auto slow = run_recurrence_ref(target, s.U32, plain);
    REQUIRE(fast);
    REQUIRE(slow);
    CHECK(fast->row == 50);
    CHECK(fast->column == 1);
    CHECK(slow->row == 50);
    CHECK(slow->column == 1);
  });
}

}  // namespace recurrence_test
