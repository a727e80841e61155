// What quantize_gptq and quantize_rtn refuse, by message and exit code.
#include <cmath>
#include <limits>

#include "../linalg/random.hpp"
#include "linalg/gram.hpp"
#include "method/method.hpp"
#include "method/quantize.hpp"
#include "method/rtn.hpp"

namespace refusals_test {

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
  for (const char* part : {"blocks.0.mlp.fc.weight", "pivot ", "30 columns", "5 tokens", "--damp-fraction 0.01"})
    CHECK_MESSAGE(mentions(error, part), part << " in " << to_string(error));
  options.damp_fraction = 0.01;  // what the hint says works
  CHECK(quantize_gptq(W, G, options));
}

TEST_CASE("a matrix that no damping saves is called what it is; the pivot is named in W's columns") {
  // Every two columns could be opposite to each other, but not all of them.
  const Vector<double> length = Vector<double>{{1, 2, 3, 4, 5, 6, 7, 8}}.array().sqrt();
  Matrix<double> G = -length * length.transpose();
  G.diagonal() *= -1;
  Options options = options_for("gf16");
  options.desc_act = true;  // columns 7, 6, .., 0: column 2 comes sixth
  const auto result = quantize_gptq(Matrix<float>::Ones(2, 8), G, options);
  REQUIRE(!result);
  CHECK(mentions(result.error(), "pivot 2 is -"));
  CHECK(mentions(result.error(), "not a Gram matrix"));
}

TEST_CASE("a damping that pays for rounding is named where none was given, and no more than that") {
  Matrix<double> G = Matrix<double>::Ones(4, 4);
  G(0, 3) = G(3, 0) = 1 + 0x1p-40;  // as if rounded; its smallest eigenvalue is about -2^-40
  Options options = options_for("gf16");
  options.damp_fraction = 0;
  const auto rounded = quantize_gptq(Matrix<float>::Ones(2, 4), G, options);
  REQUIRE(!rounded);
  CHECK(mentions(rounded.error(), "--damp-fraction 0.01"));
  G = Matrix<double>::Identity(4, 4);
  for (const auto& [i, j] : {std::pair{1, 2}, {1, 3}, {2, 3}}) G(i, j) = G(j, i) = -0.55;  // -0.1
  const auto indefinite = quantize_gptq(Matrix<float>::Ones(2, 4), G, options);
  REQUIRE(!indefinite);
  CHECK(mentions(indefinite.error(), "negative eigenvalue is more than entries rounded to binary32 explain"));
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
  refuse(G, 323, "as F64: in F16 a small square becomes 0");
  G = good;
  const double most = std::sqrt(G(1, 1)) * std::sqrt(G(4, 4));
  G(1, 4) = G(4, 1) = -most * (1 + 0x1p-20);
  refuse(G, 323, "entry (1, 4)");
  G = Matrix<double>::Identity(5, 5);
  G(0, 1) = G(1, 0) = G(0, 2) = G(2, 0) = 0.9;
  G(1, 2) = G(2, 1) = -0.9;  // each pair of columns is possible, the three are not
  refuse(G, 323, "negative eigenvalue is more than entries rounded to binary32 explain");
  refuse(G, 323, "rounded to BF16 or F16 may have");
  G = Matrix<double>::Identity(5, 5);
  G(1, 4) = G(4, 1) = -1;  // two opposite columns are possible
  CHECK(quantize_gptq(W, G, options));
}

TEST_CASE("a true Gram matrix whose entries were rounded to BF16 or F16: the message tells it from one that is none") {
  const Matrix<float> W = normal_matrix<float>(3, 48, 84);
  const Matrix<double> G = gram_ref(normal_matrix<float>(1, 48, 86));  // every entry as large as its diagonal allows
  const auto rounded = [&](int bits) {                                 // to nearest
    Matrix<double> out = G;
    for (Index k = 0; k < out.size(); ++k) {
      int exponent = 0;
      const double m = std::frexp(out.data()[k], &exponent);
      out.data()[k] = std::ldexp(std::nearbyint(std::ldexp(m, bits)), exponent - bits);
    }
    return out;
  };
  Options options = options_for("int4");
  options.damp_fraction = 0;
  for (const int bits : {8, 11}) {
    const auto result = quantize_gptq(W, rounded(bits), options, std::nullopt, "name");
    REQUIRE(!result);
    CHECK(result.error().number == 323);
    CHECK_MESSAGE(mentions(result.error(), "try: store the sum over tokens as F64"), to_string(result.error()));
    CHECK(!mentions(result.error(), "no rounding"));
  }
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
    wrong.damp_fraction = damp;
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
  const auto far = quantize_gptq(W, G, options, Steps{Matrix<float>::Ones(2, 1)}, "name");
  REQUIRE(!far);
  CHECK(far.error().exit == Exit::numeric);
  CHECK(mentions(far.error(), "row 1, column 1"));
}

TEST_CASE("given steps of another shape, or that the grid does not take") {
  const Matrix<float> W = normal_matrix<float>(3, 10, 86);
  const auto refused = [&](const char* grid, const Steps& given, const char* text) {
    CAPTURE(text);
    const auto result = quantize_rtn(W, options_for(grid), given);
    REQUIRE(!result);
    CHECK(result.error().exit == Exit::input);
    CHECK(result.error().number == 321);
    CHECK_MESSAGE(mentions(result.error(), text), to_string(result.error()));
  };
  using Zeros = Matrix<std::int16_t>;
  const Matrix<float> ones = Matrix<float>::Ones(3, 2);
  CHECK(quantize_rtn(W, options_for("int4z"), Steps{ones, Zeros::Constant(3, 2, 15), 5}));
  CHECK(quantize_rtn(W, options_for("int4"), Steps{-ones, {}, 5}));
  CHECK(quantize_rtn(W, options_for("int4"), Steps{-ones, Zeros::Zero(3, 2), 5}));
  refused("int4", {ones, {}, 0}, "3 x 2");
  refused("int4", {ones, {}, 4}, "expected 3 x 3");
  refused("int4", {ones, {}, -5}, "group size -5");
  refused("int4z", {ones, Zeros::Zero(3, 1), 5}, "3 x 1");
  refused("int4z", {ones, Zeros::Zero(2, 2), 5}, "2 x 2");
  for (const float bad : {0.0F, -1.0F, INFINITY, NAN}) {
    Steps given{ones, {}, 5};
    given.scales(1, 1) = bad;
    for (const char* grid : {"gf16", "int4s", "int4z", "nf4", "lloyd:4"}) refused(grid, given, "row 1, group 1");
    if (bad != -1) refused("int4", given, "row 1, group 1");
  }
  for (const std::int16_t bad : {std::int16_t{-1}, std::int16_t{16}, std::int16_t{3}}) {
    Steps given{ones, Zeros::Zero(3, 2), 5};
    given.zeros(2, 0) = bad;
    if (bad != 3) refused("int4z", given, "row 2, group 0");
    for (const char* grid : {"gf16", "int4s", "int4", "nf4"}) refused(grid, given, "row 2, group 0");
  }
}

TEST_CASE("a method that needs calibration, without it") {
  const Matrix<float> W = normal_matrix<float>(3, 5, 87);
  const MatrixRef<float> view(W);
  const auto none = quantize(hallmark::Layer{"name", view}, options_for("int4"));
  REQUIRE(!none);
  CHECK(none.error().exit == Exit::usage);
  CHECK(none.error().number == 214);
  CHECK(mentions(none.error(), "name"));
  Options options = options_for("int4");
  options.method = "awq";
  const auto unknown = quantize(hallmark::Layer{"name", view}, options);
  REQUIRE(!unknown);
  CHECK(unknown.error().number == 224);
}

TEST_CASE("methods have names") {
  for (const Method* method : methods()) CHECK(*find_method(method->name) == method);
  CHECK((*find_method("gptq"))->needs_gram);
  CHECK(!(*find_method("rtn"))->needs_gram);
  const auto unknown = find_method("awq");
  REQUIRE(!unknown);
  CHECK(unknown.error().exit == Exit::usage);
  CHECK(unknown.error().number == 224);
  CHECK(mentions(unknown.error(), "gptq"));
}

}  // namespace refusals_test
