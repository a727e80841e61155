// Greedy descent: the changes are those of exact arithmetic, the loss falls with every one, and what is left at the end
// is what the certificate of one change says.
#include "method/greedy.hpp"

#include "certify/one_opt.hpp"
#include "layer.hpp"
#include "method/gradient.hpp"
#include "method/quantize.hpp"

namespace greedy_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

std::vector<Code> codes_of(const Grid& grid) {
  std::vector<Code> codes;
  for (std::uint32_t code = 0; code <= 0xFFFF; ++code)
    if (grid.contains(static_cast<Code>(code))) codes.push_back(static_cast<Code>(code));
  return codes;
}

// The change of one code that lowers the exact loss of row i most, the first column of equals; whether there is one.
bool best_change(const SmallLayer& s, const Steps& steps, Index i, Matrix<Code>& codes) {
  const mpq_class before = exact(s, codes, steps, i);
  mpq_class least = before;
  Matrix<Code> best = codes;
  for (Index j = 0; j < s.W.cols(); ++j)
    for (const Code code : codes_of(s.grid)) {
      Matrix<Code> other = codes;
      other(i, j) = code;
      if (const mpq_class loss = exact(s, other, steps, i); loss < least) least = loss, best = other;
    }
  const bool changed = least < before;
  codes = best;
  return changed;
}

Descended descended_greedily(const SmallLayer& s, Index rounds, bool fit) {
  return descend_greedily(s.W, s.grid, ScaleStorage::f32, s.G, s.rtn.codes, s.steps, rounds, fit);
}

}  // namespace

TEST_CASE("the changes are those of exact arithmetic, and the certificate says where they end") {
  for (const char* grid : {"int3", "int2z", "lloyd:2", "gf:2,1"}) {
    CAPTURE(grid);
    SmallLayer s = random_layer(12, 9, grid, 4);
    s.G.row(5).setZero(), s.G.col(5).setZero();
    const Descended found = descended_greedily(s, 1, false);
    Options options{s.grid};
    options.group_size = 4;
    const auto before = one_opt(s.W, s.G, options, s.steps, s.rtn.codes),
               after = one_opt(s.W, s.G, options, s.steps, found.rounded.codes);
    Index open = 0;
    Matrix<Code> codes = s.rtn.codes;
    for (Index i = 0; i < s.W.rows(); ++i) {
      Index changes = 0;
      while (best_change(s, s.steps, i, codes)) ++changes;
      CHECK(before[static_cast<std::size_t>(i)] == (changes == 0));
      CHECK(after[static_cast<std::size_t>(i)] == true);
      open += changes > 0;
    }
    for (Index k = 0; k < codes.size(); ++k)  // the zeros of gf:2,1 are two codes and one number
      CHECK(s.grid.value(found.rounded.codes.data()[k]) == s.grid.value(codes.data()[k]));
    CHECK(open > 0);
  }
}

TEST_CASE("GPTQ's codes of loss 0.52 go to the best of all in one change, which no change betters") {
  Matrix<double> G(3, 3);
  G << 1, 0, -1, 0, 1, -1, -1, -1, 3;
  Matrix<float> W(1, 3);
  W << -0.4F, 0.4F, 0;
  SmallLayer s = make_layer(W, G, "int4s");
  s.steps.scales.setOnes();
  s.rtn.codes << 0, 1, 0;
  const Options options{s.grid};
  CHECK(one_opt(s.W, s.G, options, s.steps, s.rtn.codes).front() == false);
  const Descended found = descended_greedily(s, 1, false);
  CHECK(found.rounded.codes == Matrix<Code>::Zero(1, 3));
  CHECK(one_opt(s.W, s.G, options, s.steps, found.rounded.codes).front() == true);
}

TEST_CASE("equal losses are decided exactly: a change that lowers nothing is none") {
  Matrix<double> G(2, 2);
  G << 1, 0, 0, 1;
  Matrix<float> W(1, 2);
  W << 0.5F, 0.25F;  // 0 and 1 are as near
  SmallLayer s = make_layer(W, G, "int3s");
  s.steps.scales.setOnes();
  const Options options{s.grid};
  for (const Code code : {Code{0}, Code{1}}) {
    Matrix<Code> codes(1, 2);
    codes << code, 0;
    CHECK(one_opt(s.W, s.G, options, s.steps, codes).front() == true);
    // Half a unit in the last place of the weight tells.
    Matrix<float> near = W;
    near(0, 0) = std::nextafter(0.5F, code == 0 ? 1.0F : 0.0F);
    CHECK(one_opt(near, s.G, options, s.steps, codes).front() == false);
  }
}

TEST_CASE("a change that binary64 does not hold is judged exactly") {
  // Codes -2^-60 or 2^-60 beside the point 1: in column 1 the loss falls where 2 (e G)_1 is above 1 + 2^-60 or above
  // 1 - 2^-60; the rounded change, 1, would say above 1.
  Matrix<double> G(2, 2);
  G << 1, 0.5, 0.5, 1;
  for (const float sign : {-1.0F, 1.0F}) {
    CAPTURE(sign);
    SmallLayer s{{}, G, *Grid::table("mine", {sign * 0x1p-60F, 1}), {}, {}};
    s.W.resize(1, 2);
    s.W << sign * 5 * 0x1p-61F, 0.5F;  // e_1 + e_0 / 2 = 1/2 - sign 2^-62
    s.steps.scales.resize(1, 1);
    s.steps.scales.setOnes();
    Matrix<Code> codes = Matrix<Code>::Zero(1, 2), other = codes;
    other(0, 1) = 1;
    const bool falls = exact(s, other, s.steps, 0) < exact(s, codes, s.steps, 0);
    CHECK(falls == (sign > 0));
    CHECK(one_opt(s.W, s.G, Options{s.grid}, s.steps, codes).front() == !falls);
  }
}

TEST_CASE("rotated and corrected rows and asymmetric targets have no such certificate") {
  const SmallLayer s = random_layer(2, 16, "int4");
  Steps steps = s.steps;
  steps.rotation.signs.assign(16, 1.0F);
  steps.rotation.rows = {1, 0};
  Options options{s.grid};
  const auto rows = one_opt(s.W, s.G, options, steps, s.rtn.codes);
  CHECK_FALSE(rows[0]);
  CHECK(rows[1]);
  Steps corrected = s.steps;
  corrected.low_rank = {Matrix<float>::Identity(2, 1), Matrix<float>::Ones(1, 16)};
  const auto beside = one_opt(s.W, s.G, options, corrected, s.rtn.codes);
  CHECK_FALSE(beside[0]);
  CHECK(beside[1]);
  options.target = asymmetric_target;
  CHECK_FALSE(one_opt(s.W, s.G, options, s.steps, s.rtn.codes)[1]);
}

TEST_CASE("what a change does to the loss lies within its error") {
  for (const double scale : {1.0, 0x1p-300, 0x1p200}) {
    SmallLayer s = random_layer(3, 60, "int4");
    s.G *= scale;
    const Gradients of(s.G);
    for (Index i = 0; i < 3; ++i) {
      Matrix<Code> codes = s.rtn.codes;
      std::vector<double> e;
      for (Index j = 0; j < 60; ++j)
        e.push_back(static_cast<double>(s.W(i, j)) - s.steps.at(i, j).scale * s.grid.value(codes(i, j)));
      Gradient gradient(of, e.data());
      for (Index j = 0; j < 60; ++j) {
        const mpq_class before = exact(s, codes, s.steps, i);
        const Code to = codes(i, j) == 0 ? Code{1} : Code{0};
        const double delta = s.steps.at(i, j).scale * (s.grid.value(codes(i, j)) - s.grid.value(to));
        const Change change = change_of_loss(of, gradient, j, delta);
        codes(i, j) = to;
        gradient.change(j, delta);
        const mpq_class error = exact(s, codes, s.steps, i) - before - mpq_class(change.value);
        CHECK(abs(error) <= mpq_class(change.error));
        CHECK(change.error < 1e-9 * std::fabs(change.value) + 1e-9 * scale);
      }
    }
  }
}

TEST_CASE("the method: no row worse than GPTQ's or round-to-nearest's, the same bytes however it runs") {
  for (const char* grid : {"int2", "int4s", "int4z", "nf4", "gf16"}) {
    CAPTURE(grid);
    const SmallLayer s = random_layer(70, 40, grid);
    Options options{s.grid};
    const MatrixRef<float> W(s.W);
    const MatrixRef<double> G(s.G);
    const auto gptq = quantize({"w", W, &G}, options);
    options.method = "greedy";
    const auto first = quantize({"w", W, &G}, options);
    REQUIRE((gptq && first));
    Index better = 0;
    for (Index i = 0; i < s.W.rows(); ++i) {
      const mpq_class mine = exact(s, first->codes, first->steps, i), theirs = exact(s, gptq->codes, gptq->steps, i);
      CHECK(mine <= theirs);
      CHECK(mine <= exact(s, s.rtn.codes, s.steps, i));
      better += mine < theirs;
    }
    CHECK(better > 0);
    const auto same = [&] {
      const auto again = quantize({"w", W, &G}, options);
      REQUIRE(again);
      CHECK(again->codes == first->codes);
      CHECK(again->steps.scales == first->steps.scales);
      CHECK(again->clipped == first->clipped);
    };
    for_each_target(same);
    for_each_thread_count(same);
  }
}

}  // namespace greedy_test
