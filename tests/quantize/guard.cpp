// The guard and its enclosures: rigorous, and decided exactly where they overlap.
#include "method/guard.hpp"

#include <gmpxx.h>

#include <cmath>
#include <numeric>

#include "layer.hpp"
#include "linalg/gram.hpp"
#include "linalg/hessian.hpp"
#include "method/factored.hpp"
#include "method/quantize.hpp"
#include "method/rtn.hpp"
#include "method/selection.hpp"

namespace guard_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

struct Setup {
  Matrix<float> W;
  Steps steps;
  Matrix<double> G;
  Grid grid;
  std::vector<Index> order;
  Factor factor;
  LossModel model;
};

Setup make(Matrix<float> W, Matrix<double> G, double fraction, const char* grid, Index group_size = 0) {
  Setup s{std::move(W), {}, std::move(G), *Grid::parse(grid), {}, {}, {}};
  s.steps =
      *steps_for(s.grid, default_scale_rule(s.grid), ScaleStorage::f32, s.W.data(), s.W.rows(), s.W.cols(), group_size);
  const double lambda = damping(s.G, fraction);
  s.order = processing_order(s.G, lambda, false);
  const Matrix<double> H = hessian(s.G, lambda);
  s.factor = *factor_udu(H);
  s.model = loss_model(s.factor, H.diagonal(), 2 * s.G.diagonal());
  return s;
}

mpq_class exact(const Setup& s, const Matrix<Code>& codes, Index i) { return test::exact(s, codes, s.steps, i); }

std::vector<Index> all_rows(const Setup& s) {
  std::vector<Index> rows(static_cast<std::size_t>(s.W.rows()));
  std::iota(rows.begin(), rows.end(), Index{0});
  return rows;
}

}  // namespace

TEST_CASE("the enclosure holds the exact loss and is narrow, for any codes") {
  struct Case {
    Index rows, columns, tokens, group;
    double damping;
    const char* grid;
  };
  const Case cases[] = {
      {3, 1, 4, 0, 0.01, "gf16"},      {30, 40, 100, 0, 0.01, "gf16"},  {25, 33, 10, 0, 0.01, "int4s"},
      {24, 64, 64, 16, 1e-6, "int8s"}, {7, 50, 200, 0, 1.0, "gf16"},    {5, 12, 40, 0, 0.0, "int4s"},
      {20, 33, 50, 0, 0.01, "int4"},   {9, 40, 60, 16, 0.01, "int4"},   {9, 40, 60, 16, 0.01, "int4z"},
      {9, 33, 60, 0, 0.01, "lloyd:4"}, {9, 40, 60, 7, 0.01, "lloyd:4"}, {9, 33, 60, 8, 0.01, "nf4"}};
  for (const Case& c : cases) {
    CAPTURE(c.columns);
    CAPTURE(c.damping);
    const Setup s = make(normal_matrix<float>(c.rows, c.columns, 31),
                         gram_ref(ar1_activations(c.tokens, c.columns, 0.9, 32)), c.damping, c.grid, c.group);
    const MatrixRef<float> W(s.W);
    const Target target{W, s.grid, s.steps, s.order};
    const Rounded rtn = round_to_nearest(s.W, s.grid, s.steps);
    const auto losses = enclose_losses(s.model, target, rtn.codes, all_rows(s));
    for (Index i = 0; i < c.rows; ++i) {
      const Loss& loss = losses[static_cast<std::size_t>(i)];
      const mpq_class truth = exact(s, rtn.codes, i);
      CHECK(mpq_class(loss.lo) <= truth);
      CHECK(truth <= mpq_class(loss.hi));
      CHECK(loss.hi - loss.lo < 1e-7 * loss.value);
    }
  }
}

TEST_CASE("enclosures have the same bits for every target and thread count") {
  const Setup s = make(normal_matrix<float>(70, 90, 33), gram_ref(ar1_activations(120, 90, 0.5, 34)), 0.01, "gf16");
  const MatrixRef<float> W(s.W);
  const Target target{W, s.grid, s.steps, s.order};
  const Rounded rtn = round_to_nearest(s.W, s.grid, s.steps);
  const auto reference = enclose_losses(s.model, target, rtn.codes, all_rows(s));
  const auto same = [&] {
    const auto losses = enclose_losses(s.model, target, rtn.codes, all_rows(s));
    for (std::size_t i = 0; i < losses.size(); ++i) {
      CHECK(losses[i].lo == reference[i].lo);
      CHECK(losses[i].hi == reference[i].hi);
    }
  };
  for_each_target(same);
  for_each_thread_count(same);
}

TEST_CASE("out of the proved range the enclosure is everything, and the guard still decides") {
  Matrix<double> G = gram_ref(normal_matrix<float>(40, 6, 35));
  for (Index j = 0; j < 6; ++j)  // diagonals from 1 to 2^-100: beyond the factor 2^64 of T15
    for (Index i = 0; i < 6; ++i) G(i, j) = std::ldexp(G(i, j), static_cast<int>(-10 * (i + j)));
  const Setup s = make(normal_matrix<float>(20, 6, 36), G, 0.0, "int4s");
  CHECK(!s.model.in_range);
  const MatrixRef<float> W(s.W);
  const Target target{W, s.grid, s.steps, s.order};
  const Rounded rtn = round_to_nearest(s.W, s.grid, s.steps);
  Matrix<Code> other = rtn.codes;
  for (Index i = 0; i < 20; ++i) other(i, i % 6) = static_cast<Code>(other(i, i % 6) == 0 ? 1 : 0);
  const Contest guarded = *contest(s.model, s.G, {target, other}, {target, rtn.codes});
  CHECK(guarded.exact_rows == 20);
  for (Index i = 0; i < 20; ++i) {
    const mpq_class a = exact(s, other, i), b = exact(s, rtn.codes, i);
    CHECK(guarded.second_wins[static_cast<std::size_t>(i)] == (a > b));
  }
}

TEST_CASE("ties and equal codes keep GPTQ; a loss that differs in the last bit is decided exactly") {
  // Columns 0 and 1 play the same part: exchanging their errors changes no loss, so the codes tie exactly.
  Matrix<double> G(3, 3);
  G << 4, 1, 1, 1, 4, 1, 1, 1, 2;
  Matrix<float> row(2, 3);
  row << 0.5F, 0.5F, 0.25F, 0.5F, 0.5F, 0.25F;
  Setup s = make(row, G, 0.01, "int4s");
  s.steps.scales.setOnes();
  const MatrixRef<float> W(s.W);
  const Target target{W, s.grid, s.steps, s.order};
  Matrix<Code> a(2, 3), b(2, 3);
  a << 1, 0, 0, 0, 0, 0;
  b << 0, 1, 0, 0, 0, 0;
  const Contest tie = *contest(s.model, G, {target, a}, {target, b});
  CHECK(tie.exact_rows == 1);  // row 1 has equal codes: no arithmetic at all
  CHECK(tie.second_wins == std::vector<std::uint8_t>{0, 0});
  CHECK(tie.first[0].lo == tie.second[0].hi);

  G(0, 0) = std::nextafter(4.0, 5.0);  // now e_0 = -1/2 and e_0 = 1/2 differ in nothing, but the cross terms do
  G(0, 2) = G(2, 0) = std::nextafter(1.0, 2.0);
  const Matrix<double> H = hessian(G, damping(G, 0.01));
  s.model = loss_model(*factor_udu(H), H.diagonal(), 2 * G.diagonal());
  const Contest close = *contest(s.model, G, {target, a}, {target, b});
  const Contest swapped = *contest(s.model, G, {target, b}, {target, a});
  CHECK(close.exact_rows == 1);
  CHECK(close.second_wins[0] == 0);  // -2 G_02/8 + 2 G_12/8 < 0: the first codes lose less
  CHECK(swapped.second_wins[0] == 1);
}

TEST_CASE("of several proposals a row has the first of least exact loss, whatever enclosures cannot tell apart") {
  Matrix<double> G(3, 3);
  G << 4, 1, 1, 1, 4, 1, 1, 1, 2;
  Matrix<float> row(1, 3);
  row << 0.5F, 0.5F, 0.25F;
  Matrix<Code> worse(1, 3), a(1, 3), b(1, 3);
  worse << 3, 0, 0;
  a << 1, 0, 0;
  b << 0, 1, 0;
  const auto chosen = [&](const std::vector<Matrix<Code>>& of) {
    Setup s = make(row, G, 0.01, "int4s");
    s.steps.scales.setOnes();
    const MatrixRef<float> W(s.W);
    const Target target{W, s.grid, s.steps, s.order};
    const UpperStrips<float> U(s.factor.U);
    const FirstStage stage{U, [&]() -> const LossModel& { return s.model; }};
    std::vector<Proposal> proposals;
    for (const Matrix<Code>& codes : of) proposals.push_back({{codes, {0}}});
    Backend cpu;
    return select(s.model, s.G, target, std::move(proposals), stage, cpu)->rounded.codes;
  };
  CHECK(chosen({worse, a, b}) == a);  // a and b tie
  CHECK(chosen({worse, b, a}) == b);
  CHECK(chosen({b, worse, b, a}) == b);
  CHECK(chosen({worse, worse}) == worse);
  G(0, 0) = std::nextafter(4.0, 5.0);
  G(0, 2) = G(2, 0) = std::nextafter(1.0, 2.0);  // now a loses less, in the last bit
  CHECK(chosen({worse, b, a}) == a);
  CHECK(chosen({b, a, b, worse}) == a);
}

TEST_CASE("T5 on GF16: GPTQ loses with 51/2^22 against 19/2^22 and the guard repairs it") {
  Matrix<float> X(3, 3), W(1, 3);
  X << 1, 0, 0, 2, 1, 0, 0, 1, 4;  // tokens x columns
  W << 3073 / 2048.0F, 3073 / 2048.0F, 3071 / 2048.0F;
  const Matrix<double> G = gram_ref(X);
  Options options{*Grid::parse("gf16")};
  options.scale_rule = "unit";
  options.damp_fraction = 0;
  const auto guarded = quantize_gptq(W, G, options);
  REQUIRE(guarded);
  CHECK(std::fabs(guarded->loss_proposal[0] - std::ldexp(51.0, -22)) < 1e-18);
  CHECK(std::fabs(guarded->loss_rtn[0] - std::ldexp(19.0, -22)) < 1e-18);
  CHECK(guarded->enclosed_proposal[0].lo > guarded->enclosed_rtn[0].hi);
  CHECK(guarded->guard_rows == 1);
  CHECK(guarded->kept_rtn[0] == 1);
  CHECK(guarded->codes == quantize_rtn(W, options)->codes);

  options.guard = false;
  const auto unguarded = quantize_gptq(W, G, options);
  REQUIRE(unguarded);
  const Matrix<float> points = dequantize(unguarded->codes, unguarded->steps, options.grid);
  CHECK(points(0, 0) == 1.5F);
  CHECK(points(0, 1) == 769 / 512.0F);
  CHECK(points(0, 2) == 1.5F);
}

TEST_CASE("guarded: at most RTN's loss in every row and strictly less in sum, on random PSD matrices") {
  for (const std::uint32_t seed : {41U, 42U, 43U, 44U})
    for (const char* grid : {"gf16", "int4s", "int4", "int4z", "lloyd:4"}) {
      CAPTURE(seed);
      CAPTURE(grid);
      const Setup s =
          make(normal_matrix<float>(200, 24, seed), gram_ref(ar1_activations(48, 24, 0.6, seed + 100)), 0.01, grid);
      Options options{s.grid};
      options.scale_rule = default_scale_rule(s.grid);
      const auto result = quantize_gptq(s.W, s.G, options);
      const auto rtn = quantize_rtn(s.W, options);
      REQUIRE(result);
      REQUIRE(rtn);
      mpq_class sum_final(0), sum_rtn(0);
      Index worse = 0;
      for (Index i = 0; i < s.W.rows(); ++i) {
        const mpq_class mine = exact(s, result->codes, i), theirs = exact(s, rtn->codes, i);
        CHECK(mine <= theirs);
        sum_final += mine;
        sum_rtn += theirs;
        const auto k = static_cast<std::size_t>(i);
        CHECK(result->loss_final[k] <= result->loss_rtn[k]);
        worse += result->loss_proposal[k] > result->loss_rtn[k];
        CHECK(mpq_class(result->enclosed_rtn[k].lo) <= theirs);
        CHECK(theirs <= mpq_class(result->enclosed_rtn[k].hi));
      }
      CHECK(sum_final < sum_rtn);
      CHECK(worse == result->guard_rows);
    }
}

TEST_CASE("groups and act-order: losses enclosed, and no row loses more than round-to-nearest") {
  for (const char* grid : {"int4", "int4z", "lloyd:4", "nf4"}) {
    CAPTURE(grid);
    const Matrix<float> W = normal_matrix<float>(60, 30, 45);
    const Matrix<double> G = gram_ref(ar1_activations(50, 30, 0.7, 46));
    Options options{*Grid::parse(grid)};
    options.group_size = 8;
    options.desc_act = true;
    const auto result = quantize_gptq(W, G, options), rtn = quantize_rtn(W, options);
    REQUIRE(result);
    REQUIRE(rtn);
    CHECK(result->codes != rtn->codes);
    const Setup s{W, result->steps, G, options.grid, {}, {}, {}};
    for (Index i = 0; i < W.rows(); ++i) {
      const auto k = static_cast<std::size_t>(i);
      const mpq_class mine = exact(s, result->codes, i), theirs = exact(s, rtn->codes, i);
      CHECK(mine <= theirs);
      const Loss& kept = result->kept_rtn[k] != 0 ? result->enclosed_rtn[k] : result->enclosed_proposal[k];
      CHECK(mpq_class(kept.lo) <= mine);
      CHECK(mine <= mpq_class(kept.hi));
      CHECK(mpq_class(result->enclosed_rtn[k].lo) <= theirs);
      CHECK(theirs <= mpq_class(result->enclosed_rtn[k].hi));
    }
  }
}

TEST_CASE("clipped codes are those of the codes that were kept, row by row") {
  const Matrix<float> W = normal_matrix<float>(200, 6, 11);
  const Matrix<double> G = gram_ref(ar1_activations(400, 6, 0.5, 12));
  Options options{.grid = *Grid::parse("int4s")};
  options.scale_rule = given_scales;
  Index differ = 0;
  for (Index i = 0; i < W.rows(); ++i) {
    const Matrix<float> row = W.row(i);
    const Steps steps{Matrix<float>::Constant(1, 1, 0.25F), {}, 0};
    const auto run = [&](bool guard) {
      options.guard = guard;
      return *quantize_gptq(row, G, options, steps, "w");
    };
    const Quantized guarded = run(true), free = run(false);
    const Index nearest = round_to_nearest(row, options.grid, steps).clipped[0];
    const bool kept = guarded.guard_rows == 1;
    CHECK(guarded.clipped == (kept ? nearest : free.clipped));
    differ += kept && nearest != free.clipped;
  }
  CHECK(differ > 0);
}

}  // namespace guard_test
