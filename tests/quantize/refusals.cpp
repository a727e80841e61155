// What quantize_gptq and quantize_rtn refuse, by message and exit code.
#include <cmath>
#include <limits>

#include "../linalg/random.hpp"
#include "linalg/gram.hpp"
#include "method/quantize.hpp"
#include "method/rtn.hpp"

using namespace hallmark;
using namespace hallmark::test;

namespace {

Options options_for(const char* grid) {
  Options options{*Grid::parse(grid)};
  options.scale_rule = default_scale_rule(options.grid);
  return options;
}

bool mentions(const Error& error, const char* text) { return to_string(error).find(text) != std::string::npos; }

}  // namespace

TEST_CASE("not positive definite: tensor, pivot, tokens against columns, and a damping that works") {
  const Matrix<float> W = normal_matrix<float>(4, 30, 81);
  const Matrix<double> G = gram_ref(normal_matrix<float>(5, 30, 82));  // 5 tokens for 30 columns
  Options options = options_for("gf16");
  options.damp_fraction = 0;
  const auto result = quantize_gptq(W, G, options, std::nullopt, "blocks.0.mlp.fc.weight", 5);
  REQUIRE(!result);
  const Error& error = result.error();
  CHECK(error.exit == Exit::numeric);
  CHECK(error.number == 501);
  for (const char* part : {"blocks.0.mlp.fc.weight", "pivot ", "30 columns", "5 tokens", "--damp-percent 0.01"})
    CHECK_MESSAGE(mentions(error, part), part << " in " << to_string(error));
  options.damp_fraction = 0.01;  // what the hint says works
  CHECK(quantize_gptq(W, G, options));
}

TEST_CASE("a matrix that no damping saves is called what it is; the pivot is named in W's columns") {
  Matrix<double> G = Vector<double>{{1, 2, 3, 4}}.asDiagonal();
  G(1, 3) = G(3, 1) = 100;
  Options options = options_for("gf16");
  options.desc_act = true;  // columns 3, 2, 1, 0: column 3 comes first and is factored last
  const auto result = quantize_gptq(Matrix<float>::Ones(2, 4), G, options);
  REQUIRE(!result);
  CHECK(mentions(result.error(), "pivot 3 is -"));
  CHECK(mentions(result.error(), "not a Gram matrix"));
}

TEST_CASE("a larger damping is found by doubling when the default is not enough") {
  Matrix<double> G = Matrix<double>::Identity(4, 4);
  G(1, 3) = G(3, 1) = 1.1;  // smallest eigenvalue -0.1, so lambda must exceed 0.2 = 0.1 * mean(diag(2 G))
  const Options options = options_for("gf16");
  const auto result = quantize_gptq(Matrix<float>::Ones(2, 4), G, options);
  REQUIRE(!result);
  CHECK(mentions(result.error(), "--damp-percent 0.16"));
}

TEST_CASE("a Gram matrix of another shape, not finite, not symmetric, or not one at all") {
  const Matrix<float> W = normal_matrix<float>(3, 5, 83);
  const Options options = options_for("gf16");
  const Matrix<double> good = gram_ref(normal_matrix<float>(20, 5, 84));
  REQUIRE(quantize_gptq(W, good, options));
  const auto refuse = [&](const Matrix<double>& G, int number, const char* text) {
    const auto result = quantize_gptq(W, G, options, std::nullopt, "name");
    REQUIRE(!result);
    CHECK(result.error().exit == Exit::input);
    CHECK(result.error().number == number);
    CHECK_MESSAGE(mentions(result.error(), text), to_string(result.error()));
    CHECK(mentions(result.error(), "name"));
  };
  refuse(good.topLeftCorner(4, 4), 322, "4 x 4");
  Matrix<double> G = good;
  G(2, 3) = std::numeric_limits<double>::quiet_NaN();
  refuse(G, 322, "(2, 3)");
  G = good;
  G(4, 0) = std::nextafter(G(4, 0), 100.0);
  refuse(G, 322, "(0, 4)");
  G = good;
  G(1, 1) = -1;
  refuse(G, 323, "row 1");
  G = good;
  G(1, 1) = 0;
  refuse(G, 323, "not 0");
}

TEST_CASE("weights that are not finite, empty matrices, options out of range") {
  Matrix<float> W = normal_matrix<float>(3, 5, 85);
  const Options options = options_for("gf16");
  W(1, 2) = std::numeric_limits<float>::infinity();
  const auto bad = quantize_rtn(W, options);
  REQUIRE(!bad);
  CHECK(bad.error().exit == Exit::input);
  CHECK(mentions(bad.error(), "row 1, column 2"));
  CHECK(!quantize_gptq(W, Matrix<double>::Identity(5, 5), options));
  CHECK(!quantize_rtn(Matrix<float>(0, 5), options));
  for (const double damp : {-0.1, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    Options wrong = options;
    wrong.damp_percent = damp;
    CHECK(!quantize_rtn(Matrix<float>::Ones(2, 2), wrong));
  }
  Options wrong = options;
  wrong.block_size = 0;
  CHECK(!quantize_rtn(Matrix<float>::Ones(2, 2), wrong));
}

TEST_CASE("overflow in H and in the recurrence ends in an error that names the place") {
  Options options = options_for("int4s");
  const auto huge = quantize_gptq(Matrix<float>::Ones(2, 2), Matrix<double>::Identity(2, 2) * 1e308, options);
  REQUIRE(!huge);
  CHECK(huge.error().exit == Exit::numeric);
  CHECK(huge.error().number == 503);

  Matrix<double> G(2, 2);
  G << 1e20, 1e9, 1e9, 1;  // U_01 = 1e9
  Matrix<float> W(2, 2);
  W << 1, 1, 3e37F, 1;
  options.damp_fraction = 0;
  const auto far = quantize_gptq(W, G, options, Matrix<float>::Constant(2, 1, 1.0F), "name");
  REQUIRE(!far);
  CHECK(far.error().exit == Exit::numeric);
  CHECK(mentions(far.error(), "row 1, column 1"));
}

TEST_CASE("methods have names") {
  CHECK(*parse_method("gptq") == "gptq");
  CHECK(*parse_method("rtn") == "rtn");
  CHECK(!parse_method("awq"));
  CHECK(to_string("rtn") == "rtn");
}
