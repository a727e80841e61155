// The run-time contracts hold on what the quantizers make, and each kind of corruption is caught by name.
#include "certify/contracts.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "../linalg/random.hpp"
#include "certify/judge.hpp"
#include "contracts/generated/row_contracts.hpp"
#include "linalg/gram.hpp"
#include "method/quantize.hpp"

namespace contracts_test {

using namespace hallmark;
using namespace hallmark::test;
using contracts::Policy;
using contracts::Report;

namespace {

/// A copy of what was shown, to be spoiled.
struct Shown {
  Compensated u;
  Quantized result;
  Matrix<Code> rtn;
  LossModel model;
  Matrix<double> U, G;
  std::optional<Options> options;
};

using Spoil = std::function<void(Shown&)>;

class Probe : public ContractChecker {
 public:
  Probe(Spoil spoil, Policy policy) : ContractChecker(Policy::on), spoil_(std::move(spoil)), policy_(policy) {}
  void rows(const RecurrenceRows& rows) override {
    const Index n = rows.U.columns();
#pragma omp critical(probe)
    if (shown_.u.rows() == 0) shown_.u.resize(rows.target.W.rows(), n);
    shown_.u.keep(rows);
  }
  void tensor(const Evidence& evidence) override {
    shown_.result = evidence.result;
    shown_.rtn = evidence.rtn;
    shown_.options = evidence.options;
    if (evidence.G) shown_.G = *evidence.G, shown_.model = *evidence.model, shown_.U = *evidence.U;
    if (spoil_) spoil_(shown_);
    const MatrixRef<double> G = shown_.G;
    check_contracts({evidence.name, evidence.W, *shown_.options, shown_.result, shown_.rtn, evidence.order,
                     evidence.G ? &G : nullptr, evidence.G ? &shown_.model : nullptr, evidence.G ? &shown_.U : nullptr,
                     nullptr, evidence.roundings},
                    shown_.u, GridPoints(evidence.options.grid), policy_, judged);
  }
  Report judged;

 private:
  Spoil spoil_;
  Policy policy_;
  Shown shown_;
};

struct Tensor {
  Matrix<float> W;
  Matrix<double> G;
  Options options;
  Index roundings = 64;
};

Tensor tensor(const std::string& grid, Index rows = 13, Index cols = 37) {
  Tensor t{
      normal_matrix<float>(rows, cols, 5), gram_ref(ar1_activations(64, cols, 0.9, 6)), {.grid = *Grid::parse(grid)}};
  if (t.options.grid.is_golden()) t.options.scale_rule = "matrix-max";
  return t;
}

Report judged(const Tensor& t, Spoil spoil = nullptr, Policy policy = Policy::on) {
  Probe probe(std::move(spoil), policy);
  const MatrixRef<float> W = t.W;
  const MatrixRef<double> G = t.G;
  REQUIRE(quantize({"layer", W, t.options.method == "rtn" ? nullptr : &G, 64, t.roundings}, t.options, std::nullopt,
                   &probe));
  return probe.judged;
}

void holds(const Report& report) {
  for (const auto& violation : report.violations()) FAIL_CHECK(to_string(violation));
  CHECK(report.failed() == 0);
  CHECK(report.exact_rows() == 0);
  for (const auto& [contract, count] : report.counts()) {
    const auto& name = contract;  // clang 14 captures no structured binding
    CAPTURE(name);
    CHECK(count.passed == count.by_binary64 + count.by_twice_binary64 + count.by_exact);
  }
}

bool caught(const Report& report, std::string_view contract) {
  const auto found = report.counts().find(contract);
  return found != report.counts().end() && found->second.failed > 0;
}

}  // namespace

TEST_CASE(
    "they hold on every grid, with act-order, groups, dead columns, without the guard, and for one row or column") {
  for (const std::string grid : {"gf16", "fp16", "gf:4,3", "int8s", "int4s", "int2s", "int8", "int4", "int2", "int4z",
                                 "int8z", "nf4", "lloyd:4", "lloyd:2"}) {
    CAPTURE(grid);
    Tensor t = tensor(grid);
    const Report report = judged(t);
    holds(report);
    for (const char* name : {"gf16_nearest", "gptq_bound_emitted", "loss_enclosure", "guard_row", "guard_total",
                             "pivots", "factor_residual", "gram_bound", "idempotence", "exact_product"}) {
      CAPTURE(name);
      REQUIRE(report.counts().contains(name));
      CHECK(report.counts().find(name)->second.passed > 0);
    }
    CHECK(report.rows() == 13);
    t.options.desc_act = true;
    holds(judged(t));
    t.options.group_size = 8;
    if (!t.options.grid.is_golden()) holds(judged(t));
    t.options.group_size = 0;
    t.options.guard = false;
    holds(judged(t));
    t.G.row(3).setZero();
    t.G.col(3).setZero();
    holds(judged(t));
    t.options.guard = true;
    holds(judged(t));
    for (const auto& [rows, cols] : {std::pair<Index, Index>{1, 9}, {9, 1}, {1, 1}})
      holds(judged(tensor(grid, rows, cols)));
    t = tensor(grid);
    t.options.method = "rtn";
    const Report nearest = judged(t);
    holds(nearest);
    CHECK(nearest.counts().find("rtn_when_no_calibration")->second.passed == 13);
  }
  Tensor undamped = tensor("int4s");
  undamped.G.row(3).setZero();
  undamped.G.col(3).setZero();
  undamped.options.damp_fraction = 0;
  holds(judged(undamped));
  Tensor dead = tensor("int4s", 50, 9);  // no column has a place in the recurrence
  dead.G.setZero();
  dead.options.damp_fraction = 0;
  holds(judged(dead));
  Tensor codebook = tensor("int4s");
  codebook.options.grid = *Grid::table("steps", {-1.0F, -0.25F, 0.0F, 0.5F, 1.5F});
  holds(judged(codebook));
}

TEST_CASE("a run counts the contracts that the judges name and those of rows, and no others") {
  std::set<std::string, std::less<>> named, counted;
  for (const Judge* judge : judges())
    for (const auto* contract : judge->contracts) named.emplace(contract->name);
  generated::visit_row_contracts(
      [&](const generated::Contract& contract, const auto&) { named.emplace(contract.name); });
  Tensor nearest = tensor("gf16");
  nearest.options.method = "rtn";
  Tensor sparse = tensor("int4s");
  sparse.options.method = "sparse24";
  sparse.options.guard = false;  // codes rounded to nearest would not be sparse
  for (const Report& report : {judged(tensor("gf16")), judged(nearest), judged(sparse)})
    for (const auto& [name, count] : report.counts()) counted.insert(name);
  CHECK(named == counted);
}

TEST_CASE("exact arithmetic alone gives the same counts") {
  for (const char* grid : {"int4s", "int4", "int4z", "lloyd:4"}) {
    CAPTURE(grid);
    const Tensor t = tensor(grid, 5, 9);
    const Report report = judged(t, nullptr, Policy::exact), enclosed = judged(t);
    CHECK(report.failed() == 0);
    CHECK(report.exact_rows() == 5);
    for (const auto& [contract, count] : report.counts()) {
      const auto& name = contract;
      CAPTURE(name);
      CHECK(count.by_exact == count.passed);
      CHECK(count.passed == enclosed.counts().find(name)->second.passed);
    }
    CHECK(judged(t, nullptr, Policy::off).counts().empty());
  }
}

TEST_CASE("a code, a scale, the factor, the Gram matrix, a loss: each corruption is caught") {
  for (const std::string grid : {"gf16", "int4s", "int4", "int4z", "lloyd:4"}) {
    CAPTURE(grid);
    const Tensor t = tensor(grid);
    REQUIRE(!judged(t, [](Shown&) {}).failed());
    const Report code = judged(t, [](Shown& s) { s.result.codes(4, 7) ^= 1; });
    CHECK(caught(code, "gf16_nearest"));
    REQUIRE(!code.violations().empty());
    CHECK(code.violations().front().row == 4);
    CHECK(code.violations().front().tensor == "layer");
    CHECK(std::any_of(code.violations().begin(), code.violations().end(), [](const contracts::Violation& v) {
      return v.contract == "gf16_nearest" && v.theorem == "T7_gf16_nearest";
    }));
    CHECK(code.violations().front().left.find("0x") != std::string::npos);
    CHECK(!code.status());
    CHECK(code.status().error().number == 630);
    CHECK(caught(judged(t, [](Shown& s) { s.result.codes(4, 7) = 0x7FFF; }), "gf16_nearest"));  // no point of the grid
    CHECK(caught(judged(t, [](Shown& s) { s.result.steps.scales(0, 0) *= 1.5F; }), "gf16_nearest"));
    CHECK(caught(
        judged(t, [](Shown& s) { s.result.steps.scales(0, 0) = std::nextafter(s.result.steps.scales(0, 0), 9.0F); }),
        "exact_product"));
    if (t.options.grid.spec().either_sign)
      CHECK(caught(judged(t, [](Shown& s) { s.result.steps.scales(1, 0) *= -1; }), "gf16_nearest"));
    if (t.options.grid.spec().zero_points) {
      CHECK(caught(judged(t, [](Shown& s) { s.result.steps.zeros(3, 0) ^= 1; }), "gf16_nearest"));
      CHECK(caught(judged(t, [](Shown& s) { s.result.steps.zeros.resize(0, 0); }), "gf16_nearest"));
    }
    CHECK(caught(judged(t, [](Shown& s) { s.u(2, 5) += 3; }), "gf16_nearest"));
    CHECK(caught(judged(t, [](Shown& s) { s.U(3, 17) += 1e-6; }), "factor_residual"));
    CHECK(caught(judged(t, [](Shown& s) { s.model.d[5] *= 1 + 1e-6; }), "factor_residual"));
    CHECK(caught(judged(t, [](Shown& s) { s.model.d[5] = -s.model.d[5]; }), "pivots"));
    CHECK(caught(judged(t, [](Shown& s) { s.model.d[5] = 2 * s.model.root[5] * s.model.root[5]; }), "pivots"));
    CHECK(caught(judged(t, [](Shown& s) { s.G(8, 3) = s.G(3, 8) = 2 * std::sqrt(s.G(3, 3) * s.G(8, 8)); }),
                 "gram_bound"));
    CHECK(caught(judged(t, [](Shown& s) { s.G *= 1.001; }), "loss_enclosure"));  // another matrix than was factored
    CHECK(caught(judged(t, [](Shown& s) { s.options->damp_fraction *= 1.001; }), "factor_residual"));
    const auto scaled = [](std::vector<Loss>& losses, double factor) {
      for (Loss& loss : losses) loss = {loss.value * factor, loss.lo * factor, loss.hi * factor};
    };
    CHECK(caught(judged(t, [&](Shown& s) { scaled(s.result.enclosed_proposal, 1.05); }), "loss_enclosure"));
    CHECK(caught(judged(t, [&](Shown& s) { scaled(s.result.enclosed_proposal, 0.9); }), "loss_enclosure"));
    CHECK(caught(judged(t, [&](Shown& s) { scaled(s.result.enclosed_proposal, 100); }), "gptq_bound_emitted"));
    const Report swapped = judged(t, [](Shown& s) { std::swap(s.result.enclosed_proposal, s.result.enclosed_rtn); });
    CHECK(caught(swapped, "loss_enclosure"));
    CHECK(caught(swapped, "guard_row"));
    CHECK(caught(swapped, "guard_total"));
    CHECK(caught(judged(t,
                        [](Shown& s) {
                          s.result.enclosed_proposal[2] = {NAN, NAN, NAN};
                          s.G.setConstant(NAN);
                        }),
                 "gram_bound"));
  }
  for (const char* grid : {"gf16", "int4", "int4z", "lloyd:4"}) {
    Tensor nearest = tensor(grid);
    nearest.options.method = "rtn";
    const Report moved = judged(nearest, [](Shown& s) { s.result.codes(1, 1) ^= 1; });
    CHECK(caught(moved, "rtn_when_no_calibration"));
  }
}

TEST_CASE("an entry of the Gram matrix may exceed its diagonal by what the roundings of its sum cost, and no more") {
  Tensor t = tensor("int4s");
  const auto exceed = [](double factor) {
    return [factor](Shown& s) { s.G(8, 3) = s.G(3, 8) = std::sqrt(s.G(3, 3) * s.G(8, 8)) * factor; };
  };
  for (const Index roundings : {Index{64}, Index{1} << 13, kSupposedRoundings}) {
    CAPTURE(roundings);
    t.roundings = roundings;
    const double cost = static_cast<double>(roundings) * 0x1.8p-52;
    CHECK(!caught(judged(t, exceed(1 + cost * 0.75)), "gram_bound"));
    CHECK(caught(judged(t, exceed(1 + cost * 1.25)), "gram_bound"));
  }
  CHECK(caught(judged(t, exceed(1 + kSupposedRoundings * 0x1p-50), Policy::exact), "gram_bound"));
  for (const Index tokens : {1, 2, 5, 4096}) {  // columns in proportion reach the bound
    CAPTURE(tokens);
    Matrix<float> X = normal_matrix<float>(tokens, 37, 8);
    for (Index j = 1; j < 37; ++j) X.col(j) = X.col(0) * static_cast<float>(j + 2);
    t.G = gram_ref(X);
    t.roundings = tokens;
    holds(judged(t));
  }
}

TEST_CASE("entries of a Gram matrix, summed again from the activations") {
  const Matrix<float> X = ar1_activations(200, 20, 0.8, 3), W = normal_matrix<float>(3, 20, 4);
  Matrix<double> G = gram_ref(X);
  GramSample sample(W, Policy::on);
  sample.add(X.topRows(77));
  sample.add(X.bottomRows(123));
  Report report;
  sample.judge("layer", G, report);
  CHECK(report.failed() == 0);
  CHECK(report.counts().find("gram_accumulation")->second.passed == 64);
  G *= 1 + 0x1p-40;
  Report spoiled;
  sample.judge("layer", G, spoiled);
  CHECK(spoiled.failed() > 32);
}

}  // namespace contracts_test
