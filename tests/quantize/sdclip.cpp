// The rules of the sdclip family: hand values, a plain twin, what they do where nothing deviates.
#include <omp.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "scale/deviation.hpp"

namespace sdclip_test {

using namespace hallmark;

namespace {

Expected<Steps> steps(const char* grid, const char* rule, const Matrix<float>& W, Index group_size = 0,
                      const std::vector<double>& h = {}) {
  return steps_for(*Grid::parse(grid), rule, ScaleStorage::f32, W.data(), W.rows(), W.cols(), group_size, {h});
}

Matrix<float> random_weights(Index rows, Index cols, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.25F, 1);
  Matrix<float> W(rows, cols);
  for (float& w : W.reshaped()) w = normal(generator);
  return W;
}

}  // namespace

TEST_CASE("the deviation is that of a sample, about its mean") {
  const std::vector<float> w{1, 2, 3, 4, 10};  // mean 4, squares 9 + 4 + 1 + 0 + 36 = 50
  CHECK(deviation(w) == std::sqrt(50.0 / 4));
  CHECK(deviation(std::vector<float>{0.1F, 0.1F, 0.1F}) == 0);
  CHECK(deviation(std::vector<float>{7}) == 0);
  CHECK(deviation(std::vector<float>{-1, 1}) == std::sqrt(2.0));
}

TEST_CASE("sdclip sends k deviations to the largest point") {
  // Deviation 2 (mean 0, squares 4 + 4 + 0, n - 1 = 2), the published k of each number of bits.
  const Matrix<float> W{{2, -2, 0}};
  CHECK(steps("int6s", "sdclip", W)->scales(0, 0) == round_up(12.85 * 2 / 31, 11));
  CHECK(steps("int5s", "sdclip", W)->scales(0, 0) == round_up(12.85 * 2 / 15, 11));
  CHECK(steps("int7s", "sdclip", W)->scales(0, 0) == round_up(14.0 * 2 / 63, 11));
  CHECK(steps("int8s", "sdclip", W)->scales(0, 0) == round_up(20.0 * 2 / 127, 11));
  CHECK(steps("int4s", "sdclip", W)->scales(0, 0) == round_up(2.68 * 2 / 7, 11));
  CHECK(steps("nf4", "sdclip", W)->scales(0, 0) == round_up(2.68 * 2, 11));
  // The sign of absmax: -2 is there, so that of the first code; without it the scale is mirrored.
  CHECK(steps("int6", "sdclip", W)->scales(0, 0) == round_up(12.85 * 2 / 32, 11));
  CHECK(steps("int6", "sdclip", Matrix<float>{{2, -1, -1}})->scales(0, 0) ==
        -round_up(12.85 * std::sqrt(3.0) / 32, 11));
  // Groups have deviations of their own.
  const auto groups = steps("int6s", "sdclip", Matrix<float>{{1, -1, 4, -4, 3}}, 2);
  CHECK(groups->scales(0, 0) == round_up(12.85 * std::sqrt(2.0) / 31, 11));
  CHECK(groups->scales(0, 1) == round_up(12.85 * std::sqrt(32.0) / 31, 11));
  CHECK(groups->scales(0, 2) == round_up(3.0 / 31, 11));  // one weight: absmax
}

TEST_CASE("where nothing deviates the step is that of absmax, and 1 for zeros") {
  const Matrix<float> W{{0.1F, 0.1F, 0.1F}, {0, 0, 0}, {-3, -3, -3}};
  const std::vector<double> h{1, 2, 3};
  for (const char* grid : {"int4", "int4s", "nf4", "lloyd:4"})
    for (const char* rule : {"sdclip", "sdclip-hessian", "sdclip-adaptive"})
      CHECK(steps(grid, rule, W, 0, h)->scales == steps(grid, "absmax", W)->scales);
}

TEST_CASE("sdclip-hessian moves rows by the inputs that they weigh on") {
  // Deviations 2; r = (|2| 1 + |-2| 3 + 0) / 3 = 8/3 and (0 + |-2| 3 + |2| 8) / 3 = 22/3; mean 5.
  const Matrix<float> W{{2, -2, 0}, {0, -2, 2}};
  const auto found = steps("int6s", "sdclip-hessian", W, 0, {1, 3, 8});
  REQUIRE(found);
  CHECK(found->scales(0, 0) == round_up(12.85 * 2 * (1 + 0.175 * (8.0 / 15 - 1)) / 31, 11));
  CHECK(found->scales(1, 0) == round_up(12.85 * 2 * (1 + 0.175 * (22.0 / 15 - 1)) / 31, 11));
  // A calibration that says nothing changes nothing; the same for all columns, rows of more weight clip later.
  CHECK(steps("int6s", "sdclip-hessian", W, 0, {0, 0, 0})->scales == steps("int6s", "sdclip", W)->scales);
  const Matrix<float> R = random_weights(20, 50, 3);
  const auto plain = steps("int6s", "sdclip", R, 16),
             moved = steps("int6s", "sdclip-hessian", R, 16, std::vector<double>(50, 2.0));
  unsigned up = 0, down = 0;
  double mean = 0;
  for (Index i = 0; i < 20; ++i) mean += static_cast<double>(R.row(i).cwiseAbs().sum()) / 20;
  for (Index i = 0; i < 20; ++i)
    for (Index g = 0; g < 4; ++g) {
      const bool heavy = static_cast<double>(R.row(i).cwiseAbs().sum()) > mean;
      up += heavy && moved->scales(i, g) >= plain->scales(i, g);
      down += !heavy && moved->scales(i, g) <= plain->scales(i, g);
    }
  CHECK(up + down == 80);
  CHECK(up > 8);
  CHECK(down > 8);
}

TEST_CASE("sdclip-adaptive gives sensitive rows a smaller k, and the mean of all is k") {
  // Deviations 2^-8 and 2^8 under G_jj = 1: v = 2^-16 and 2^16, 5/32 of 32 binary orders is 2^5, beyond the bounds: the
  // second has 6/12.85 and the first what is left of 2.
  const Matrix<float> far{{0x1p-8F, -0x1p-8F, 0}, {0x1p8F, -0x1p8F, 0}};
  const auto bounded = steps("int6s", "sdclip-adaptive", far, 0, {1, 1, 1});
  REQUIRE(bounded);
  CHECK(bounded->scales(0, 0) == round_up(12.85 * 0x1p-8 * (2 - 6 / 12.85) / 31, 11));
  CHECK(bounded->scales(1, 0) == round_up(6 * 0x1p8 / 31, 11));
  // Within the bounds: v differs by 4 because G_jj does, k by 4^(5/32); the groups have 2 weights and 1.
  const Matrix<float> near{{1, -1, 5, -5, 0}};
  const std::vector<double> h{4, 4, 1, 1, 1};
  const auto moved = steps("int6s", "sdclip-adaptive", Matrix<float>{{1, -1, 1, -1}}, 2, {4, 4, 1, 1});
  const double plain = 12.85 * std::sqrt(2.0) / 31, ratio = std::exp2(2 * 5.0 / 32);
  CHECK(moved->scales(0, 0) == round_up(plain * 2 / (1 + ratio), 11));
  CHECK(moved->scales(0, 1) == round_up(plain * 2 * ratio / (1 + ratio), 11));
  const auto uneven = steps("int6s", "sdclip-adaptive", near, 2, h);  // the third group has one weight: absmax, k for k
  const double other = std::pow(4.0 / 25, 5.0 / 32);  // v of the second over that of the first, inverted
  CHECK(uneven->scales(0, 2) == 1);
  CHECK(uneven->scales(0, 0) == round_up(plain * 2 / (1 + other), 11));
  CHECK(uneven->scales(0, 1) == round_up(5 * plain * 2 * other / (1 + other), 11));
  CHECK(steps("int6s", "sdclip-adaptive", near, 2, {0, 0, 0, 0, 0})->scales ==
        steps("int6s", "sdclip", near, 2)->scales);
  // Where v is beyond 2^(+-700) k stays, also beside a row whose v is not.
  for (const auto& [row, input] : {std::pair{0x1p100F, 0x1p520}, {0x1p-100F, 0x1p-520}}) {
    const Matrix<float> apart{{row, -row, 0}, {1 / row, -1 / row, 0}};
    CHECK(steps("int6s", "sdclip-adaptive", apart, 0, {input, input, input})->scales ==
          steps("int6s", "sdclip", apart)->scales);
  }
}

TEST_CASE("awq-lite gives the group that matters most 8 bits, the others 6") {
  // sqrt(G_jj) mean |w_ij|: 2 (1 + 1) = 4, 1 (4.5 + 1) = 5.5, 0.5 5 = 2.5. Row deviations about means 0.2 and 0.4.
  const Matrix<float> W{{1, -1, 4, -1, -2}, {1, -1, -5, 1, 8}};
  const auto found = steps("int8s", "awq-lite", W, 2, {4, 4, 1, 1, 0.25});
  REQUIRE(found);
  for (const Index i : {Index{0}, Index{1}}) {
    const double clip = 12.85 * deviation({W.row(i).data(), 5});
    CHECK(found->scales(i, 0) == round_up(clip / 31, 11));
    CHECK(found->scales(i, 1) == round_up(clip / 127, 11));
    CHECK(found->scales(i, 2) == round_up(clip / 31, 11));
  }
  CHECK(steps("int8s", "awq-lite", W, 2, {1, 1, 1, 1, 16})->scales(0, 2) == found->scales(0, 1));
  CHECK(steps("int8s", "awq-lite", W, 2, {0, 0, 0, 0, 0})->scales(1, 0) == found->scales(1, 1));  // of equals the first
  const Matrix<float> alike{{0.5F, 0.5F}, {0, 0}};
  CHECK(steps("int8", "awq-lite", alike, 1, {1, 1})->scales == steps("int8", "absmax", alike, 1)->scales);
  for (const char* grid : {"int4", "int6s", "int8z", "gf16", "nf4"})
    CHECK(steps(grid, "awq-lite", alike, 1, {1, 1}).error().number == 223);
}

TEST_CASE("the same bytes for every number of threads") {
  const Matrix<float> W = random_weights(900, 100, 4);
  std::vector<double> h(100);
  for (std::size_t j = 0; j < 100; ++j) h[j] = 1 + static_cast<double>(j % 7);
  const int before = omp_get_max_threads();
  for (const char* rule : {"sdclip", "sdclip-hessian", "sdclip-adaptive"}) {
    omp_set_num_threads(1);
    const Matrix<float> one = steps("int4", rule, W, 0, h)->scales;
    for (const int threads : {2, 5}) {
      omp_set_num_threads(threads);
      const Matrix<float> many = steps("int4", rule, W, 0, h)->scales;
      CHECK(std::memcmp(one.data(), many.data(), 900 * sizeof(float)) == 0);
    }
  }
  omp_set_num_threads(before);
}

TEST_CASE("what the family refuses") {
  const Matrix<float> W = random_weights(3, 4, 1);
  const auto number = [](const Expected<Steps>& result) { return result ? 0 : result.error().number; };
  for (const char* rule : {"sdclip", "sdclip-hessian", "sdclip-adaptive"}) {
    const std::vector<double> h(4, 1.0);
    for (const char* grid : {"gf16", "int4z"}) CHECK(number(steps(grid, rule, W, 0, h)) == 223);
    Matrix<float> bad = W;
    bad(1, 2) = -INFINITY;
    CHECK(number(steps("int4", rule, bad, 0, h)) == 350);
  }
  CHECK(number(steps("int4", "sdclip-hessian", W)) == 214);
  CHECK(number(steps("int4", "sdclip-adaptive", W)) == 214);
  CHECK(number(steps("int8", "awq-lite", W)) == 214);
  CHECK(statistic_of("sdclip") == Statistic::none);
  CHECK(statistic_of("sdclip-hessian") == Statistic::diagonal);
}

}  // namespace sdclip_test
