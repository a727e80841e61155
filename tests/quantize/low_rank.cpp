// Corrections of low rank: the factors are those of the singular values, the loss is that of the numbers that files
// give back, and no row loses more by its correction.
#include "method/low_rank.hpp"

#include <gmpxx.h>
#include <omp.h>

#include <Eigen/SVD>
#include <cmath>

#include "../linalg/random.hpp"
#include "linalg/gram.hpp"
#include "method/exact_row_loss.hpp"
#include "method/quantize.hpp"
#include "method/rtn.hpp"

namespace low_rank_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

Options corrected(const char* grid, Index rank, std::string_view weights = hessian_weights) {
  Options options{*Grid::parse(grid)};
  options.low_rank = rank;
  options.low_rank_weights = weights;
  options.low_rank_storage = ScaleStorage::f32;
  return options;
}

struct Made {
  Matrix<float> W;
  Matrix<double> G;
  // Every fifth input is `loud` times as large as the others.
  Made(Index rows, Index cols, float loud = 1) : W(normal_matrix<float>(rows, cols, 7)) {
    Matrix<float> X = ar1_activations(3 * cols, cols, 0.7, 8);
    for (Index j = 0; j < cols; j += 5) X.col(j) *= loud;
    G = gram_ref(X);
  }
  Expected<Quantized> quantize(const Options& options) const {
    const MatrixRef<float> w = W;
    const MatrixRef<double> g = G;
    return hallmark::quantize({"w", w, &g}, options);
  }
  Factored factored(double damping, bool desc_act = false) const {
    Backend cpu;
    return *factor_hessian(W.cols(), G, damping, desc_act, "w", std::nullopt, cpu);
  }
};

// L with L L^T = 1, diag H or H, in the order of the columns of W.
Matrix<double> dense_weights(const Matrix<double>& H, std::string_view weights) {
  if (weights == plain_weights) return Matrix<double>::Identity(H.rows(), H.cols());
  if (weights == diagonal_weights) return H.diagonal().cwiseSqrt().asDiagonal();
  return H.llt().matrixL();
}

// The row's numbers by the definition, in rationals rounded to binary32 at each step.
float corrected_number(const LowRank& factors, Index i, Index j, float q) {
  for (Index k = 0; k < factors.A.cols(); ++k) {
    const mpq_class exact = mpq_class(factors.A(i, k)) * mpq_class(factors.B(k, j)) + mpq_class(q);
    const auto near = static_cast<float>(exact.get_d());
    q = near;
    for (const float x : {std::nextafter(near, -INFINITY), std::nextafter(near, INFINITY)})
      if (abs(mpq_class(x) - exact) < abs(mpq_class(q) - exact)) q = x;
  }
  return q;
}

}  // namespace

TEST_CASE("what is left of E L are the other singular values, and Eigen finds the same") {
  for (const auto& [rows, cols] : {std::pair<Index, Index>{9, 6}, {5, 12}, {7, 7}})
    for (const std::string_view weights : {plain_weights, diagonal_weights, hessian_weights})
      for (const Index rank : {Index{1}, Index{3}, Index{5}}) {
        CAPTURE(weights);
        CAPTURE(rank);
        const Made made(rows, cols);
        const Factored factored = made.factored(0.01, weights == hessian_weights);
        const Matrix<float> Q = made.W.array().round().matrix();
        const auto fitted = fit_low_rank(made.W, Q, corrected("int8", rank, weights), factored, "w");
        REQUIRE(fitted);
        Matrix<double> H = 2 * made.G;
        H.diagonal().array() += factored.lambda;
        const Matrix<double> L = dense_weights(H, weights), E = made.W.cast<double>() - Q.cast<double>();
        const auto values = Eigen::JacobiSVD<Eigen::MatrixXd>(E * L).singularValues();
        const double left = ((E - fitted->A.cast<double>() * fitted->B.cast<double>()) * L).squaredNorm();
        const double others = values.tail(values.size() - rank).squaredNorm();
        CHECK(left >= others * (1 - 1e-9));  // T28: no A B leaves less
        CHECK(left <= others + 1e-6 * values.squaredNorm());
      }
}

TEST_CASE("more columns than directions are looked for: what they leave is nearly the least") {
  const Matrix<double> F = normal_matrix<double>(60, 90, 3);
  const Matrix<double> V = singular_directions(F, 4);
  CHECK((V.transpose() * V - Matrix<double>::Identity(4, 4)).cwiseAbs().maxCoeff() < 1e-12);
  const auto values = Eigen::JacobiSVD<Eigen::MatrixXd>(F).singularValues();
  const double kept = (F * V).squaredNorm(), most = values.head(4).squaredNorm();
  CHECK(kept <= most * (1 + 1e-12));
  CHECK(kept >= most * 0.999);
  // A matrix with fewer directions is spanned by its own.
  const Matrix<double> thin = F.leftCols(2) * F.topRows(2);
  const Matrix<double> U = singular_directions(thin, 4);
  CHECK((thin - thin * U * U.transpose()).norm() <= 1e-9 * thin.norm());
}

TEST_CASE("numbers are the definition's, losses enclose their exact ones, no row loses more than without") {
  for (const std::string_view weights : {plain_weights, diagonal_weights, hessian_weights})
    for (const bool guard : {true, false}) {
      CAPTURE(weights);
      CAPTURE(guard);
      const Made made(24, 40);
      Options options = corrected("int3", 3, weights);
      options.low_rank_storage = guard ? ScaleStorage::f32 : ScaleStorage::bf16;  // products inexact, or not
      options.guard = guard;
      const auto result = made.quantize(options);
      REQUIRE_MESSAGE(result, to_string(result.error()));
      Options without = options;
      without.low_rank = 0;
      const auto before = made.quantize(without);
      const Steps &steps = result->steps, plain = steps.uncorrected();
      const Matrix<float> q = dequantize(result->codes, steps, options.grid),
                          p = dequantize(result->codes, plain, options.grid);
      const oracle::ExactLoss G = exact_losses(made.G, nullptr);
      Index helped = 0;
      for (Index i = 0; i < 24; ++i) {
        const auto loss = [&](const Steps& of, const Matrix<Code>& codes) {
          return exact_row_loss(G, made.W, options.grid, of, codes, i);
        };
        for (Index j = 0; j < 40; ++j) CHECK(q(i, j) == corrected_number(steps.low_rank, i, j, p(i, j)));
        const oracle::Dyadic now = loss(steps, result->codes);
        CHECK(compare(now, loss(before->steps, before->codes)) <= 0);
        helped += compare(now, loss(before->steps, before->codes)) < 0;
        if (!guard) continue;
        CHECK(result->loss_final[static_cast<std::size_t>(i)] <= result->loss_rtn[static_cast<std::size_t>(i)]);
        const Loss& enclosed = (result->kept_rtn[static_cast<std::size_t>(i)] != 0
                                    ? result->enclosed_rtn
                                    : result->enclosed_proposal)[static_cast<std::size_t>(i)];
        CHECK(enclosed.lo <= now.round_up());
        CHECK(now.round_down() <= enclosed.hi);
        if (result->kept_rtn[static_cast<std::size_t>(i)] != 0) CHECK_FALSE(steps.low_rank.of_row(i));
      }
      CHECK(helped > 12);
    }
}

TEST_CASE("rows that the stored factors do not help are what they were") {
  const Made made(24, 40, 30);
  const auto result = made.quantize(corrected("int2", 1, plain_weights)),
             before = made.quantize(corrected("int2", 0, hessian_weights));
  REQUIRE((result && before));
  const oracle::ExactLoss G = exact_losses(made.G, nullptr);
  const Grid grid = *Grid::parse("int2");
  Index helped = 0;
  for (Index i = 0; i < 24; ++i) {
    const oracle::Dyadic now = exact_row_loss(G, made.W, grid, result->steps, result->codes, i),
                         then = exact_row_loss(G, made.W, grid, before->steps, before->codes, i);
    const bool helps = result->steps.low_rank.of_row(i);
    CHECK((compare(now, then) < 0) == helps);
    CHECK((compare(now, then) == 0) == !helps);
    helped += helps;
  }
  CHECK(helped > 0);
  CHECK(helped < 24);
}

TEST_CASE("a row taken from steps without a correction has none") {
  Steps steps{Matrix<float>::Ones(2, 1)}, other = steps;
  steps.low_rank = {Matrix<float>::Ones(2, 3), Matrix<float>::Ones(3, 4)};
  other.low_rank = {2 * Matrix<float>::Ones(2, 3), Matrix<float>::Ones(3, 4)};
  CHECK(steps.rows(1, 1).low_rank.A == Matrix<float>::Ones(1, 3));
  CHECK_FALSE(steps.same_row(0, other));
  steps.take_row(0, other);
  CHECK(steps.same_row(0, other));
  CHECK_FALSE(steps.same_row(0, steps.uncorrected()));
  steps.take_row(0, steps.uncorrected());
  CHECK(steps.same_row(0, steps.uncorrected()));
  CHECK_FALSE(steps.low_rank.of_row(0));
  CHECK(steps.low_rank.of_row(1));
}

TEST_CASE("the same bytes for 1, 2 and 5 threads") {
  const Made made(70, 90);
  const Options options = corrected("int2", 5);
  std::optional<LowRank> first;
  const int before = omp_get_max_threads();
  for (const int threads : {1, 2, 5}) {
    omp_set_num_threads(threads);
    const auto result = made.quantize(options);
    REQUIRE(result);
    const LowRank& now = result->steps.low_rank;
    if (first) CHECK((now.A == first->A && now.B == first->B));
    else first = now;
  }
  omp_set_num_threads(before);
}

TEST_CASE("what does not go with a correction is refused, with what does") {
  const Made made(6, 8);
  const auto number = [&](const Options& options) {
    const auto result = made.quantize(options);
    return result ? 0 : result.error().number;
  };
  CHECK(number(corrected("int4", 6)) == 0);
  CHECK(number(corrected("int4", 7)) == 235);
  Options options = corrected("int4", 2);
  options.method = "rtn";
  CHECK(number(options) == 235);
  options = corrected("int4", 2);
  options.method = "sparse24";
  options.guard = false;
  CHECK(number(options) == 235);
  options = corrected("gf16", 2);
  options.low_rank_storage = ScaleStorage::f16;
  Made huge(6, 8);
  huge.W *= 1e15F;
  const auto beyond = huge.quantize(options);
  REQUIRE_FALSE(beyond);
  CHECK(beyond.error().number == 235);
}

}  // namespace low_rank_test
