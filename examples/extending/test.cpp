// The worked examples of docs/extending.md, each reached by its name through the ordinary interface.
#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "certify/contracts.hpp"
#include "method/quantize.hpp"
#include "method/rtn.hpp"

using namespace hallmark;

namespace {

Matrix<float> weights() {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  Matrix<float> W(5, 24);
  for (float& w : W.reshaped()) w = normal(generator);
  return W;
}

Options options_for(const char* grid) {
  Options options{*Grid::parse(grid)};
  return options;
}

}  // namespace

TEST_CASE("the help of the options names the examples") {
  const Options options{*Grid::parse("pow2:4")};
  std::string help;
  visit_options(options, [&](const OptionInfo& info, const auto&) { help += option_help(info) + "\n"; });
  for (const char* name : {"pow2:", "threshold", "rms"}) CHECK_MESSAGE(help.find(name) != std::string::npos, help);
}

TEST_CASE("the grid of the example rounds, and GPTQ runs on it") {
  const Grid grid = *Grid::parse("pow2:3");
  CHECK(grid.spec().points == std::vector<float>{-4, -2, -1, 0, 1, 2, 4});
  CHECK(grid.value(grid.nearest(2.9, 1)) == 2);
  CHECK(Grid::parse("pow2:3/1")->id() == "pow2:3/1");
  const Matrix<double> G = Matrix<double>::Identity(24, 24);
  const auto result = quantize_gptq(weights(), G, options_for("pow2:3"));
  REQUIRE(result);
  for (std::size_t i = 0; i < 5; ++i) CHECK(result->loss_final[i] <= result->loss_rtn[i]);
}

TEST_CASE("the method of the example is found by its name and sends small weights to 0") {
  Options options = options_for("int4s");
  options.method = "threshold";
  const Matrix<float> W = weights();
  const MatrixRef<float> view = W;
  const auto result = quantize({"w", view}, options);
  REQUIRE(result);
  CHECK(result->method == "threshold");
  Index zeros = 0;
  for (Index i = 0; i < W.rows(); ++i)
    for (Index j = 0; j < W.cols(); ++j)
      if (std::fabs(W(i, j)) < W.row(i).cwiseAbs().mean() / 8) {
        CHECK(result->codes(i, j) == 0);
        ++zeros;
      }
  CHECK(zeros > 0);
}

TEST_CASE("the scale rule of the example clips the largest weights") {
  Options options = options_for("int3");
  options.scale_rule = "rms";
  const auto result = quantize_rtn(weights(), options);
  REQUIRE(result);
  CHECK(result->steps.scales.minCoeff() > 0);
  CHECK(steps_for(*Grid::parse("int4z"), "rms", ScaleStorage::f32, weights().data(), 5, 24, 0).error().exit ==
        Exit::usage);
}

TEST_CASE("the contract of the example is evaluated at the codes of every row, and a code that is moved violates it") {
  const Matrix<float> W = weights();
  const Matrix<double> G = Matrix<double>::Identity(24, 24);
  for (const char* name : {"int4", "int4z", "gf16", "lloyd:4"}) {
    CAPTURE(name);
    Options options = options_for(name);
    options.scale_rule = default_scale_rule(options.grid);
    for (const auto policy : {contracts::Policy::on, contracts::Policy::exact}) {
      ContractChecker checker(policy);
      REQUIRE(quantize_gptq(W, G, options, std::nullopt, "w", 64, &checker));
      const auto& counts = checker.report().counts();
      REQUIRE(counts.contains("half_span"));
      CHECK(counts.find("half_span")->second.passed == 5);
      CHECK(counts.find("half_span")->second.theorem == "half_span_sound");
      CHECK(checker.report().failed() == 0);
    }

    options.method = "rtn";
    auto result = quantize_rtn(W, options);
    REQUIRE(result);
    const Matrix<Code> rtn = result->codes;
    const auto failures = [&] {
      contracts::Report report;
      const MatrixRef<float> view = W;
      check_contracts({"w", view, options, *result, rtn, {}}, {}, GridPoints(options.grid), contracts::Policy::on,
                      report);
      return report.counts().find("half_span")->second.failed;
    };
    CHECK(failures() == 0);
    const Step step = result->steps.at(2, 3);
    const double far = options.grid.spec().zero_points ? 3 * step.scale : 0.4 * W.row(2).cwiseAbs().maxCoeff();
    result->codes(2, 3) = options.grid.nearest(W(2, 3) + (W(2, 3) > 0 ? -far : far), step);
    CHECK(failures() == 1);
    result->codes(2, 3) = 0x7FFF;  // no point of the grid
    CHECK(failures() == 1);
  }
}
