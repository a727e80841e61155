// Rotated rows: R is orthogonal in integers, their numbers are exact, and everything that judges sees the weights' own
// basis.
#include "method/rotated.hpp"

#include <gmpxx.h>

#include <bit>
#include <cmath>

#include "../linalg/random.hpp"
#include "linalg/gram.hpp"
#include "method/rtn.hpp"
#include "oracle/exact_loss.hpp"

namespace rotation_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

constexpr Index n = Rotation::kBlock;

std::vector<float> signs_for(Index columns) {
  std::vector<float> signs;
  for (Index j = 0; j < Rotation::columns_of(columns); ++j) signs.push_back((j * j + j / 3) % 3 == 1 ? -1.0F : 1.0F);
  return signs;
}

// 4 R by its definition: integers.
int entry(std::span<const float> signs, Index a, Index b) {
  const auto turned = static_cast<Index>(signs.size());
  if (a >= turned || b >= turned) return a == b ? 4 : 0;
  if (a / n != b / n) return 0;
  const int sign = std::popcount(static_cast<unsigned>(a % n & b % n)) % 2 == 0 ? 1 : -1;
  return sign * static_cast<int>(signs[static_cast<std::size_t>(b)]);
}

// The numbers of a row, by dense products in rationals.
std::vector<mpq_class> plain_row(const Grid& grid, const Steps& steps, const Matrix<Code>& codes, Index i) {
  std::vector<mpq_class> q;
  for (Index b = 0; b < codes.cols(); ++b) {
    mpq_class sum = 0;
    for (Index a = 0; a < codes.cols(); ++a) {
      const int r = steps.rotation.of_row(i) ? entry(steps.rotation.signs, a, b) : a == b ? 4 : 0;
      sum += mpq_class(grid.value(codes(i, a), steps.zero(i, a))) * r * mpq_class(steps.scale(i, a)) / 4;
    }
    q.push_back(sum);
  }
  return q;
}

mpq_class exact_loss(const Matrix<double>& G, const Matrix<float>& W, const std::vector<mpq_class>& q, Index i) {
  std::vector<mpq_class> e;
  for (Index j = 0; j < W.cols(); ++j) e.push_back(mpq_class(W(i, j)) - q[static_cast<std::size_t>(j)]);
  mpq_class loss = 0;
  for (Index a = 0; a < W.cols(); ++a)
    for (Index b = 0; b < W.cols(); ++b)
      loss += e[static_cast<std::size_t>(a)] * mpq_class(G(a, b)) * e[static_cast<std::size_t>(b)];
  return loss;
}

Options rotated(const char* grid, Index group_size = 0) {
  Options options{*Grid::parse(grid)};
  options.rotation = hadamard_16;
  options.group_size = group_size;
  return options;
}

struct Case {
  const char* grid;
  Index rows, columns, group;
  double damping = 0.01, correlation = 0.7, outliers = 6;
};

constexpr Case cases[] = {{"lloyd:4", 9, 64, 0},      {"int4", 7, 40, 0},    {"int3s", 8, 67, 32},
                          {"int8", 5, 48, 16},        {"lloyd:2", 6, 33, 0}, {"int4", 3, 7, 0},
                          {"lloyd:4", 4, 16, 0, 0.0}, {"int2", 1, 31, 16},   {"int8s", 600, 18, 0, 0.01, 0.05, 1}};

// A layer with outliers, whose columns are correlated.
struct Made {
  Matrix<float> W;
  Matrix<double> G;
  std::vector<float> signs;
  explicit Made(const Case& c) : W(normal_matrix<float>(c.rows, c.columns, 7)), signs(signs_for(c.columns)) {
    for (Index k = 0; k < W.size(); k += 29) W.data()[k] *= static_cast<float>(c.outliers);
    G = gram_ref(ar1_activations(3 * c.columns, c.columns, c.correlation, 8));
  }
  Expected<Quantized> quantize(const Options& options, Observer* observer = nullptr) const {
    const MatrixRef<float> w = W;
    const MatrixRef<double> g = G;
    hallmark::Layer layer{"w", w, &g};
    layer.signs = signs;
    return hallmark::quantize(layer, options, std::nullopt, observer);
  }
};

}  // namespace

TEST_CASE("R R^T = I in integers") {
  for (const Index columns : {16, 32, 37, 7}) {
    const std::vector<float> signs = signs_for(columns);
    for (Index a = 0; a < columns; ++a)
      for (Index b = 0; b < columns; ++b) {
        int sum = 0;
        for (Index k = 0; k < columns; ++k) sum += entry(signs, a, k) * entry(signs, b, k);
        CHECK(sum == (a == b ? 16 : 0));
      }
    // The additions are this matrix: rows of I turned back are rows of R.
    for (Index a = 0; a < columns; ++a) {
      std::vector<float> x(static_cast<std::size_t>(columns), 0.0F);
      x[static_cast<std::size_t>(a)] = 4;
      rotate_back(x, signs);
      for (Index b = 0; b < columns; ++b)
        CHECK(x[static_cast<std::size_t>(b)] == static_cast<float>(entry(signs, a, b)));
    }
  }
}

TEST_CASE("weights and Gram matrix in the rotated basis are W R^T and R G R^T, rounded") {
  const Made made({"int4", 5, 37, 0});
  const Matrix<float> W = rotated_weights(made.W, made.signs);
  const Matrix<double> G = rotated_gram(made.G, made.signs);
  CHECK(G == G.transpose());
  for (Index a = 0; a < 37; ++a) {
    for (Index i = 0; i < 5; ++i) {
      mpq_class sum = 0;
      for (Index k = 0; k < 37; ++k) sum += mpq_class(made.W(i, k)) * entry(made.signs, a, k) / 4;
      CHECK(std::fabs(W(i, a) - sum.get_d()) <= 0x1p-23 * std::fabs(sum.get_d()));
    }
    for (Index b = 0; b < 37; ++b) {
      mpq_class sum = 0;
      for (Index k = 0; k < 37; ++k)
        for (Index l = 0; l < 37; ++l)
          if (const int r = entry(made.signs, a, k) * entry(made.signs, b, l); r != 0)
            sum += mpq_class(made.G(k, l)) * r / 16;
      CHECK(std::fabs(G(a, b) - sum.get_d()) <= 1e-12 * std::sqrt(made.G.diagonal().maxCoeff() * G(a, a)));
    }
  }
}

TEST_CASE("numbers are exact in binary32, losses enclose the exact ones in the basis of the weights") {
  Index kept = 0;
  for (const Case& c : cases) {
    CAPTURE(c.grid);
    CAPTURE(c.columns);
    const Made made(c);
    Options options = rotated(c.grid, c.group);
    options.damp_fraction = c.damping;
    const auto result = made.quantize(options);
    REQUIRE_MESSAGE(result, to_string(result.error()));
    const Matrix<float> numbers = dequantize(result->codes, result->steps, options.grid);
    CHECK(numbers.cast<double>() == dequantize_f64(result->codes, result->steps, options.grid));
    const Quantized nearest = *quantize_rtn(
        made.W, Options{options.grid, "rtn", options.scale_rule, options.scale_storage, options.group_size});
    Options without = options;
    without.rotation = no_rotation;
    const auto upright = made.quantize(without);
    REQUIRE(upright);
    REQUIRE(result->rtn_steps);
    CHECK(result->rtn_steps->scales == nearest.steps.scales);
    CHECK_FALSE(result->rtn_steps->rotation.any());
    for (Index i = 0; i < c.rows; ++i) {
      const auto k = static_cast<std::size_t>(i);
      CHECK_FALSE((result->steps.rotation.of_row(i) && result->kept_rtn[k] != 0));
      kept += result->kept_rtn[k];
      const std::vector<mpq_class> q = plain_row(options.grid, result->steps, result->codes, i);
      for (Index j = 0; j < c.columns; ++j) CHECK(mpq_class(numbers(i, j)) == q[static_cast<std::size_t>(j)]);
      const mpq_class loss = exact_loss(made.G, made.W, q, i),
                      rtn = exact_loss(made.G, made.W, plain_row(options.grid, nearest.steps, nearest.codes, i), i);
      const Loss& found = result->kept_rtn[k] != 0 ? result->enclosed_rtn[k] : result->enclosed_proposal[k];
      CHECK(mpq_class(found.lo) <= loss);
      CHECK(loss <= mpq_class(found.hi));
      CHECK(found.hi - found.lo <= 0.01 * found.hi);
      CHECK(mpq_class(result->enclosed_rtn[k].lo) <= rtn);
      CHECK(rtn <= mpq_class(result->enclosed_rtn[k].hi));
      CHECK(loss <= rtn);
      CHECK(loss <= exact_loss(made.G, made.W, plain_row(options.grid, upright->steps, upright->codes, i), i));
    }
  }
  CHECK(kept > 10);  // with the scale of the rule, not of the proposal
}

TEST_CASE("enclosures in binary64 hold the exact losses too, and are narrower") {
  struct : Observer {  // asks for them
    void rows(const RecurrenceRows&) override { FAIL("rows of a rotated basis are not shown"); }
    void tensor(const Evidence& evidence) override { losses = evidence.result.enclosed_proposal; }
    std::vector<Loss> losses;
  } observer;
  for (const Case& c : cases) {
    CAPTURE(c.grid);
    const Made made(c);
    Options options = rotated(c.grid, c.group);
    options.guard = false;
    const auto result = made.quantize(options, &observer);
    REQUIRE(result);
    for (Index i = 0; i < c.rows; ++i) {
      const Loss& found = observer.losses[static_cast<std::size_t>(i)];
      const mpq_class loss = exact_loss(made.G, made.W, plain_row(options.grid, result->steps, result->codes, i), i);
      CHECK(mpq_class(found.lo) <= loss);
      CHECK(loss <= mpq_class(found.hi));
      CHECK(found.hi - found.lo <= 1e-9 * found.hi);
    }
  }
}

TEST_CASE("rows on the grid keep their own numbers") {
  Case c{"int4s", 6, 48, 0};
  Made made(c);
  for (Index k = 0; k < made.W.size(); ++k) made.W.data()[k] = static_cast<float>(k % 15 - 7);  // codes under scale 1
  const auto result = made.quantize(rotated(c.grid));
  REQUIRE(result);
  CHECK(result->guard_rows == 0);  // the proposal that is not rotated has them
  CHECK(result->steps.scales == Matrix<float>::Ones(6, 1));
  CHECK(result->steps.rotation.rows == std::vector<std::uint8_t>(6, 0));
  CHECK(dequantize(result->codes, result->steps, *Grid::parse(c.grid)) == made.W);
}

TEST_CASE("where weights have outliers, rotated rows lose less than rows that are not") {
  for (const char* grid : {"int4", "lloyd:4", "int3"}) {
    const Made made({grid, 32, 128, 0});
    Options plain{*Grid::parse(grid)};
    const auto with = made.quantize(rotated(grid)), without = made.quantize(plain);
    REQUIRE(with);
    REQUIRE(without);
    double a = 0, b = 0;
    for (std::size_t i = 0; i < 32; ++i) a += with->loss_final[i], b += without->loss_final[i];
    CHECK(a < 0.8 * b);
    CHECK(with->guard_rows == 0);
  }
}

TEST_CASE("the same bits for every SIMD target, thread count and block size; without the guard every row is rotated") {
  const Made made({"lloyd:4", 40, 83, 0});
  Options options = rotated("lloyd:4");
  options.desc_act = true;
  const auto once = made.quantize(options);
  REQUIRE(once);
  for_each_target([&] {
    for_each_thread_count([&] {
      for (const Index block : {8, 128}) {
        options.block_size = block;
        const auto again = made.quantize(options);
        REQUIRE(again);
        CHECK(again->codes == once->codes);
        CHECK(again->steps.scales == once->steps.scales);
        CHECK(again->steps.rotation.rows == once->steps.rotation.rows);
        CHECK(again->loss_final == once->loss_final);
      }
    });
  });
  options.guard = false;
  const auto unguarded = made.quantize(options);
  REQUIRE(unguarded);
  CHECK(unguarded->steps.rotation.rows == std::vector<std::uint8_t>(40, 1));
}

TEST_CASE("a product of rotated points is exact or said not to be") {
  const Grid lloyd = *Grid::parse("lloyd:4"), int8 = *Grid::parse("int8"), nf4 = *Grid::parse("nf4");
  CHECK(exact_when_rotated(int8, 0x1.ffcp-9F));  // 11 bits
  CHECK(exact_when_rotated(int8, 0x1.fffp-9F));  // 13, with 2048 = 16 * 128
  CHECK_FALSE(exact_when_rotated(int8, 0x1.fff8p-9F));
  CHECK_FALSE(exact_when_rotated(nf4, 0x1.ffcp-9F));
  CHECK(exact_when_rotated(lloyd, 0x1p-147F));
  CHECK_FALSE(exact_when_rotated(lloyd, 0x1p-148F));  // a quarter of it is no number
  CHECK(exact_when_rotated(lloyd, -0x1.ffcp117F));
  CHECK_FALSE(exact_when_rotated(lloyd, 0x1p118F));
  CHECK_FALSE(exact_when_rotated(lloyd, 0.0F));
  for (const char* grid : {"int2", "int8", "int8s", "lloyd:3"}) CHECK(takes_rotation(Grid::parse(grid)->spec()));
  for (const char* grid : {"gf16", "bf16", "int4z", "nf4"}) CHECK_FALSE(takes_rotation(Grid::parse(grid)->spec()));
}

TEST_CASE("what takes no rotation is refused, with what goes") {
  const Made made({"int4", 4, 40, 0});
  const auto refused = [&](const Options& options, const char* hint) {
    const auto result = made.quantize(options);
    REQUIRE(!result);
    CHECK(result.error().number == 232);
    CHECK_MESSAGE(to_string(result.error()).find(hint) != std::string::npos, to_string(result.error()));
  };
  refused(rotated("gf16"), "--grid intB");
  refused(rotated("int4z"), "--grid intB");
  refused(rotated("nf4"), "--grid intB");
  refused(rotated("int4", 8), "multiple of 16");
  Options rtn = rotated("int4");
  rtn.method = "rtn";
  refused(rtn, "--rotation none");
  const MatrixRef<float> W = made.W;
  const MatrixRef<double> G = made.G;
  hallmark::Layer layer{"w", W, &G};
  const auto without_signs = quantize(layer, rotated("int4"));
  REQUIRE(!without_signs);
  CHECK(without_signs.error().number == 232);
  layer.signs = made.signs;
  const auto given = quantize(layer, rotated("int4"), Steps{Matrix<float>::Ones(4, 1)});
  REQUIRE(!given);
  CHECK(given.error().number == 232);
  Matrix<float> huge = made.W;
  huge(0, 0) = 0x1.8p127F;  // numbers without rotation, not their sums
  const MatrixRef<float> H = huge;
  hallmark::Layer beyond{"w", H, &G};
  beyond.signs = made.signs;
  const auto result = quantize(beyond, rotated("int8s"));
  REQUIRE(!result);
  CHECK(result.error().number == 421);
}

TEST_CASE("columns without a token, damped or not, and a block of them") {
  for (const double damping : {0.01, 0.0}) {
    Made made({"lloyd:4", 6, 48, 0});
    Matrix<float> X = ar1_activations(200, 48, 0.5, 9);
    X.middleCols(16, 16).setZero();  // a whole block: zero in both bases
    made.G = gram_ref(X);
    Options options = rotated("lloyd:4");
    options.damp_fraction = damping;
    const auto result = made.quantize(options);
    REQUIRE_MESSAGE(result, to_string(result.error()));
    CHECK(result->dead_columns == 16);
    for (std::size_t i = 0; i < 6; ++i) CHECK(result->loss_final[i] <= result->loss_rtn[i]);
  }
  Made made({"lloyd:4", 6, 48, 0});
  Matrix<float> X = ar1_activations(200, 48, 0.5, 9);
  X.col(3).setZero();  // one of a block: singular when turned
  made.G = gram_ref(X);
  Options options = rotated("lloyd:4");
  CHECK(made.quantize(options));
  options.damp_fraction = 0;
  const auto result = made.quantize(options);
  REQUIRE(!result);
  CHECK(result.error().number == 501);
}

}  // namespace rotation_test
