// quantize_gptq as a whole: the ratios it should reach, the families of matrices, the options, the refusals.
#include "method/quantize.hpp"

#include <cmath>
#include <limits>
#include <numeric>

#include "../linalg/random.hpp"
#include "linalg/gram.hpp"
#include "linalg/hessian.hpp"
#include "method/factored.hpp"
#include "method/rtn.hpp"
#include "method/studies.hpp"

namespace gptq_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

Options options_for(const char* grid) {
  Options options{*Grid::parse(grid)};
  options.scale_rule = default_scale_rule(options.grid);
  return options;
}

Quantized must(Expected<Quantized> result) {
  if (!result) FAIL(to_string(result.error()));
  return *std::move(result);
}

// Codes of the literal static-inverse pseudo-code, as points.
Matrix<double> static_inverse_points(const Matrix<float>& W, const Matrix<double>& H, const Matrix<float>& scales,
                                     const Grid& grid) {
  const auto P = study::inverse(study::rows_of(H));
  Matrix<double> points(W.rows(), W.cols());
  for (Index i = 0; i < W.rows(); ++i) {
    study::Row<double> w;
    for (Index j = 0; j < W.cols(); ++j) w.push_back(W(i, j));
    const double s = scales(i, 0);
    const auto nearest = [&](double x) { return s * grid.value(grid.nearest(x, s)); };
    const auto q = study::scatter(P, w, nearest).q;
    for (Index j = 0; j < W.cols(); ++j) points(i, j) = q[static_cast<std::size_t>(j)];
  }
  return points;
}

struct Ratios {
  double gptq, static_inverse;
};

// Of the damped losses e H e^T, the metric in which the known ratios are given.
Ratios ratios(const Matrix<float>& X) {
  const Matrix<float> W = normal_matrix<float>(32, 64, 51);
  const Matrix<double> G = gram_ref(X);
  Options options = options_for("int6s");
  options.guard = false;
  const Quantized gptq = must(quantize_gptq(W, G, options)), rtn = must(quantize_rtn(W, options));
  const Matrix<double> H = hessian(G, gptq.lambda);
  const auto loss = [&](const Matrix<double>& points) {
    const Matrix<double> e = W.cast<double>() - points;
    return (e * H * e.transpose()).trace();
  };
  const double naive = loss(dequantize_f64(rtn.codes, rtn.steps, options.grid));
  return {loss(dequantize_f64(gptq.codes, gptq.steps, options.grid)) / naive,
          loss(static_inverse_points(W, H, rtn.steps.scales, options.grid)) / naive};
}

}  // namespace

TEST_CASE(
    "loss relative to RTN on AR(1) features, 64 columns, 6 bits: the known ratios, and not the static inverse's") {
  struct Known {
    double correlation, gptq, static_inverse;
  };
  for (const Known& k : {Known{0.0, 0.88, 0.889}, {0.5, 0.68, 0.713}, {0.9, 0.20, 0.365}, {0.99, 0.05, 0.263}}) {
    CAPTURE(k.correlation);
    const Ratios r = ratios(ar1_activations(224, 64, k.correlation, 52));
    CAPTURE(r.gptq);
    CAPTURE(r.static_inverse);
    CHECK(std::fabs(r.gptq / k.gptq - 1) < 0.12);
    CHECK(std::fabs(r.static_inverse / k.static_inverse - 1) < 0.25);
    CHECK(r.gptq < r.static_inverse);
  }
}

TEST_CASE("loss relative to RTN on equicorrelated features") {
  struct Known {
    double correlation, gptq, static_inverse;
  };
  for (const Known& k : {Known{0.3, 0.74, 0.80}, {0.6, 0.46, 0.63}, {0.9, 0.14, 0.43}}) {
    CAPTURE(k.correlation);
    Matrix<double> X = normal_matrix<double>(224, 65, 53);
    const Matrix<float> features =
        (std::sqrt(1 - k.correlation) * X.leftCols(64) + std::sqrt(k.correlation) * X.col(64).replicate(1, 64))
            .cast<float>();
    const Ratios r = ratios(features);
    CAPTURE(r.gptq);
    CAPTURE(r.static_inverse);
    CHECK(std::fabs(r.gptq / k.gptq - 1) < 0.12);
    CHECK(std::fabs(r.static_inverse / k.static_inverse - 1) < 0.25);
  }
}

TEST_CASE("the textbook form in binary64 chooses the same codes") {
  const Matrix<float> W = normal_matrix<float>(40, 32, 54);
  const Matrix<double> G = gram_ref(ar1_activations(80, 32, 0.7, 55));
  Options options = options_for("int4s");
  options.guard = false;
  const Quantized result = must(quantize_gptq(W, G, options));
  const auto C = study::rows_of(study::cholesky_of_inverse(hessian(G, result.lambda)));
  Index different = 0;
  for (Index i = 0; i < W.rows(); ++i) {
    study::Row<double> w;
    for (Index j = 0; j < W.cols(); ++j) w.push_back(W(i, j));
    const double s = result.steps.scales(i, 0);
    const auto nearest = [&](double x) { return s * options.grid.value(options.grid.nearest(x, s)); };
    const auto book = study::scatter(C, w, nearest);
    for (Index j = 0; j < W.cols(); ++j)
      different += book.q[static_cast<std::size_t>(j)] != s * options.grid.value(result.codes(i, j));
  }
  CHECK(different == 0);
}

TEST_CASE("H diagonal, one column, no calibration signal: the codes are RTN's, byte for byte") {
  for (const char* grid : {"gf16", "int4s", "int4", "int4z", "nf4", "lloyd:4"}) {
    CAPTURE(grid);
    const Options options = options_for(grid);
    Matrix<float> W = normal_matrix<float>(60, 20, 56);
    W(3, 4) = -0.0F;
    W.row(7).setZero();
    const Matrix<Code> rtn = must(quantize_rtn(W, options)).codes;
    const Vector<double> diagonal = normal_matrix<double>(20, 1, 57).cwiseAbs();
    CHECK(must(quantize_gptq(W, diagonal.asDiagonal().toDenseMatrix(), options)).codes == rtn);
    CHECK(must(quantize_gptq(W, Matrix<double>::Zero(20, 20), options)).codes == rtn);
    const Matrix<float> column = W.leftCols(1);
    CHECK(must(quantize_gptq(column, Matrix<double>::Constant(1, 1, 3.0), options)).codes ==
          must(quantize_rtn(column, options)).codes);
  }
}

TEST_CASE("matrix families: Hilbert, rank-deficient, barely positive definite, wide and tall") {
  const auto run = [](const Matrix<float>& W, const Matrix<double>& G, double damp) {
    for (const char* grid : {"gf16", "int4s", "int4", "int4z", "lloyd:4"}) {
      CAPTURE(grid);
      Options options = options_for(grid);
      options.damp_fraction = damp;
      const Quantized result = must(quantize_gptq(W, G, options, std::nullopt, "w", 10));
      for (std::size_t i = 0; i < result.loss_final.size(); ++i) {
        CHECK(result.loss_final[i] <= result.loss_rtn[i]);
        CHECK(result.enclosed_rtn[i].lo <= result.enclosed_rtn[i].hi);
      }
    }
  };
  Matrix<double> hilbert(12, 12);
  for (Index i = 0; i < 12; ++i)
    for (Index j = 0; j < 12; ++j) hilbert(i, j) = 1.0 / static_cast<double>(i + j + 1);
  run(normal_matrix<float>(50, 12, 61), hilbert, 0.01);
  run(normal_matrix<float>(50, 12, 61), hilbert, 1e-13);                                      // barely
  run(normal_matrix<float>(20, 40, 62), gram_ref(normal_matrix<float>(3, 40, 63)), 0.01);     // rank 3 of 40
  run(normal_matrix<float>(2, 200, 64), gram_ref(ar1_activations(300, 200, 0.9, 65)), 0.01);  // rows << cols
  run(normal_matrix<float>(500, 3, 66), gram_ref(ar1_activations(30, 3, 0.9, 67)), 0.01);     // cols << rows
  for (const Index n : {127, 128, 129})
    run(normal_matrix<float>(3, n, 68), gram_ref(normal_matrix<float>(n, n, 69)), 0.01);
}

TEST_CASE("dead columns: rounded to nearest and counted, with damping and without") {
  Matrix<float> X = ar1_activations(60, 10, 0.8, 71);
  X.col(3).setZero();
  X.col(8).setZero();
  const Matrix<double> G = gram_ref(X);
  const Matrix<float> W = normal_matrix<float>(30, 10, 72);
  for (const double damp : {0.01, 0.0}) {
    CAPTURE(damp);
    Options options = options_for("int4s");
    options.damp_fraction = damp;
    const Quantized result = must(quantize_gptq(W, G, options)), rtn = must(quantize_rtn(W, options));
    CHECK(result.dead_columns == 2);
    CHECK(result.codes.col(3) == rtn.codes.col(3));
    CHECK(result.codes.col(8) == rtn.codes.col(8));
    CHECK(result.codes != rtn.codes);
    Matrix<float> far = W;  // clipped in a dead column, and nowhere else
    far.col(8).setConstant(100.0F);
    options.guard = false;
    CHECK(must(quantize_gptq(far, G, options, Steps{Matrix<float>::Constant(30, 1, 4.0F)})).clipped == 30);
  }
  CHECK(processing_order(G, 0.0, false).size() == 8);
  CHECK(processing_order(G, 0.1, false).size() == 10);
}

TEST_CASE("act-order is GPTQ on permuted columns, un-permuted at the end; equal diagonals keep their order") {
  Matrix<double> G = gram_ref(ar1_activations(60, 9, 0.8, 73));
  const std::vector<Index> order = processing_order(G, 0.5, true);
  Matrix<double> permuted_G(9, 9);
  Matrix<float> W = normal_matrix<float>(20, 9, 74), permuted_W(20, 9);
  for (Index p = 0; p < 9; ++p) {
    permuted_W.col(p) = W.col(order[static_cast<std::size_t>(p)]);
    for (Index q = 0; q < 9; ++q)
      permuted_G(p, q) = G(order[static_cast<std::size_t>(p)], order[static_cast<std::size_t>(q)]);
    if (p > 0) CHECK(permuted_G(p - 1, p - 1) >= permuted_G(p, p));
  }
  for (const char* grid : {"int4s", "int4", "int4z", "lloyd:4"}) {
    CAPTURE(grid);
    Options options = options_for(grid);
    options.guard = false;
    const Matrix<Code> plain = must(quantize_gptq(permuted_W, permuted_G, options)).codes;
    options.desc_act = true;
    const Quantized ordered = must(quantize_gptq(W, G, options));
    for (Index p = 0; p < 9; ++p) CHECK(ordered.codes.col(order[static_cast<std::size_t>(p)]) == plain.col(p));
  }
  CHECK(processing_order(Matrix<double>::Identity(4, 4), 0.0, true) == std::vector<Index>{0, 1, 2, 3});
}

TEST_CASE("group scales come from the original weights; given scales are used as they are") {
  const Matrix<float> W = normal_matrix<float>(10, 12, 75);
  const Matrix<double> G = gram_ref(ar1_activations(40, 12, 0.8, 76));
  Options options = options_for("int4s");
  options.group_size = 5;
  const Quantized grouped = must(quantize_gptq(W, G, options));
  REQUIRE(grouped.steps.scales.cols() == 3);
  CHECK(grouped.steps.scales(0, 1) == round_up(W.row(0).segment(5, 5).cwiseAbs().maxCoeff() / 7.0, 11));
  Steps given{Matrix<float>::Constant(10, 3, 0.3F), {}, 5};
  const Quantized as_given = must(quantize_gptq(W, G, options, given));
  CHECK(as_given.steps.scales == given.scales);
  CHECK(as_given.steps.group_size == 5);
  CHECK(as_given.clipped > 0);  // 0.3 * 7 = 2.1 < max|W|
  CHECK(!quantize_gptq(W, G, options, Steps{Matrix<float>::Ones(10, 1), {}, 5}));
  given.scales(2, 1) = 0;
  CHECK(!quantize_rtn(W, options, given));
}

TEST_CASE("block size and threads change nothing in the result") {
  const Matrix<float> W = normal_matrix<float>(70, 140, 77);
  const Matrix<double> G = gram_ref(ar1_activations(200, 140, 0.9, 78));
  Options options = options_for("gf16");
  const Quantized reference = must(quantize_gptq(W, G, options));
  for_each_thread_count([&] {
    for (const Index block : {1, 32, 128, 500}) {
      options.block_size = block;
      const Quantized result = must(quantize_gptq(W, G, options));
      CHECK(result.codes == reference.codes);
      CHECK(result.loss_final == reference.loss_final);
    }
  });
}

TEST_CASE("the codes, steps and sums of a guarded quantization are those of its parts, by the plain twins") {
  const Matrix<float> W = normal_matrix<float>(53, 45, 79);
  const Matrix<double> G = gram_ref(ar1_activations(70, 45, 0.8, 80));
  for (const char* grid : {"int4", "int4z", "lloyd:4", "nf4"})
    for (const bool desc_act : {false, true})
      for (const Index group_size : {0, 16}) {
        CAPTURE(grid);
        Options options = options_for(grid);
        options.desc_act = desc_act;
        options.group_size = group_size;
        options.guard = false;
        const Quantized result = must(quantize_gptq(W, G, options));
        const Steps steps =
            *steps_for(options.grid, options.scale_rule, ScaleStorage::f32, W.data(), 53, 45, group_size);
        CHECK(result.steps.scales == steps.scales);
        CHECK(result.steps.zeros == steps.zeros);
        const std::vector<Index> order = processing_order(G, result.lambda, desc_act);
        Matrix<double> H(45, 45);
        for (Index p = 0; p < 45; ++p)
          for (Index q = 0; q < 45; ++q)
            H(p, q) = 2 * G(order[static_cast<std::size_t>(p)], order[static_cast<std::size_t>(q)]) +
                      (p == q ? result.lambda : 0);
        const auto factor = factor_udu_ref(H);
        REQUIRE(factor);
        const MatrixRef<float> view(W);
        Rounded plain{Matrix<Code>::Zero(53, 45), std::vector<Index>(53, 0)};
        REQUIRE(!run_recurrence_ref({view, options.grid, steps, order}, factor->U.cast<float>(), plain));
        CHECK(result.codes == plain.codes);
        CHECK(result.clipped == std::accumulate(plain.clipped.begin(), plain.clipped.end(), Index{0}));
      }
}

TEST_CASE("given zero points are used as they are") {
  const Matrix<float> W = normal_matrix<float>(6, 10, 75);
  const Matrix<double> G = gram_ref(ar1_activations(40, 10, 0.8, 76));
  const Options options = options_for("int4z");
  Steps given{Matrix<float>::Constant(6, 2, 0.3F), Matrix<std::int16_t>::Constant(6, 2, 7), 5};
  given.zeros(3, 1) = 12;
  const Quantized result = must(quantize_gptq(W, G, options, given));
  CHECK(result.steps.zeros == given.zeros);
  Matrix<double> e = W.cast<double>() - dequantize_f64(result.codes, given, options.grid);
  for (Index i = 0; i < 6; ++i)
    CHECK((e.row(i) * G * e.row(i).transpose())(0, 0) ==
          doctest::Approx(result.loss_final[static_cast<std::size_t>(i)]));
  given.zeros.resize(0, 0);
  CHECK(must(quantize_rtn(W, options, given)).codes.maxCoeff() <= 15);  // all 0: negative weights are clipped
  CHECK(must(quantize_rtn(W, options, given)).clipped > 20);
}

}  // namespace gptq_test
