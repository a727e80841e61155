#include "ablation/measure.hpp"

#include <doctest/doctest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>

#include "linalg/gram.hpp"
#include "method/quantize.hpp"
#include "method/rtn.hpp"
#include "replay/capture.hpp"
#include "tiny_experiment.hpp"

namespace measure_test {

using namespace hallmark;
using hallmark::test::uniform;

namespace {

Matrix<float> random_matrix(Index rows, Index cols, std::uint64_t seed) {
  SplitMix64 random(seed);
  Matrix<float> matrix(rows, cols);
  for (Index i = 0; i < matrix.size(); ++i) matrix.data()[i] = uniform(random);
  return matrix;
}

// Correlated activations: neighbouring columns share much, so that GPTQ and RTN differ.
Matrix<float> activations(Index tokens, Index cols, std::uint64_t seed) {
  Matrix<float> X = random_matrix(tokens, cols, seed);
  for (Index t = 0; t < tokens; ++t)
    for (Index j = 1; j < cols; ++j) X(t, j) = 0.8f * X(t, j - 1) + 0.4f * X(t, j);
  return X;
}

struct Fixture {
  Matrix<float> W = random_matrix(20, 24, 1);
  SiteGram gram{"site", 200, gram_ref(activations(200, 24, 2))};
  Options options{.grid = Grid::parse("int4s").value(), .scale_rule = "absmax"};
  Quantized quantized = quantize_gptq(W, gram.G, options).value();
  Matrix<float> What = dequantize(quantized.codes, quantized.steps, options.grid);

  // The contracts that fail.
  std::vector<std::string> failing() const {
    Contracts contracts;
    (void)check_tensor("W", W, quantized, What, options, &gram, contracts);
    std::vector<std::string> names;
    for (const auto& count : contracts.counts())
      if (count.failed > 0) names.push_back(count.name);
    CHECK(static_cast<bool>(contracts.status()) == names.empty());
    return names;
  }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("direct losses are |(W - What) X|^2 per row") {
  const Matrix<float> W = random_matrix(7, 12, 3), What = random_matrix(7, 12, 4), X = activations(50, 12, 5);
  const auto direct = direct_losses(W, What, gram_ref(X));
  for (Index i = 0; i < W.rows(); ++i) {
    long double sum = 0;
    for (Index t = 0; t < X.rows(); ++t) {
      long double y = 0;
      for (Index j = 0; j < W.cols(); ++j)
        y += (static_cast<long double>(W(i, j)) - static_cast<long double>(What(i, j))) *
             static_cast<long double>(X(t, j));
      sum += y * y;
    }
    const auto row = static_cast<std::size_t>(i);
    CHECK(direct.loss[row] == doctest::Approx(static_cast<double>(sum)).epsilon(1e-12));
    CHECK(direct.magnitude[row] >= direct.loss[row]);
    // The Gram matrix itself was rounded 50 times per entry: T11 (b).
    CHECK(std::abs(direct.loss[row] - static_cast<double>(sum)) <=
          (loss_error(12) + 51 * 0x1p-53) * direct.magnitude[row]);
  }
}

TEST_CASE("direct losses have one order for any number of threads") {
  const Matrix<float> W = random_matrix(33, 40, 6), What = random_matrix(33, 40, 7);
  const auto G = gram_ref(activations(60, 40, 8));
  omp_set_num_threads(1);
  const auto one = direct_losses(W, What, G);
  omp_set_num_threads(3);
  const auto three = direct_losses(W, What, G);
  omp_set_num_threads(omp_get_num_procs());
  CHECK(one.loss == three.loss);
  CHECK(one.magnitude == three.magnitude);
}

TEST_CASE("mean loss divides by rows and tokens of all tensors") {
  MeanLoss loss;
  loss.add({1, 2, 3}, 10);
  loss.add({4}, 5);
  CHECK(loss.mean() == 10.0 / 35);
}

TEST_CASE("what the quantizers make fulfils every contract") {
  const Fixture gptq;
  CHECK(gptq.quantized.guard_rows < gptq.W.rows());
  CHECK(gptq.failing() == Names{});
  Fixture rtn;
  rtn.quantized = quantize_rtn(rtn.W, rtn.options).value();
  rtn.What = dequantize(rtn.quantized.codes, rtn.quantized.steps, rtn.options.grid);
  Contracts contracts;
  CHECK(check_tensor("W", rtn.W, rtn.quantized, rtn.What, rtn.options, nullptr, contracts).empty());
  CHECK(contracts.status());
  std::map<std::string, std::int64_t> passed;
  for (const auto& count : contracts.counts()) passed[count.name] = count.passed;
  CHECK(passed == std::map<std::string, std::int64_t>{
                      {"scales_from_weights", 21}, {"codes_on_grid", 480}, {"product_exact", 480}, {"rtn_codes", 480}});
}

TEST_CASE("each contract fails when what it checks is wrong") {
  Fixture scale;
  scale.quantized.steps.scales(3, 0) = std::nextafter(scale.quantized.steps.scales(3, 0), 9.0f);
  scale.What = dequantize(scale.quantized.codes, scale.quantized.steps, scale.options.grid);
  const auto names = scale.failing();
  CHECK(std::count(names.begin(), names.end(), "scales_from_weights") == 1);

  Fixture element;
  element.What(2, 5) = std::nextafter(element.What(2, 5), 9.0f);
  CHECK(element.failing() == Names{"product_exact"});

  Fixture code;
  code.quantized.codes(0, 0) = 8;  // int4s ends at 7
  CHECK(code.failing() == Names{"codes_on_grid", "product_exact"});

  Fixture loss;
  loss.quantized.loss_final[4] = std::nextafter(loss.quantized.loss_rtn[4], 1e9);
  CHECK(loss.failing() == Names{"guard_row_loss"});

  // A kept row that is worse than RTN although it claims otherwise: one far code.
  Fixture row;
  for (Index j = 0; j < row.W.cols(); ++j) row.quantized.codes(6, j) = 7;
  row.What = dequantize(row.quantized.codes, row.quantized.steps, row.options.grid);
  row.quantized.kept_rtn[6] = 0;
  CHECK(row.failing() == Names{"guard_row_loss_direct"});
}

TEST_CASE("an element of a rotated row is s times a sum of 16 signed points over 4") {
  Fixture rotated;
  rotated.options.rotation = hadamard_16;
  const MatrixRef<float> W = rotated.W;
  const MatrixRef<double> G = rotated.gram.G;
  hallmark::Layer layer{"W", W, &G};
  std::vector<float> signs(16, 1);  // columns 16 to 23 are not turned
  signs[3] = signs[7] = -1;
  layer.signs = signs;
  rotated.quantized = quantize(layer, rotated.options, std::nullopt).value();
  rotated.What = dequantize(rotated.quantized.codes, rotated.quantized.steps, rotated.options.grid);
  const auto& rows = rotated.quantized.steps.rotation.rows;
  const auto row = std::ranges::find(rows, 1) - rows.begin();
  REQUIRE(row < 20);
  CHECK(rotated.failing() == Names{});
  for (const Index column : {0, 3, 15, 23}) {
    Fixture changed = rotated;
    changed.What(row, column) = std::nextafter(changed.What(row, column), 9.0f);
    CHECK(changed.failing() == Names{"product_exact"});
  }
  Fixture sign = rotated;
  sign.quantized.steps.rotation.signs[3] = 1;
  CHECK(sign.failing() == Names{"product_exact"});
}

TEST_CASE("a kept row may lose more than RTN by what both sums were rounded, and by no more") {
  for (const Index cols : {1, 5}) {
    CAPTURE(cols);
    // w = 1 and no other weight; a step of 4 rounds it to 0, so RTN loses 1, and What = -2 k u more by 4 k u.
    Matrix<float> W = Matrix<float>::Zero(1, cols), What = W;
    W(0, 0) = 1;
    const SiteGram gram{"site", 8, Matrix<double>::Identity(cols, cols)};
    Options options{.grid = Grid::parse("int4s").value(), .scale_rule = "absmax"};
    Quantized quantized = quantize_gptq(W, gram.G, options).value();
    quantized.steps.scales(0, 0) = 4;
    quantized.codes.setZero();
    const auto passes = [&](double more) {  // in units of u = 2^-53
      What(0, 0) = static_cast<float>(-more / 2 * 0x1p-53);
      Contracts contracts;
      (void)check_tensor("W", W, quantized, What, options, &gram, contracts);
      const auto counts = contracts.counts();
      const auto found = std::ranges::find(counts, "guard_row_loss_direct", &ContractCount::name);
      REQUIRE(found != counts.end());
      return found->failed == 0;
    };
    const double allowed = 2 * (2 * static_cast<double>(cols) + 8);  // (2 cols + 8) u of either loss
    CHECK(passes(allowed - 4));
    CHECK_FALSE(passes(allowed + 4));
  }
}

TEST_CASE("a row that is RTN has the nearest codes: the byte-identity of N = 0") {
  Fixture rtn;
  rtn.quantized = quantize_rtn(rtn.W, rtn.options).value();
  rtn.quantized.codes(19, 23) = rtn.quantized.codes(19, 23) == 0 ? Code{1} : Code{0};
  rtn.What = dequantize(rtn.quantized.codes, rtn.quantized.steps, rtn.options.grid);
  Contracts contracts;
  (void)check_tensor("W", rtn.W, rtn.quantized, rtn.What, rtn.options, nullptr, contracts);
  const auto status = contracts.status();
  REQUIRE_FALSE(status);
  CHECK(status.error().exit == Exit::contract);
  CHECK(status.error().where == "rtn_codes: W [19, 23]; 1 checks failed in all");
}

TEST_CASE("Gram matrices are nested: those after 2 batches are the bits of a run over 2") {
  const hallmark::test::TinyExperiment experiment;
  const auto corpus = load_corpus(experiment.text()).value();
  const auto model = load_model(experiment / checkpoint_name(47)).value();
  const auto plan = CalibrationPlan::draw(corpus.train, 47, 3).value();
  int batches = 0;
  const std::int64_t after[] = {2, 3}, two[] = {2};
  const auto nested = capture_grams(model, corpus.train, plan.calibration(3), after, [&] { ++batches; });
  REQUIRE(nested);
  REQUIRE(nested->size() == 2);
  CHECK(batches == 3);
  const auto alone = capture_grams(model, corpus.train, plan.calibration(2), two, [] {});
  REQUIRE(alone);
  CHECK(gram_digest((*nested)[0]) == gram_digest((*alone)[0]));
  CHECK(gram_digest((*nested)[0]) != gram_digest((*nested)[1]));
  const auto others = capture_grams(model, corpus.train, plan.calibration(3).subspan(calibration_batch), two, [] {});
  REQUIRE(others);
  CHECK(gram_digest(others->front()) != gram_digest(alone->front()));

  const Grams& grams = (*nested)[1];
  CHECK(grams.size() == model.matrix_names().size());
  CHECK(grams.at("tok_emb.weight")->tokens == 3 * 16 * 256);
  CHECK(grams.at("blocks.0.attn.c_q.weight") == grams.at("blocks.0.attn.c_v.weight"));
  CHECK(grams.at("bigram.table.weight")->tokens == model.config().dim);
  CHECK(grams.at("bigram.table.weight")->G == gram_ref(model["bigram.proj.weight"]));

  // Against activations captured and multiplied plainly.
  Matrix<float> all(0, model.config().mlp_hidden);
  REQUIRE(capture_activations(model, windows_at(corpus.train, plan.calibration(3)),
                              [&](const ActivationSite& site, MatrixRef<float> X) {
                                if (site.name != "blocks.1.mlp.proj.weight") return ok();
                                Matrix<float> longer(all.rows() + X.rows(), X.cols());
                                longer << all, X;
                                all = longer;
                                return ok();
                              }));
  REQUIRE(all.rows() == 3 * 16 * 256);
  CHECK(grams.at("blocks.1.mlp.proj.weight")->G == gram_ref(all));
}

}  // namespace measure_test
