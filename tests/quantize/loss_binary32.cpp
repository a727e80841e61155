// The first stage of the losses: enclosures from binary32 products hold the exact loss, and decide most rows.
#include <gmpxx.h>

#include <cmath>
#include <numeric>

#include "layer.hpp"
#include "linalg/gram.hpp"
#include "linalg/hessian.hpp"
#include "method/factored.hpp"
#include "method/quantize.hpp"
#include "method/rtn.hpp"
#include "method/guard.hpp"

namespace loss_binary32_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

struct Setup {
  Matrix<float> W;
  Steps steps;
  Matrix<double> G;
  Grid grid;
  std::vector<Index> order;
  UpperStrips<float> U;
  LossModel model;
  Rounded rtn, gptq;
  std::vector<LossSums> sums;
};

Setup make(Matrix<float> W, Matrix<double> G, double fraction, const char* grid, Index group_size = 0,
           float given_scale = 0) {
  Setup s{std::move(W), {}, std::move(G), *Grid::parse(grid), {}, {}, {}, {}, {}, {}};
  if (given_scale == 0)
    s.steps = *steps_for(s.grid, default_scale_rule(s.grid), ScaleStorage::f32, s.W.data(), s.W.rows(), s.W.cols(),
                         group_size);
  else s.steps.scales.setConstant(s.W.rows(), 1, given_scale);
  const double lambda = damping(s.G, fraction);
  s.order = processing_order(s.G, lambda, false);
  const Matrix<double> H = hessian(s.G, lambda);
  const Factor factor = *factor_udu(H);
  s.model = loss_model(factor, H.diagonal(), 2 * s.G.diagonal());
  s.U = UpperStrips<float>(factor.U);
  const MatrixRef<float> W_ref(s.W);
  const Target target{W_ref, s.grid, s.steps, s.order};
  s.rtn = round_to_nearest(s.W, s.grid, s.steps);
  s.gptq = s.rtn;
  const RowSums row_sums{s.model, s.sums};
  REQUIRE(!run_recurrence(target, s.U, 128, s.gptq, nullptr, &row_sums));
  return s;
}

mpq_class exact(const Setup& s, const Matrix<Code>& codes, Index i) { return test::exact(s, codes, s.steps, i); }

std::vector<Loss> enclose(const Setup& s, const Matrix<Code>& codes) {
  std::vector<Index> rows(static_cast<std::size_t>(s.W.rows()));
  std::iota(rows.begin(), rows.end(), Index{0});
  const MatrixRef<float> W(s.W);
  return enclose_losses_binary32(s.model, s.U, {W, s.grid, s.steps, s.order}, codes, rows);
}

bool same(const Loss& a, const Loss& b) { return a.value == b.value && a.lo == b.lo && a.hi == b.hi; }

}  // namespace

TEST_CASE("the enclosure holds the exact loss and is narrow, for GPTQ's codes and for others") {
  struct Case {
    Index rows, columns, tokens, group;
    double damping;
    const char* grid;
  };
  const Case cases[] = {
      {3, 1, 4, 0, 0.01, "gf16"},      {60, 40, 100, 0, 0.01, "gf16"},  {25, 33, 10, 0, 0.01, "int4s"},
      {24, 64, 64, 16, 1e-6, "int8s"}, {7, 50, 200, 0, 1.0, "gf16"},    {5, 12, 40, 0, 0.0, "int4s"},
      {20, 33, 50, 0, 0.01, "int4"},   {9, 40, 60, 16, 0.01, "int4"},   {9, 40, 60, 16, 0.01, "int4z"},
      {9, 33, 60, 0, 0.01, "lloyd:4"}, {9, 40, 60, 7, 0.01, "lloyd:4"}, {9, 33, 60, 8, 0.01, "nf4"}};
  for (const Case& c : cases) {
    CAPTURE(c.columns);
    CAPTURE(c.damping);
    const Setup s = make(normal_matrix<float>(c.rows, c.columns, 31),
                         gram_ref(ar1_activations(c.tokens, c.columns, 0.9, 32)), c.damping, c.grid, c.group);
    const auto rtn = enclose(s, s.rtn.codes), gptq = enclose(s, s.gptq.codes);
    for (Index i = 0; i < c.rows; ++i) {
      const auto k = static_cast<std::size_t>(i);
      CHECK(same(gptq[k], enclose_binary32(s.model, s.sums[k])));  // the recurrence's sums are those of its codes
      const std::pair<Loss, mpq_class> both[] = {{rtn[k], exact(s, s.rtn.codes, i)},
                                                 {gptq[k], exact(s, s.gptq.codes, i)}};
      for (const auto& [loss, truth] : both) {
        CHECK(mpq_class(loss.lo) <= truth);
        CHECK(truth <= mpq_class(loss.hi));
        CHECK(loss.hi - loss.lo < 0.01 * loss.value);
        CHECK((c.columns == 1 || std::fabs(loss.value - truth.get_d()) > 0.0));  // or the bounds would be idle
      }
    }
  }
}

TEST_CASE(
    "sums and enclosures have the same bits for every target and thread count; the sums are those of the plain twin") {
  const auto setup = [] {
    return make(normal_matrix<float>(70, 90, 33), gram_ref(ar1_activations(120, 90, 0.5, 34)), 0.01, "gf16");
  };
  const Setup reference = setup();
  const auto losses = enclose(reference, reference.rtn.codes);
  const auto check = [&] {
    const Setup s = setup();
    const auto again = enclose(s, s.rtn.codes);
    for (std::size_t i = 0; i < losses.size(); ++i) {
      CHECK(same(again[i], losses[i]));
      CHECK(same(enclose_binary32(s.model, s.sums[i]), enclose_binary32(reference.model, reference.sums[i])));
    }
  };
  for_each_target(check);
  for_each_thread_count(check);

  const Matrix<float> e = normal_matrix<float>(kStrip, kLanes<float>, 35),
                      t = normal_matrix<float>(kStrip, kLanes<float>, 36);
  for_each_target([&] {
    LossLanes fast, slow;
    fast.add(reference.model, 3, 5, e.data(), t.data());
    fast.add(reference.model, 8, 8, e.data(), t.data());
    slow.add_ref(reference.model, 3, 5, e.data(), t.data());
    slow.add_ref(reference.model, 8, 8, e.data(), t.data());
    for (Index r = 0; r < kLanes<float>; ++r) {
      CHECK(fast.row(r).squares == slow.row(r).squares);
      CHECK(fast.row(r).size == slow.row(r).size);
      CHECK(fast.row(r).excess == slow.row(r).excess);
      CHECK(fast.row(r).squares > 0);
    }
  });
}

TEST_CASE("what binary32 cannot hold is left open: tiny errors, a factor beyond its range, a row without error") {
  // Weights near binary32's smallest and scaled points that it does not hold: the errors lose bits, and the enclosure
  // says so.
  Matrix<float> W = 0x1p-140F * normal_matrix<float>(20, 12, 37);
  W.row(3).setZero();
  const Setup s = make(W, gram_ref(ar1_activations(30, 12, 0.9, 38)), 0.01, "gf16", 0, 0x1.3579BDp-130F);
  const auto losses = enclose(s, s.rtn.codes);
  for (Index i = 0; i < W.rows(); ++i) {
    const Loss& loss = losses[static_cast<std::size_t>(i)];
    const mpq_class truth = exact(s, s.rtn.codes, i);
    if (std::isfinite(loss.hi)) {
      CHECK(mpq_class(loss.lo) <= truth);
      CHECK(truth <= mpq_class(loss.hi));
    }
  }
  CHECK(!std::isfinite(losses[3].hi));
  LossModel model = s.model;
  model.in_range = false;
  CHECK(!std::isfinite(enclose_binary32(model, {1, 1, 0}).hi));
  CHECK(std::isfinite(enclose_binary32(s.model, {1, 1, 0}).hi));
  CHECK(!std::isfinite(enclose_binary32(s.model, {INFINITY, 1, 0}).hi));
  CHECK(!std::isfinite(enclose_binary32(s.model, {NAN, 1, 0}).hi));
}

TEST_CASE("the guard decides alike with and without the first stage, and the first stage decides rows by itself") {
  for (const char* grid : {"gf16", "int4s", "int4", "int4z", "lloyd:4"}) {
    CAPTURE(grid);
    const Setup s = make(normal_matrix<float>(150, 24, 39), gram_ref(ar1_activations(48, 24, 0.6, 40)), 0.01, grid);
    const MatrixRef<float> W(s.W);
    const Target target{W, s.grid, s.steps, s.order};
    const FirstStage first{s.U, [&]() -> const LossModel& { return s.model; }};
    const Contestant gptq{target, s.gptq.codes, s.sums}, rtn{target, s.rtn.codes};
    const Contest with = *contest(s.model, s.G, gptq, rtn, &first);
    const Contest without = *contest(s.model, s.G, gptq, rtn);
    CHECK(with.second_wins == without.second_wins);
    CHECK(std::accumulate(with.second_wins.begin(), with.second_wins.end(), 0) > 0);
    std::size_t wide = 0;
    for (std::size_t i = 0; i < with.first.size(); ++i) {
      wide += with.first[i].hi - with.first[i].lo > 1e-7 * with.first[i].value;
      CHECK(with.first[i].lo <= without.first[i].hi);
      CHECK(without.first[i].lo <= with.first[i].hi);
    }
    CHECK(wide > 140);
  }
}

}  // namespace loss_binary32_test
