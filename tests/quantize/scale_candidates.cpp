// Rules that try several steps: their errors against plain loops, hand values, ties, and what they refuse.
#include <omp.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "linalg/gram.hpp"
#include "linalg/hessian.hpp"
#include "method/quantize.hpp"
#include "scale/candidates.hpp"

namespace scale_candidates_test {

using namespace hallmark;

namespace {

Matrix<float> random_weights(Index rows, Index cols, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  Matrix<float> W(rows, cols);
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < cols; ++j) {
      const float x = normal(generator);
      W(i, j) = x * x * x;  // heavy tails, so that clipping pays
    }
  return W;
}

std::vector<double> random_column_weights(Index cols, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<double> h(static_cast<std::size_t>(cols));
  for (double& x : h) x = std::ldexp(static_cast<double>(generator()), -32 - static_cast<int>(generator() % 6));
  h[0] = 0;  // a dead column
  return h;
}

Expected<Steps> steps(const char* grid, const char* rule, const Matrix<float>& W, Index group_size = 0,
                      const std::vector<double>& h = {}, ScaleStorage storage = ScaleStorage::f32) {
  return steps_for(*Grid::parse(grid), rule, storage, W.data(), W.rows(), W.cols(), group_size, {h});
}

std::string bytes(const Steps& s) {
  return std::string(reinterpret_cast<const char*>(s.scales.data()), static_cast<std::size_t>(s.scales.size()) * 4) +
         std::string(reinterpret_cast<const char*>(s.zeros.data()), static_cast<std::size_t>(s.zeros.size()) * 2);
}

double error_of(const Grid& grid, const float* w, Index count, const double* h, Step step) {
  double sum = 0;
  for (Index j = 0; j < count; ++j) {
    const double e = std::fma(-static_cast<float>(step.scale),
                              static_cast<float>(grid.value(grid.nearest(w[j], step), step.zero)), w[j]);
    sum += (h ? h[j] : 1) * (e * e);
  }
  return sum;
}

// The rule as docs/design.md states it, with none of the code of src/scale.
Step plain_best(const Grid& grid, const float* w, Index count, const double* h) {
  const GridSpec& spec = grid.spec();
  float m = 0, low = 0, high = 0;
  for (Index j = 0; j < count; ++j) {
    m = std::max(m, std::fabs(w[j]));
    low = std::min(low, w[j]);
    high = std::max(high, w[j]);
  }
  if (m == 0) return Step(1);
  const double sign = spec.either_sign && -low < high ? -1 : 1;
  Step best(0);
  double least = HUGE_VAL;
  for (int percent = 800; percent >= 240; percent -= 10)
    for (const double flip : {1.0, -1.0}) {
      if (flip < 0 && !spec.either_sign) continue;
      const double ratio = percent / 800.0;
      Step step(0);
      if (spec.zero_points) {
        step.scale = round_up((ratio * high - ratio * low) / spec.last, 11);
        step.zero = std::clamp(static_cast<int>(std::nearbyint(-ratio * low / step.scale)), 0, spec.last);
      } else {
        step.scale = round_up(flip * sign * (ratio * m / spec.largest), 11);
      }
      const double error = error_of(grid, w, count, h, step);
      if (error < least) least = error, best = step;
    }
  return best;
}

constexpr const char* grids[] = {"int2", "int3", "int4", "int8", "int2s", "int4s", "int2z", "int4z", "nf4", "lloyd:3"};

}  // namespace

TEST_CASE("squared errors are those of the plain loop, bit for bit") {
  std::mt19937 generator(5);
  for (const char* name : grids)
    for (const Index cols : {1, 7, 64, 131})
      for (const std::size_t count : {1u, 47u, 48u, 49u, 114u}) {
        const Grid grid = *Grid::parse(name);
        Matrix<float> W = random_weights(1, cols, static_cast<unsigned>(generator()));
        if (cols == 64) W(0, 5) = 0x1p-120F, W(0, 9) = 0;
        std::vector<Step> tried;
        for (std::size_t k = 0; k < count; ++k) {
          const double s = std::ldexp(1 + static_cast<double>(generator() % 1024) / 1024, -static_cast<int>(k % 5));
          tried.emplace_back(grid.spec().either_sign && k % 2 ? -s : s,
                             grid.spec().zero_points ? static_cast<int>(generator() % 4) : 0);
        }
        for (const auto& h : {std::vector<double>(), random_column_weights(cols, 3)}) {
          const std::span<const float> w(W.data(), static_cast<std::size_t>(cols));
          const std::vector<double> found = squared_errors(grid, w, h, tried);
          CHECK(found == squared_errors_ref(grid, w, h, tried));
          for (std::size_t k = 0; k < count; ++k)
            CHECK(found[k] == error_of(grid, W.data(), cols, h.empty() ? nullptr : h.data(), tried[k]));
        }
      }
}

TEST_CASE("mse, diag and pivot by hand") {
  const Matrix<float> W{{1, 0.5F, 0.5F, 0.5F}, {0, 0, 0, 0}};
  // s = 1 sends 1/2 to 0; r sends all to 1: (1-r)^2 + 3 (1/2-r)^2 is least at 5/8 = 50/80.
  CHECK(steps("int2s", "mse", W)->scales == Matrix<float>{{0.625F}, {1}});
  // 9 (1-r)^2 + 3 (1/2-r)^2 is least at 7/8, and 9/16 there against 3/4 at 1.
  for (const char* rule : {"diag", "pivot"})
    CHECK(steps("int2s", rule, W, 0, {9, 1, 1, 1})->scales == Matrix<float>{{0.875F}, {1}});
  // Groups: weights of their own columns. {1, 1/2}: r = 3/4 loses 1/8, r = 1 loses 1/4; weight 3 on the first: 7/8.
  CHECK(steps("int2s", "mse", W, 2)->scales == Matrix<float>{{0.75F, 0.5F}, {1, 1}});
  CHECK(steps("int2s", "diag", W, 2, {1, 1, 9, 1})->scales == Matrix<float>{{0.75F, 0.5F}, {1, 1}});
  CHECK(steps("int2s", "diag", W, 2, {3, 1, 9, 1})->scales == Matrix<float>{{0.875F, 0.5F}, {1, 1}});
  // int4 reaches -8 s with either sign: 7 weights of 7 and one of -1 are exact only with s = 1.
  CHECK(steps("int4", "mse", Matrix<float>{{8, 7, 7, -1}})->scales == Matrix<float>{{-1}});
  CHECK(steps("int4", "mse", Matrix<float>{{7, 7, 7, -8}})->scales == Matrix<float>{{1}});
  CHECK(steps("int4", "mse", Matrix<float>{{8, 8, 8, -7.9F}})->scales(0, 0) < 0);
  // 0 and 1 on two levels of int2z: shrinking gains nothing.
  const auto z = steps("int2z", "mse", Matrix<float>{{0, 3, 1, 2}});
  CHECK(z->scales == Matrix<float>{{1}});
  CHECK(z->zeros == Matrix<std::int16_t>{{0}});
}

TEST_CASE("mse and diag are the plain rule, group by group, and lose no more than the largest step") {
  for (const char* name : grids)
    for (const Index group_size : {0, 16}) {
      const Grid grid = *Grid::parse(name);
      const Matrix<float> W = random_weights(9, 53, 11);
      const std::vector<double> h = random_column_weights(53, 4);
      const Index width = group_size == 0 ? 53 : group_size;
      const auto mse = steps(name, "mse", W, group_size), diag = steps(name, "diag", W, group_size, h),
                 first = steps(name, std::string(default_scale_rule(grid)).c_str(), W, group_size);
      REQUIRE((mse && diag && first));
      unsigned wrong = 0, worse = 0, shrunk = 0;
      for (Index i = 0; i < 9; ++i)
        for (Index g = 0; g < mse->scales.cols(); ++g) {
          const float* w = W.data() + i * 53 + g * width;
          const Index count = std::min(width, 53 - g * width);
          for (const auto& [found, of] :
               {std::pair{&*mse, static_cast<const double*>(nullptr)}, std::pair{&*diag, h.data() + g * width}}) {
            const Step step = found->at(i, g * width), plain = plain_best(grid, w, count, of);
            wrong += step.scale != plain.scale || step.zero != plain.zero;
            worse += error_of(grid, w, count, of, step) > error_of(grid, w, count, of, first->at(i, g * width));
            shrunk += std::fabs(step.scale) < std::fabs(first->at(i, g * width).scale);
          }
        }
      CAPTURE(name);
      CHECK(wrong == 0);
      CHECK(worse == 0);
      CHECK(shrunk > 0);
    }
}

TEST_CASE("pivot reads the pivots of the run's factor, column by column, and diag the diagonal of G") {
  const Matrix<float> W = random_weights(7, 24, 2);
  Matrix<float> X = random_weights(60, 24, 3);
  for (Index t = 0; t < X.rows(); ++t)
    for (Index j = 1; j < 24; ++j) X(t, j) += 0.9F * X(t, j - 1);
  X.col(4).setZero();  // dead
  const Matrix<double> G = gram_ref(X);
  for (const bool desc_act : {false, true})
    for (const double damping_fraction : {0.0, 0.01})
      for (const char* method : {"gptq", "rtn"}) {
        Options options{*Grid::parse("int3")};
        options.method = method;
        options.desc_act = desc_act;
        options.damp_fraction = damping_fraction;
        const MatrixRef<float> weights(W);
        const MatrixRef<double> gram(G);
        Backend cpu;
        const auto factored = factor_hessian(24, G, damping_fraction, desc_act, "W", std::nullopt, cpu);
        REQUIRE(factored);
        std::vector<double> d(24, 0.0), diagonal(24);
        for (std::size_t p = 0; p < factored->order.size(); ++p)
          d[static_cast<std::size_t>(factored->order[p])] = factored->factor.d[static_cast<Index>(p)];
        for (Index j = 0; j < 24; ++j) diagonal[static_cast<std::size_t>(j)] = G(j, j);
        for (const auto& [rule, h] : {std::pair{"pivot", &d}, std::pair{"diag", &diagonal}}) {
          options.scale_rule = rule;
          const auto result = quantize({"W", weights, &gram}, options);
          REQUIRE(result);
          CHECK(bytes(result->steps) == bytes(*steps("int3", rule, W, 0, *h)));
          CHECK(result->loss_rtn.size() == 7);  // judged in G, RTN too
          if (options.method == "rtn") CHECK(result->loss_final == result->loss_rtn);
        }
        CHECK(bytes(*steps("int3", "pivot", W, 0, d)) != bytes(*steps("int3", "pivot", W, 0, diagonal)));
      }
}

TEST_CASE("of equals the largest step is kept: nothing to gain, dead columns, zeros") {
  const Matrix<float> W = random_weights(5, 12, 6);
  const std::vector<double> dead(12, 0.0);
  for (const char* name : grids) {
    const Grid grid = *Grid::parse(name);
    const std::string first(default_scale_rule(grid));
    for (const char* rule : {"diag", "pivot"})
      CHECK(bytes(*steps(name, rule, W, 4, dead)) == bytes(*steps(name, first.c_str(), W, 4)));
    for (const char* rule : {"mse", "percentile"}) {
      if (grid.spec().zero_points && rule == std::string("percentile")) continue;
      CHECK((steps(name, rule, Matrix<float>::Zero(2, 6), 3)->scales.array() == 1).all());
    }
  }
  CHECK(scale_ratio(0) == 1);
  CHECK(scale_ratio(kScaleRatios - 1) == doctest::Approx(0.3));
}

TEST_CASE("percentile clips where one weight stands out, by quantiles between two weights") {
  // 101 weights 0 .. 100 in units of 1/64, the largest sent far away: |w| at rank p (n - 1).
  Matrix<float> W(1, 101);
  for (Index j = 0; j < 101; ++j) W(0, j) = (j % 2 ? 1.0F : -1.0F) * static_cast<float>(j) / 64;
  W(0, 100) = -1000;  // one weight of 101: rank 99 is p = .99, 98 is p = .98
  const auto found = steps("int8s", "percentile", W);
  REQUIRE(found);
  CHECK(found->scales(0, 0) == round_up(1000.0 / 127, 11));  // clipping 1000 costs more than it gains
  // Where the largest is v / 64, p = .999 is rank 99.9: 99 + .9 (v - 99), and so on; each v lets another p win.
  const auto wins = [&](double v, std::size_t p) {
    W(0, 100) = static_cast<float>(-v / 64);
    std::vector<Step> tried;
    for (const double q : {v, 99 + 0.9 * (v - 99), 99 + 0.5 * (v - 99), 99.0, 98.0})
      tried.emplace_back(round_up(q / 64 / 7, 11));
    const std::vector<double> errors = squared_errors_ref(*Grid::parse("int4s"), {W.data(), 101}, {}, tried);
    CHECK(std::min_element(errors.begin(), errors.end()) - errors.begin() == static_cast<std::ptrdiff_t>(p));
    CHECK(steps("int4s", "percentile", W)->scales(0, 0) == static_cast<float>(tried[p].scale));
  };
  wins(149, 2);
  wins(218, 1);
  const Matrix<float> R = random_weights(40, 200, 12);
  const auto absmax = steps("int4", "absmax", R), percentile = steps("int4", "percentile", R);
  unsigned worse = 0, clipped = 0;
  for (Index i = 0; i < 40; ++i) {
    const Grid grid = *Grid::parse("int4");
    worse += error_of(grid, R.data() + i * 200, 200, nullptr, percentile->at(i, 0)) >
             error_of(grid, R.data() + i * 200, 200, nullptr, absmax->at(i, 0));
    clipped += std::fabs(percentile->scales(i, 0)) < std::fabs(absmax->scales(i, 0));
  }
  CHECK(worse == 0);
  CHECK(clipped > 10);
}

TEST_CASE("the same bytes for every number of threads") {
  const Matrix<float> W = random_weights(700, 96, 8);
  const std::vector<double> h = random_column_weights(96, 9);
  const int before = omp_get_max_threads();
  for (const char* name : {"int4", "int4z", "lloyd:4"})
    for (const char* rule : {"mse", "diag", "pivot", "percentile"}) {
      if (name == std::string("int4z") && rule == std::string("percentile")) continue;
      std::vector<std::string> found;
      for (const int threads : {1, 2, 5}) {
        omp_set_num_threads(threads);
        found.push_back(bytes(*steps(name, rule, W, 32, h)));
      }
      CHECK(found[0] == found[1]);
      CHECK(found[0] == found[2]);
    }
  omp_set_num_threads(before);
}

TEST_CASE("what these rules refuse") {
  const Matrix<float> W = random_weights(3, 4, 1);
  const auto number = [](const Expected<Steps>& result) { return result ? 0 : result.error().number; };
  for (const char* rule : {"mse", "diag", "pivot", "percentile"}) {
    const std::vector<double> h(4, 1.0);
    for (const char* grid : {"gf16", "bf16"}) CHECK(number(steps(grid, rule, W, 0, h)) == 223);
    Matrix<float> bad = W;
    bad(2, 1) = NAN;
    CHECK(number(steps("int4", rule, bad, 0, h)) == 350);
    CHECK(steps("int4", rule, bad, 0, h).error().where.find("row 2, column 1") != std::string::npos);
    // The largest step is none of f16: as for absmax, whatever a smaller one would be.
    bad = W;
    bad(1, 1) = 0x1p20F;
    CHECK(number(steps("int4", rule, bad, 0, h, ScaleStorage::f16)) == 421);
  }
  // Candidates that f16 does not hold are passed over: below 2^-14 it has none, whatever they would gain.
  const Matrix<float> low{{0x1p-14F, 0x1p-15F, 0x1p-15F, 0x1p-15F}};
  CHECK(steps("int2s", "mse", low)->scales(0, 0) == 0.625F * 0x1p-14F);
  const auto held = steps("int2s", "mse", low, 0, {}, ScaleStorage::f16);
  REQUIRE(held);
  CHECK(held->scales(0, 0) == 0x1p-14F);
  CHECK(number(steps("int4z", "percentile", W)) == 223);
  for (const char* rule : {"diag", "pivot"}) {
    const auto none = steps("int4", rule, W);
    CHECK(number(none) == 214);
    CHECK(none.error().exit == Exit::usage);
    CHECK(none.error().what.find(rule) != std::string::npos);
    CHECK(none.error().hint.find("absmax") != std::string::npos);
    CHECK(number(steps("int4", rule, W, 0, {1, 1, 1})) == 214);  // of another width
  }
  CHECK(statistic_of("mse") == Statistic::none);
  CHECK(statistic_of("diag") == Statistic::diagonal);
  CHECK(statistic_of("pivot") == Statistic::pivots);
  CHECK(statistic_of("given") == Statistic::none);
}

}  // namespace scale_candidates_test
