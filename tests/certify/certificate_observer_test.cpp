// The values of a certificate against exact arithmetic.
#include "certify/certificate_observer.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <random>

#include "linalg/factor.hpp"
#include "linalg/gram.hpp"
#include "linalg/hessian.hpp"
#include "method/loss.hpp"
#include "method/quantize.hpp"
#include "method/rtn.hpp"

namespace certificate_observer_test {

using namespace hallmark;

namespace {

constexpr ExactRows every_row{std::numeric_limits<Index>::max()};

struct Sample {
  Matrix<float> W;
  Matrix<double> G;
};

Sample random_layer(Index rows, Index cols, Index tokens, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  const auto draw = [&](float scale) { return [&random, &normal, scale] { return normal(random) * scale; }; };
  Sample layer{Matrix<float>(rows, cols), {}};
  std::generate_n(layer.W.data(), layer.W.size(), draw(0.1F));
  Matrix<float> X(tokens, cols);
  std::generate_n(X.data(), X.size(), draw(1));
  layer.G = gram_ref(X);
  return layer;
}

Options options_for(const char* grid) { return Options{.grid = *Grid::parse(grid)}; }

struct Shown {
  std::vector<float> u;
  Matrix<Code> codes;
  Steps steps;
};

// Changes what the quantizer shows before the observer sees it.
struct Tampering : Observer {
  Observer& inner;
  std::function<void(Shown&)> change;
  Tampering(Observer& o, std::function<void(Shown&)> c) : inner(o), change(std::move(c)) {}
  void rows(const RecurrenceRows& rows) override {
    Shown shown{{rows.u, rows.u + rows.U.columns() * kLanes<float>}, rows.codes, rows.target.steps};
    change(shown);
    const Target target{rows.target.W, rows.target.grid, shown.steps, rows.target.order};
    inner.rows({target, rows.U, rows.d, shown.codes, rows.first, rows.count, shown.u.data()});
  }
  void tensor(const Evidence& evidence) override { inner.tensor(evidence); }
};

// Shows enclosures so wide that they say nothing.
struct Widening : Observer {
  Observer& inner;
  explicit Widening(Observer& o) : inner(o) {}
  void rows(const RecurrenceRows& rows) override { inner.rows(rows); }
  void tensor(const Evidence& evidence) override {
    Quantized result = evidence.result;
    for (auto* const losses : {&result.enclosed_proposal, &result.enclosed_rtn})
      for (Loss& loss : *losses) loss = {loss.value, 0, 2 * loss.hi};
    inner.tensor({evidence.name, evidence.W, evidence.options, result, evidence.rtn, evidence.order, evidence.G,
                  evidence.model, evidence.U, evidence.widened});
  }
};

// Shows pivots so small that bounds are below the losses.
struct SmallPivots : Observer {
  Observer& inner;
  explicit SmallPivots(Observer& o) : inner(o) {}
  void rows(const RecurrenceRows& rows) override {
    const Vector<double> d = rows.d * 0x1p-40;
    inner.rows({rows.target, rows.U, d, rows.codes, rows.first, rows.count, rows.u});
  }
  void tensor(const Evidence& evidence) override { inner.tensor(evidence); }
};

// Shows narrow enclosures of other numbers, of the proposal or of round-to-nearest.
struct Moving : Observer {
  Observer& inner;
  bool rtn;
  Moving(Observer& o, bool r) : inner(o), rtn(r) {}
  void rows(const RecurrenceRows& rows) override { inner.rows(rows); }
  void tensor(const Evidence& evidence) override {
    Quantized result = evidence.result;
    for (Loss& loss : rtn ? result.enclosed_rtn : result.enclosed_proposal)
      loss = {4 * loss.value, 4 * loss.value, 4.125 * loss.value};
    inner.tensor({evidence.name, evidence.W, evidence.options, result, evidence.rtn, evidence.order, evidence.G,
                  evidence.model, evidence.U, evidence.widened});
  }
};

}  // namespace

TEST_CASE("losses and bounds of a certificate hold in exact arithmetic") {
  for (const char* grid : {"gf16", "int4s", "gf:3,2", "int4", "int4z", "nf4", "lloyd:4"})
    for (const bool guard : {true, false})
      for (const bool desc_act : {true, false}) {
        CAPTURE(grid);
        CAPTURE(guard);
        const Sample layer = random_layer(9, 33, 50, 7);
        Options options = options_for(grid);
        options.guard = guard;
        options.desc_act = desc_act;
        if (!options.grid.is_golden()) options.group_size = desc_act ? 8 : 0;
        const MatrixRef<double> gram = layer.G;
        CertificateObserver seen(&gram, options, every_row, true);
        const auto result = quantize_gptq(layer.W, layer.G, options, std::nullopt, "w", std::nullopt, &seen);
        REQUIRE(result);
        CHECK_FALSE(seen.offence);
        CHECK(seen.exact_elements >= 9 * 33);
        CHECK(seen.largest_ratio <= 1);
        REQUIRE(seen.values.size() == 9);
        for (const CertifiedRow& row : seen.values) {
          REQUIRE(row.final.exact);
          CHECK(row.final.exact->round_down() >= row.final.enclosure.lo);
          CHECK(row.final.exact->round_up() <= row.final.enclosure.hi);
          CHECK(row.final.exact->round_up() <= row.bound->enclosure.lo);
          CHECK(row.final.enclosure.hi - row.final.enclosure.lo <= 0.25 * row.final.enclosure.hi);
          CHECK(row.rtn.enclosure.hi - row.rtn.enclosure.lo <= 0.25 * row.rtn.enclosure.hi);
          CHECK(row.bound->enclosure.hi - row.bound->enclosure.lo <= 1e-12 * row.bound->enclosure.hi);
          CHECK(row.bound->slack <= 1);
          CHECK(row.bound->slack > 0.001);  // a bound that is not idle
          if (guard) CHECK(compare(*row.final.exact, *row.rtn.exact) <= 0);
        }
      }
}

// Bit for bit, for the instance of coq/Float/WitnessBound.v, where Coq runs the programs of T30.
TEST_CASE("the ends of a bound and of a loss are those that Coq computes of their programs") {
  const Matrix<float> W{{10066330 * 0x1p-24F, -11184811 * 0x1p-25F}};
  const Matrix<double> G{{1, 1}, {1, 1}};
  Options options = options_for("gf16");
  options.guard = false;
  options.desc_act = false;
  options.damp_fraction = 0x1p-21;  // lambda 2^-20
  const Steps steps{Matrix<float>::Constant(1, 1, 0.75F)};
  const MatrixRef<double> gram = G;
  CertificateObserver seen(&gram, options, ExactRows{}, true);
  const auto result = quantize_gptq(W, G, options, steps, "w", std::nullopt, &seen);
  REQUIRE(result);
  CHECK(options.grid.value(result->codes(0, 0)) == 819 * 0x1p-10);
  CHECK(options.grid.value(result->codes(0, 1)) == -910 * 0x1p-11);
  REQUIRE(seen.values.size() == 1);
  CHECK(seen.values[0].bound->enclosure.lo == 8000368851208787 * 0x1p-76);
  CHECK(seen.values[0].bound->enclosure.hi == 8000368851209271 * 0x1p-76);
  CHECK(seen.values[0].final.enclosure.lo == 5126270702058069 * 0x1p-80);  // in binary32: coq/Float/WitnessFused.v
  CHECK(seen.values[0].final.enclosure.hi == 5126298504429285 * 0x1p-80);
  const Matrix<double> H = hessian(G, damping(G, options.damp_fraction));
  const LossModel model = loss_model(*factor_udu(H), H.diagonal(), 2 * G.diagonal());
  const std::vector<Index> order{0, 1}, row{0};
  const Loss loss = enclose_losses(model, {W, options.grid, steps, order}, result->codes, row)[0];
  CHECK(loss.lo == 5126285059686345 * 0x1p-80);  // in binary64: coq/Float/WitnessGuard.v
  CHECK(loss.hi == 5126285059686455 * 0x1p-80);
}

TEST_CASE("an enclosure that says too little is made again in binary64") {
  const Sample layer = random_layer(9, 33, 50, 7);
  const Options options = options_for("int4s");
  const MatrixRef<double> gram = layer.G;
  CertificateObserver seen(&gram, options, every_row, true);
  Widening wide(seen);
  REQUIRE(quantize_gptq(layer.W, layer.G, options, std::nullopt, "w", std::nullopt, &wide));
  CHECK_FALSE(seen.offence);
  for (const CertifiedRow& row : seen.values)
    for (const CertifiedLoss* const loss : {&row.final, &row.rtn}) {
      CHECK(loss->enclosure.hi - loss->enclosure.lo <= 1e-9 * loss->enclosure.hi);
      CHECK(loss->exact->round_down() >= loss->enclosure.lo);
      CHECK(loss->exact->round_up() <= loss->enclosure.hi);
    }
}

TEST_CASE("exact arithmetic sees a loss outside of its enclosure, and one above its bound") {
  const Sample layer = random_layer(9, 33, 50, 7);
  Options options = options_for("int4s");
  options.guard = false;  // whose losses of round-to-nearest would stand for both in some rows
  const MatrixRef<double> gram = layer.G;
  for (const bool rtn : {false, true}) {
    CertificateObserver seen(&gram, options, every_row, false);
    struct AsGuarded : Moving {  // with enclosures of both
      using Moving::Moving;
      bool wants_binary64() const override { return false; }
    } moving(seen, rtn);
    REQUIRE(quantize_gptq(layer.W, layer.G, options, std::nullopt, "w", std::nullopt, &moving));
    REQUIRE(seen.offence);
    CHECK(*seen.offence == "row 0, an exact loss is outside of its enclosure");
  }
  CertificateObserver seen(&gram, options, every_row, true);
  SmallPivots small(seen);
  REQUIRE(quantize_gptq(layer.W, layer.G, options, std::nullopt, "w", std::nullopt, &small));
  REQUIRE(seen.offence);
  CHECK(*seen.offence == "row 0, the loss is above its bound");
}

TEST_CASE(
    "exact arithmetic sees a u' that was not rounded from, or is too far from u, and a code, scale or zero point of "
    "another") {
  const Sample layer = random_layer(4, 16, 30, 3);
  const MatrixRef<double> gram = layer.G;
  for (const char* grid : {"int4s", "int4", "int4z", "lloyd:4"}) {
    CAPTURE(grid);
    const Options options = options_for(grid);
    const auto judged = [&](const std::function<void(Shown&)>& change) {
      CertificateObserver seen(&gram, options, every_row, true);
      Tampering tampering(seen, change);
      REQUIRE(quantize_gptq(layer.W, layer.G, options, std::nullopt, "w", std::nullopt, &tampering));
      return seen.offence;
    };
    CHECK_FALSE(judged([](Shown&) {}));
    const auto at = [](Index p, Index r) { return static_cast<std::size_t>(p * kLanes<float> + r); };
    const auto far = judged([&](Shown& s) { s.u[at(5, 2)] *= 1.001F; });
    REQUIRE(far);
    CHECK(far->starts_with("row 2, column 5: |u' - u| <= delta fails"));
    const auto other = judged([&](Shown& s) { s.u[at(7, 1)] += 1; });
    REQUIRE(other);
    CHECK(other->starts_with("row 1, column 7: "));
    const auto code = judged([](Shown& s) { s.codes(3, 15) ^= 1; });  // the last: no later u depends on it
    REQUIRE(code);
    CHECK(code->starts_with("row 3, column 15: the code is not the point nearest to u'"));
    const auto none = judged([](Shown& s) { s.codes(0, 15) = 0x7FFF; });
    REQUIRE(none);
    CHECK(none->starts_with("row 0, column 15: the code is no point of the grid"));
    CHECK(judged([](Shown& s) { s.steps.scales(2, 0) *= 1.125F; }));
    if (options.grid.spec().either_sign) CHECK(judged([](Shown& s) { s.steps.scales(2, 0) *= -1; }));
    if (options.grid.spec().zero_points) CHECK(judged([](Shown& s) { s.steps.zeros(2, 0) ^= 1; }));
  }
}

TEST_CASE("without bounds the rows have losses alone") {
  const Sample layer = random_layer(5, 9, 20, 3);
  const MatrixRef<double> gram = layer.G;
  const Options options = options_for("int4z");
  CertificateObserver seen(&gram, options, every_row, false);
  REQUIRE(quantize_gptq(layer.W, layer.G, options, std::nullopt, "w", std::nullopt, &seen));
  CHECK_FALSE(seen.offence);
  REQUIRE(seen.values.size() == 5);
  for (const CertifiedRow& row : seen.values) {
    CHECK_FALSE(row.bound);
    REQUIRE(row.final.exact);
    CHECK(row.final.exact->round_down() >= row.final.enclosure.lo);
    CHECK(row.final.exact->round_up() <= row.final.enclosure.hi);
  }
}

TEST_CASE("rows beyond the range of the enclosures get exact values") {
  Sample layer = random_layer(3, 4, 9, 5);
  layer.G(0, 0) = 0x1p80;  // more than 2^64 times the others: T15 does not apply
  for (Index j = 1; j < 4; ++j) layer.G(0, j) = layer.G(j, 0) = 0;
  Options options = options_for("gf16");
  options.damp_fraction = 0;
  const MatrixRef<double> gram = layer.G;
  CertificateObserver seen(&gram, options, ExactRows{}, true);
  REQUIRE(quantize_gptq(layer.W, layer.G, options, std::nullopt, "w", std::nullopt, &seen));
  for (const CertifiedRow& row : seen.values) {
    CHECK(std::isfinite(row.final.enclosure.lo));
    CHECK(std::isfinite(row.final.enclosure.hi));
    CHECK_FALSE(row.final.exact);
    CHECK(row.bound->enclosure.hi == std::numeric_limits<double>::infinity());
    CHECK((row.bound->slack == 0 || std::isinf(row.bound->slack)));
  }
}

TEST_CASE("the chosen rows are spaced evenly") {
  const auto chosen = [](Index count, Index rows) {
    std::vector<Index> found;
    for (Index i = 0; i < rows; ++i)
      if (ExactRows{count}.contains(i, rows)) found.push_back(i);
    return found;
  };
  CHECK(chosen(0, 5).empty());
  CHECK(chosen(1, 5) == std::vector<Index>{0});
  CHECK(chosen(2, 5) == std::vector<Index>{0, 2});
  CHECK(chosen(4, 8) == std::vector<Index>{0, 2, 4, 6});
  CHECK(chosen(9, 3) == std::vector<Index>{0, 1, 2});
  for (Index count = 1; count <= 17; ++count) CHECK(chosen(count, 17).size() == static_cast<std::size_t>(count));
}

TEST_CASE("round-to-nearest without calibration has codes to judge and no losses") {
  for (const char* grid : {"gf16", "int4", "int4z", "lloyd:4"}) {
    const Sample layer = random_layer(3, 5, 9, 5);
    Options options = options_for(grid);
    options.method = "rtn";
    CertificateObserver seen(nullptr, options, every_row, true);
    REQUIRE(quantize_rtn(layer.W, options, std::nullopt, "w", &seen));
    CHECK(seen.values.empty());
    CHECK_FALSE(seen.offence);
    CHECK(seen.exact_elements == 15);
  }
}

}  // namespace certificate_observer_test
