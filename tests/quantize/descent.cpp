// Coordinate descent: the sweeps are the plain ones code for code, a row never ends worse, and where it ends no single
// code can be changed for the better.
#include "method/descent.hpp"

#include "layer.hpp"
#include "method/quantize.hpp"

namespace descent_test {

using namespace hallmark;
using namespace hallmark::test;

TEST_CASE("sweeps have the codes of the plain ones, for every thread count and SIMD target") {
  struct Case {
    Index rows, columns, group_size;
    const char* grid;
  };
  const Case cases[] = {{1, 1, 0, "int4s"},    {3, 2, 0, "int4"},      {48, 8, 0, "gf16"},    {49, 65, 16, "int4s"},
                        {100, 130, 0, "int3"}, {200, 24, 7, "int2s"},  {5, 150, 0, "gf:4,3"}, {60, 43, 9, "int4z"},
                        {55, 60, 16, "nf4"},   {52, 41, 0, "lloyd:4"}, {450, 20, 5, "int4"}};
  for (const Case& c : cases) {
    CAPTURE(c.rows);
    CAPTURE(c.columns);
    CAPTURE(c.grid);
    SmallLayer s = random_layer(c.rows, c.columns, c.grid, c.group_size);
    if (c.columns > 20) s.G.row(17).setZero(), s.G.col(17).setZero();
    const ScaledGram gram(s.G);
    CHECK(std::ssize(gram.columns()) == c.columns - (c.columns > 20));
    const Index sweeps = c.group_size == 0 ? 1 : 3;  // the scale of a whole row is fitted after each
    Matrix<Code> reference = s.rtn.codes;
    for (Index i = 0; i < c.rows; ++i)
      for (Index n = 0; n < sweeps; ++n) sweep_ref(s.W, s.grid, s.steps, gram, reference, i);
    const auto same = [&] {
      const Descended found = descend(s.W, s.grid, ScaleStorage::f32, gram, s.rtn.codes, s.steps, sweeps);
      Matrix<Code> expected = reference;
      for (Index i = 0; c.columns > 20 && i < c.rows; ++i)
        expected(i, 17) = s.grid.nearest(s.W(i, 17), found.steps.at(i, 17));
      CHECK(found.rounded.codes == expected);
      CHECK(found.sweeps <= sweeps);
      if (c.group_size != 0) CHECK(found.steps.scales == s.steps.scales);
    };
    for_each_target(same);
    for_each_thread_count(same);
  }
}

TEST_CASE("fitted scales have the same bits for every thread count and SIMD target") {
  const SmallLayer s = random_layer(101, 67, "int3");
  const ScaledGram gram(s.G);
  const Descended first = descend(s.W, s.grid, ScaleStorage::f16, gram, s.rtn.codes, s.steps, 6);
  CHECK(first.steps.scales != s.steps.scales);
  const auto same = [&] {
    const Descended again = descend(s.W, s.grid, ScaleStorage::f16, gram, s.rtn.codes, s.steps, 6);
    CHECK(again.rounded.codes == first.rounded.codes);
    CHECK(again.steps.scales == first.steps.scales);
    CHECK(again.rounded.clipped == first.rounded.clipped);
  };
  for_each_target(same);
  for_each_thread_count(same);
}

TEST_CASE("GPTQ's codes of loss 0.52 go to the best of all in one sweep") {
  Matrix<double> G(3, 3);
  G << 1, 0, -1, 0, 1, -1, -1, -1, 3;
  Matrix<float> W(1, 3);
  W << -0.4F, 0.4F, 0;
  SmallLayer s = make_layer(W, G, "int4s");
  s.steps.scales.setOnes();
  s.steps.group_size = 2;  // two groups: no scale is fitted
  s.steps.scales.setOnes(1, 2);
  Matrix<Code> codes(1, 3);
  codes << 0, 1, 0;
  const Descended found = descend(s.W, s.grid, ScaleStorage::f32, ScaledGram(s.G), codes, s.steps, 1);
  CHECK(found.rounded.codes == Matrix<Code>::Zero(1, 3));
}

TEST_CASE("the best scale of codes is (w G k) / (k G k), rounded to what files hold") {
  Matrix<double> G(3, 3);
  G << 2, 1, 0, 1, 2, 1, 0, 1, 2;
  Matrix<float> W(1, 3);
  W << 1, 2, -3;
  SmallLayer s = make_layer(W, G, "int2s");
  s.steps.scales.setConstant(1.5F);
  Matrix<Code> codes(1, 3);
  codes << 1, 1, static_cast<Code>(-1);
  const Descended found = descend(s.W, s.grid, ScaleStorage::f32, ScaledGram(s.G), codes, s.steps, 8);
  CHECK(found.rounded.codes == codes);
  CHECK(found.steps.scales(0, 0) == 1707 / 1024.0F);  // 10 / 6 to 11 bits
  CHECK(exact(s, codes, found.steps, 0) < exact(s, codes, s.steps, 0));
}

TEST_CASE("with the guard no row loses more than by GPTQ, nor than by rounding to nearest under the rule's steps") {
  for (const char* grid : {"int2", "int3s", "int4", "int4z", "lloyd:3", "gf16"})
    for (const Index group : {Index{0}, Index{16}}) {
      CAPTURE(grid);
      const SmallLayer s = random_layer(120, 40, grid, group);
      Options options{s.grid};
      options.group_size = group;
      const MatrixRef<float> W(s.W);
      const MatrixRef<double> G(s.G);
      const auto before = quantize({"w", W, &G}, options);
      options.method = "descent";
      const auto after = quantize({"w", W, &G}, options);
      REQUIRE(before);
      REQUIRE(after);
      Index better = 0;
      for (Index i = 0; i < s.W.rows(); ++i) {
        const mpq_class mine = exact(s, after->codes, after->steps, i);
        const mpq_class theirs = exact(s, before->codes, before->steps, i);
        CHECK(mine <= theirs);
        CHECK(mine <= exact(s, s.rtn.codes, s.steps, i));
        CHECK(after->loss_final[static_cast<std::size_t>(i)] <= after->loss_rtn[static_cast<std::size_t>(i)]);
        better += mine < theirs;
      }
      CHECK(better > 0);
    }
}

TEST_CASE("where a descent ends no single code can be changed for the better") {
  const SmallLayer s = random_layer(60, 24, "int3", 8);
  const ScaledGram gram(s.G);
  const Descended found = descend(s.W, s.grid, ScaleStorage::f32, gram, s.rtn.codes, s.steps, 100);
  CHECK(found.sweeps < 100);
  for (Index i = 0; i < s.W.rows(); ++i) {
    const mpq_class loss = exact(s, found.rounded.codes, found.steps, i);
    for (Index j = 0; j < s.W.cols(); ++j)
      for (const int c : {-4, -3, -2, -1, 0, 1, 2, 3}) {
        Matrix<Code> other = found.rounded.codes;
        other(i, j) = static_cast<Code>(c);
        CHECK(exact(s, other, found.steps, i) >= loss * mpq_class(1 - 1e-5));
      }
  }
}

}  // namespace descent_test
