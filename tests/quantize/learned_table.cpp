// Learned tables: the points solve the normal equations, in either basis, and what is learned loses less.
#include "method/learned_table.hpp"

#include <omp.h>

#include "layer.hpp"

namespace learned_table_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

// The least loss of sum_i w_i - t s_i P_i c over the factor t, less sum w G w: a matter of the points' quotients alone.
double loss_but_factor(const Matrix<float>& W, const Matrix<double>& G, const Quantized& of,
                       const std::vector<float>& points) {
  double above = 0, below = 0;
  for (Index i = 0; i < W.rows(); ++i)
    for (Index j = 0; j < W.cols(); ++j)
      for (Index k = 0; k < W.cols(); ++k) {
        const auto q = [&](Index c) {
          return static_cast<double>(of.steps.scale(i, c)) * points[static_cast<std::size_t>(of.codes(i, c))];
        };
        above += static_cast<double>(W(i, j)) * G(j, k) * q(k);
        below += q(j) * G(j, k) * q(k);
      }
  return -above * above / below;
}

Options rotated_lloyd(const char* method = "descent") {
  Options options{*Grid::parse("lloyd:2")};
  options.rotation = hadamard_16;
  options.method = method;
  return options;
}

std::vector<float> signs_of(Index columns) {
  std::vector<float> signs;
  for (Index j = 0; j < Rotation::columns_of(columns); ++j) signs.push_back(j % 3 == 1 ? -1.0F : 1.0F);
  return signs;
}

}  // namespace

TEST_CASE("the check value: points 16/11 and -30/11 lose 4/11") {
  const Matrix<float> weights = (Matrix<float>(1, 3) << 1, 2, -3).finished();
  const Matrix<double> gram = (Matrix<double>(3, 3) << 2, 1, 0, 1, 2, 1, 0, 1, 2).finished();
  const MatrixRef<float> W(weights);
  const MatrixRef<double> G(gram);
  Quantized codes;
  codes.codes = (Matrix<Code>(1, 3) << 1, 1, 0).finished();
  codes.steps.scales = Matrix<float>::Constant(1, 1, 1);
  const auto points = fitted_points({"w", W, &G}, codes, *Grid::parse("table:-2,1"));
  REQUIRE(points);
  CHECK(*points == std::vector<float>{-127, 68});  // 127 * 16 / 30 = 67.7
  // A point without codes stays: 5 is 5 / (30/11) of the largest magnitude, and is the largest itself here.
  const auto three = fitted_points({"w", W, &G}, codes, *Grid::parse("table:-2,1,5"));
  REQUIRE(three);
  CHECK(*three == std::vector<float>{-69, 37, 127});
  // Points that change places are no table.
  codes.codes = (Matrix<Code>(1, 3) << 0, 0, 1).finished();
  CHECK_FALSE(fitted_points({"w", W, &G}, codes, *Grid::parse("table:-2,1")));
}

TEST_CASE("fitted points lose less than any beside them, with groups and in the rotated basis") {
  const SmallLayer s = random_layer(9, 36, "lloyd:2");
  const MatrixRef<float> W(s.W);
  const MatrixRef<double> G(s.G);
  const std::vector<float> signs = signs_of(36);
  for (const bool turned : {false, true}) {
    CAPTURE(turned);
    Options options = rotated_lloyd();
    options.grid = *Grid::parse("table:-127,-20,20,127");  // lloyd:2 itself is what normal weights ask for
    if (!turned) options.rotation = no_rotation, options.group_size = 8;
    options.guard = false;  // every row rotated
    hallmark::Layer layer{"w", W, &G};
    layer.signs = signs;
    const Quantized codes = quantize(layer, options).value();
    const Matrix<float> V = turned ? rotated_weights(W, signs) : s.W;
    const Matrix<double> H = turned ? rotated_gram(G, signs) : s.G;
    const auto points = fitted_points(layer, codes, options.grid);
    REQUIRE(points);
    const double least = loss_but_factor(V, H, codes, *points);
    CHECK(least < loss_but_factor(V, H, codes, options.grid.spec().points));
    for (std::size_t a = 0; a < points->size(); ++a)
      for (const float by : {-2.0F, 2.0F}) {
        std::vector<float> other = *points;
        other[a] += by;
        CHECK(least <= loss_but_factor(V, H, codes, other));
      }
  }
}

TEST_CASE("what is learned loses less, as the codes under its name do, for any number of threads") {
  const SmallLayer s = random_layer(24, 32, "lloyd:2");
  const MatrixRef<float> W(s.W);
  const MatrixRef<double> G(s.G);
  const std::vector<float> signs = signs_of(32);
  hallmark::Layer layer{"w", W, &G};
  layer.signs = signs;
  const int before = omp_get_max_threads();
  std::optional<LearnedTable> first;
  for (const int threads : {1, 2, 5}) {
    omp_set_num_threads(threads);
    const LearnedTable learned = learn_table(layer, rotated_lloyd(), 4).value();
    if (!first) first = learned;
    CHECK(learned.points == first->points);
    CHECK(learned.after == first->after);
  }
  omp_set_num_threads(before);
  CHECK(first->rounds >= 1);
  CHECK(first->after < first->before);
  Options options = rotated_lloyd();
  options.grid = *Grid::parse(table_name(first->points));
  const Quantized codes = quantize(layer, options).value();
  double loss = 0;
  for (const double of_row : codes.loss_final) loss += of_row;
  CHECK(loss == first->after);
  const LearnedTable once = learn_table(layer, rotated_lloyd(), 1).value();
  CHECK(once.rounds == 1);
  CHECK(first->after <= once.after);
}

TEST_CASE("no round raises the loss, also where the fitted points are no better") {
  Index kept = 0;
  for (const Index rows : {3, 4, 5, 6, 7, 8, 9, 10}) {
    CAPTURE(rows);
    const SmallLayer s = random_layer(rows, 32, "lloyd:2");
    const MatrixRef<float> W(s.W);
    const MatrixRef<double> G(s.G);
    const std::vector<float> signs = signs_of(32);
    hallmark::Layer layer{"w", W, &G};
    layer.signs = signs;
    double before = learn_table(layer, rotated_lloyd(), 1).value().before;
    for (Index rounds = 1; rounds <= 4; ++rounds) {
      const LearnedTable learned = learn_table(layer, rotated_lloyd(), rounds).value();
      CHECK(learned.after <= before);
      CHECK(learned.rounds <= rounds);
      kept += learned.rounds < rounds;
      before = learned.after;
    }
  }
  CHECK(kept > 0);  // a fit that lost no less was seen
}

TEST_CASE("tables are learned for tables of up to 16 points and plain targets") {
  CHECK_FALSE(learning_obstacle(rotated_lloyd()));
  CHECK_FALSE(learning_obstacle(Options{*Grid::parse("nf4")}));
  for (const char* grid : {"int4", "gf16", "trellis:2"}) CHECK(learning_obstacle(Options{*Grid::parse(grid)}));
  Options asymmetric = rotated_lloyd();
  asymmetric.target = "asymmetric";
  CHECK(learning_obstacle(asymmetric));
}

}  // namespace learned_table_test
