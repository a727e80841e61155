// The dense parts against OpenBLAS in the same run: the panel update of the recurrence against sgemm, the Gram matrix
// against dsyrk (given the widened input), the factorization against both kinds of rate.
#include <cblas.h>

#include <cmath>
#include <random>

#include "figures.hpp"
#include "linalg/factor.hpp"
#include "linalg/gram.hpp"
#include "linalg/hessian.hpp"
#include "method/upper_strips.hpp"

namespace hallmark::bench {
namespace {

constexpr Index kN = 4096, kTokens = 2048, kSmall = 512;

template <class T>
Matrix<T> random_matrix(Index rows, Index cols, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  Matrix<T> M(rows, cols);
  for (Index i = 0; i < M.size(); ++i) M.data()[i] = static_cast<T>(uniform(random));
  return M;
}

double cube(Index n) { return std::pow(static_cast<double>(n), 3); }

void sgemm(benchmark::State& state) {
  openblas_set_num_threads(use_threads(state));
  static const Matrix<float> A = random_matrix<float>(kN, kN, 1), B = random_matrix<float>(kN, kN, 2);
  static Matrix<float> C(kN, kN);
  for (auto _ : state)
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, kN, kN, kN, 1, A.data(), kN, B.data(), kN, 0, C.data(), kN);
  set_work(state, 2 * cube(kN), kFlops);
}

const Matrix<float>& activations() {
  static const Matrix<float> X = random_matrix<float>(kTokens, kN, 3);
  return X;
}

void dsyrk(benchmark::State& state) {
  openblas_set_num_threads(use_threads(state));
  static const Matrix<double> X = activations().cast<double>();
  static Matrix<double> C = Matrix<double>::Zero(kN, kN);
  for (auto _ : state)
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, kN, kTokens, 1, X.data(), kN, 0, C.data(), kN);
  set_work(state, static_cast<double>(kTokens) * kN * kN, kFlops);
}

void gram(benchmark::State& state) {
  use_threads(state);
  std::optional<GramAccumulator> sum;
  for (auto _ : state) {
    state.PauseTiming();
    sum.emplace(kN);
    state.ResumeTiming();
    if (!sum->add(activations())) state.SkipWithError("refused");
  }
  const Matrix<double> G = sum->gram();
  for (const auto& [a, b] : {std::pair<Index, Index>{0, 0}, {7, 4001}, {4095, 2000}}) {
    double expected = 0;
    for (Index t = 0; t < kTokens; ++t)
      expected = std::fma(static_cast<double>(activations()(t, a)), static_cast<double>(activations()(t, b)), expected);
    if (G(a, b) != expected) state.SkipWithError("wrong Gram matrix");
  }
  set_work(state, static_cast<double>(kTokens) * kN * kN, kFlops);
}

void gram_small(benchmark::State& state, bool reference) {
  use_threads(state);
  const Matrix<float> X = activations().topLeftCorner(kSmall, kSmall);
  for (auto _ : state) {
    GramAccumulator sum(kSmall);
    if (reference) benchmark::DoNotOptimize(gram_ref(X));
    else benchmark::DoNotOptimize(bool(sum.add(X)));
  }
  // The twin forms both triangles; its work is counted once.
  set_work(state, cube(kSmall), kFlops);
}

// The recurrence without its rounding steps: for each block of rows, all strips of U against the errors so far.
void panel(benchmark::State& state) {
  use_threads(state);
  static const UpperStrips<float> U(random_matrix<float>(kN, kN, 4));
  constexpr Index lanes = kLanes<float>, blocks = (kN + lanes - 1) / lanes, together = 8, strips = 16;
  static const Matrix<float> e = random_matrix<float>(blocks * kN, lanes, 5);  // [block][position][lane]
  static Matrix<float> sums(blocks * kN, lanes);
  for (auto _ : state) {
    sums.setZero();
#pragma omp parallel for schedule(dynamic)
    for (Index first = 0; first < blocks; first += together)
      for (Index s0 = 0; s0 < U.count(); s0 += strips)
        for (Index b = first; b < std::min(blocks, first + together); ++b)
          for (Index s = s0; s < s0 + strips; ++s)
            accumulate_strip(&e(b * kN, 0), U.strip(s), s * kStrip, &sums(b * kN + s * kStrip, 0), lanes);
  }
  Matrix<float> expected = Matrix<float>::Zero(kStrip, lanes);
  accumulate_strip_ref(&e(5 * kN, 0), U.strip(U.count() - 1), kN - kStrip, expected.data(), lanes);
  if (expected != sums.middleRows(6 * kN - kStrip, kStrip)) state.SkipWithError("wrong sums");
  set_work(state, static_cast<double>(kN) * kN * kN, kFlops);
}

const Matrix<double>& stored_hessian() {
  static const Matrix<double> H = [] {
    GramAccumulator sum(kN);
    for (std::uint32_t seed = 10; seed < 14; ++seed)
      if (!sum.add(random_matrix<float>(kTokens, kN, seed))) std::abort();
    const Matrix<double> G = sum.gram();
    return hessian(G, damping(G, 0.01));
  }();
  return H;
}

void factor(benchmark::State& state) {
  const Matrix<double>& H = stored_hessian();
  use_threads(state);
  Matrix<double> U;
  Vector<double> d;
  for (auto _ : state) {
    state.PauseTiming();
    U = H;
    state.ResumeTiming();
    if (factor_udu_in_place(U, d)) state.SkipWithError("not positive definite");
  }
  // Columns finish from the last one back, so the factor of a trailing block is the trailing block of the factor.
  const auto twin = factor_udu_ref(H.bottomRightCorner(kSmall, kSmall));
  const Matrix<double> corner = U.bottomRightCorner(kSmall, kSmall).triangularView<Eigen::Upper>();
  if (!twin || twin->U != corner || twin->d != d.tail(kSmall)) state.SkipWithError("wrong factor");
  set_work(state, cube(kN) / 3, kFlops);
}

void factor_small(benchmark::State& state, bool reference) {
  const Matrix<double> H = stored_hessian().topLeftCorner(kSmall, kSmall);
  use_threads(state);
  for (auto _ : state) benchmark::DoNotOptimize(reference ? factor_udu_ref(H) : factor_udu(H));
  set_work(state, cube(kSmall) / 3, kFlops);
}

}  // namespace

std::vector<Figure> dense_figures() {
  measure("sgemm 4096", sgemm);
  measure("dsyrk 4096", dsyrk);
  measure("Gram 4096", gram);
  measure("panel 4096", panel);
  measure("factor 4096", factor);
  measure("Gram 512", [](benchmark::State& state) { gram_small(state, false); });
  measure("Gram 512, plain twin", [](benchmark::State& state) { gram_small(state, true); });
  measure("factor 512", [](benchmark::State& state) { factor_small(state, false); });
  measure("factor 512, plain twin", [](benchmark::State& state) { factor_small(state, true); });
  return {{"panel update, 4096 x 4096", "panel 4096", "sgemm 4096", 0.8, 0, true},
          {"Gram matrix, 2048 tokens x 4096", "Gram 4096", "dsyrk 4096", 0.7, 0, true},
          {"factorization, 4096 (cols^3/3)", "factor 4096", "dsyrk 4096", 0, 0, true},
          {"Gram matrix, 512 x 512", "Gram 512", "Gram 512, plain twin", 0, 1},
          {"factorization, 512", "factor 512", "factor 512, plain twin", 0, 1, true}};
}

}  // namespace hallmark::bench
