// Trellis codes: the points of their windows, the search along the recurrence, and rotated rows that hold them.
#include "format/trellis.hpp"

#include <gmpxx.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "../linalg/random.hpp"
#include "linalg/gram.hpp"
#include "method/factored.hpp"
#include "method/quantize.hpp"
#include "method/rtn.hpp"
#include "method/trellis.hpp"

namespace trellis_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

// The points of a row, by its definition: the codes as one number to the base 2^bits, its last 12 bits at each column.
std::vector<int> points_of(std::span<const Code> codes, int bits) {
  std::vector<int> points;
  mpz_class number = 0;
  for (const Code code : codes) {
    number = number * (1 << bits) + code;
    const mpz_class x = number % 4096, y = (34038481 * x + 76625530) % mpz_class("4294967296");
    mpz_class sum = 0;
    for (const unsigned shift : {0U, 8U, 16U, 24U}) sum += (y >> shift) % 256;
    points.push_back(static_cast<int>(mpz_class(sum - 510).get_si()));
  }
  return points;
}

// A factor U D U^T of a Gram matrix of correlated columns, and a row of a normal distribution.
struct Problem {
  std::vector<Index> order;
  Matrix<float> U;
  Vector<double> d;
  std::vector<float> w;
  Problem(Index columns, double correlation, unsigned seed, Index leave_out = -1) {
    Matrix<float> row = normal_matrix<float>(1, columns, seed);
    w.assign(row.data(), row.data() + columns);
    for (Index j = 0; j < columns; ++j)
      if (j != leave_out) order.push_back(j);
    const auto n = std::ssize(order);
    Backend cpu;
    const Matrix<double> G = gram_ref(ar1_activations(4 * n + 8, n, correlation, seed + 1));
    const auto factored = factor_hessian(n, G, 0.01, false, "w", std::nullopt, cpu);
    REQUIRE(factored);
    U = factored->factor.U.cast<float>();
    d = factored->factor.d;
  }
  TrellisPath path(float s, int bits) const { return trellis_path(w, s, bits, order, UpperStrips<float>(U), d); }
  // sum d_p (u_p - s g_p)^2 of any codes.
  double cost(std::span<const Code> codes, double s, int bits) const {
    const std::vector<int> g = points_of(codes, bits);
    double sum = 0;
    for (Index p = 0; p < std::ssize(order); ++p) {
      const std::size_t j = at(order[at(p)]);
      double u = static_cast<double>(w[j]);
      for (Index k = 0; k < p; ++k)
        u += (static_cast<double>(w[at(order[at(k)])]) - s * g[at(order[at(k)])]) * static_cast<double>(U(k, p));
      sum += d[p] * (u - s * g[j]) * (u - s * g[j]);
    }
    return sum;
  }
};

// Every sequence of codes.
void each_sequence(Index columns, int bits, const auto& visit) {
  std::vector<Code> codes(at(columns), 0);
  for (unsigned long k = 0; k < 1UL << bits * columns; ++k) {
    for (std::size_t j = 0; j < codes.size(); ++j)
      codes[j] = static_cast<Code>(k >> bits * static_cast<int>(j) & ((1U << bits) - 1));
    visit(std::span<const Code>(codes));
  }
}

// The least sum of (w_j - s g_j)^2: Viterbi's algorithm over all windows.
double viterbi(std::span<const float> w, double s, int bits) {
  std::vector<double> cost(4096, INFINITY);
  cost[0] = 0;
  for (const float x : w) {
    std::vector<double> next(4096, INFINITY);
    for (unsigned from = 0; from < 4096; ++from)
      for (unsigned c = 0; c < 1U << bits; ++c) {
        const unsigned to = (from << bits | c) & 4095;
        const double e = static_cast<double>(x) - s * trellis::value(to);
        next[to] = std::min(next[to], cost[from] + e * e);
      }
    cost = std::move(next);
  }
  return *std::ranges::min_element(cost);
}

Options options_for(const char* grid) {
  Options options{*Grid::parse(grid)};
  options.method = "trellis";
  options.rotation = hadamard_16;
  return options;
}

// A layer with outliers, whose columns are correlated.
struct Made {
  Matrix<float> W;
  Matrix<double> G;
  std::vector<float> signs;
  Made(Index rows, Index columns) : W(normal_matrix<float>(rows, columns, 7)) {
    for (Index j = 0; j < Rotation::columns_of(columns); ++j) signs.push_back((j * j + j / 3) % 3 == 1 ? -1.0F : 1.0F);
    for (Index k = 0; k < W.size(); k += 29) W.data()[k] *= 6;
    G = gram_ref(ar1_activations(3 * columns, columns, 0.7, 8));
  }
  Expected<Quantized> quantize(const Options& options) const {
    const MatrixRef<float> w = W;
    const MatrixRef<double> g = G;
    hallmark::Layer layer{"w", w, &g};
    if (options.rotation != no_rotation) layer.signs = signs;
    return hallmark::quantize(layer, options);
  }
};

}  // namespace

TEST_CASE("the points of the windows are those of 1MAD in arithmetic without words") {
  CHECK(trellis::value(0) == -185);  // 4 + 145 + 54 + 122 - 510
  double sum = 0, squares = 0;
  for (unsigned x = 0; x < trellis::kStates; ++x) {
    const std::vector<Code> codes = {static_cast<Code>(x >> 10),    static_cast<Code>(x >> 8 & 3),
                                     static_cast<Code>(x >> 6 & 3), static_cast<Code>(x >> 4 & 3),
                                     static_cast<Code>(x >> 2 & 3), static_cast<Code>(x & 3)};
    CHECK(trellis::value(x) == points_of(codes, 2).back());
    CHECK(std::abs(trellis::value(x)) <= trellis::kLargest);
    sum += trellis::value(x);
    squares += std::pow(trellis::value(x), 2);
  }
  CHECK(std::fabs(sum / trellis::kStates) < 2);
  CHECK(std::sqrt(squares / trellis::kStates) == doctest::Approx(trellis::kDeviation).epsilon(0.01));
}

TEST_CASE("on few columns no codes at all cost less, under any feedback") {
  const std::pair<Index, int> sizes[] = {{3, 2}, {2, 2}, {2, 3}, {1, 3}};
  for (const auto& size : sizes)
    for (const unsigned seed : {1U, 2U, 3U, 4U}) {
      const Index columns = size.first;
      const int bits = size.second;
      const Problem problem(columns, 0.9, seed);
      const TrellisPath found = problem.path(0x1p-7F, bits);
      double least = INFINITY;
      each_sequence(columns, bits,
                    [&](std::span<const Code> c) { least = std::min(least, problem.cost(c, 0x1p-7, bits)); });
      CHECK(problem.cost(found.codes, 0x1p-7, bits) <= least * (1 + 1e-5));
      CHECK(static_cast<double>(found.cost) == doctest::Approx(least).epsilon(1e-4));
    }
}

TEST_CASE("without feedback little more is lost than by Viterbi's algorithm over all windows, and never less") {
  for (const int bits : {2, 3}) {
    double found = 0, least = 0;
    for (const unsigned seed : {1U, 2U, 3U, 4U, 5U, 6U}) {
      Problem problem(128, 0, seed);
      problem.U = Matrix<float>::Identity(128, 128);
      problem.d.setOnes();
      const double of_row = viterbi(problem.w, 0x1p-7 * 0.85, bits);
      const double cost =
          problem.cost(problem.path(0x1p-7F * 0.85F, bits).codes, 0x1p-7 * static_cast<double>(0.85F), bits);
      CHECK(cost >= of_row * (1 - 1e-6));
      found += cost, least += of_row;
    }
    CHECK(found <= 1.25 * least);
    // Max's quantizer leaves 0.1175 and 0.03454 of the variance.
    CHECK(least / (6 * 128) < (bits == 2 ? 0.095 : 0.029));
  }
}

TEST_CASE("the cost is that of the codes, and the twin finds the same bits on every target") {
  for (const auto& [columns, left_out] : {std::pair<Index, Index>{1, -1}, {7, 3}, {8, 0}, {9, 8}, {64, 20}, {83, -1}})
    for (const int bits : {2, 3}) {
      const Problem problem(columns, 0.8, static_cast<unsigned>(columns), left_out);
      const TrellisPath plain = trellis_path_ref(problem.w, 0x1.2p-7F, bits, problem.order, problem.U, problem.d);
      CHECK(static_cast<double>(plain.cost) ==
            doctest::Approx(problem.cost(plain.codes, 0x1.2p-7, bits)).epsilon(1e-3));
      for_each_target([&] {
        const TrellisPath path = problem.path(0x1.2p-7F, bits);
        CHECK(path.codes == plain.codes);
        CHECK(path.cost == plain.cost);
      });
      if (left_out < 0) continue;
      // There the nearest of the points that the window allows.
      std::vector<Code> other = plain.codes;
      const auto j = at(left_out);
      const double w = static_cast<double>(problem.w[j]);
      const double far = std::fabs(w - 0x1.2p-7 * points_of(plain.codes, bits)[j]);
      for (unsigned c = 0; c < 1U << bits; ++c) {
        other[j] = static_cast<Code>(c);
        CHECK(far <= std::fabs(w - 0x1.2p-7 * points_of(other, bits)[j]) + 1e-6);
      }
    }
}

TEST_CASE("what overflows costs infinitely much and is not taken") {
  Problem problem(20, 0.8, 5);
  for (float& x : problem.w) x = 0x1p126F;
  CHECK(std::isinf(problem.path(0x1p-7F, 2).cost));
}

TEST_CASE("numbers are exact, losses enclosed, no row loses more than round-to-nearest, whatever the threads") {
  for (const char* grid : {"trellis:2", "trellis:3"})
    for (const Index columns : {5, 33, 64}) {
      const Made made(7, columns);
      const Options options = options_for(grid);
      const auto result = made.quantize(options);
      REQUIRE_MESSAGE(result, to_string(result.error()));
      const Matrix<float> numbers = dequantize(result->codes, result->steps, options.grid);
      Index turned = 0;
      for (Index i = 0; i < 7; ++i) {
        const bool trellis = result->steps.rotation.of_row(i);
        const bool kept = result->kept_rtn[at(i)] != 0;
        CHECK_FALSE((trellis && kept));
        turned += trellis;
        std::vector<mpq_class> p;
        const std::vector<int> g = points_of({&result->codes(i, 0), at(columns)}, options.grid.spec().bits);
        for (Index j = 0; j < columns; ++j)
          p.push_back(mpq_class(result->steps.scale(i, j)) *
                      (trellis ? mpq_class(g[at(j)]) : mpq_class(options.grid.value(result->codes(i, j)))));
        std::vector<mpq_class> q = p;
        for (std::size_t j = 0; trellis && j < made.signs.size(); ++j) {
          q[j] = 0;
          for (std::size_t k = 0; k < 16; ++k)
            q[j] += (std::popcount(j % 16 & k) % 2 == 0 ? 1 : -1) * p[j / 16 * 16 + k] / 4;
          q[j] *= made.signs[j];
        }
        mpq_class loss = 0;
        for (Index a = 0; a < columns; ++a) {
          CHECK(mpq_class(numbers(i, a)) == q[at(a)]);
          for (Index b = 0; b < columns; ++b)
            loss +=
                (mpq_class(made.W(i, a)) - q[at(a)]) * mpq_class(made.G(a, b)) * (mpq_class(made.W(i, b)) - q[at(b)]);
        }
        const Loss& found = kept ? result->enclosed_rtn[at(i)] : result->enclosed_proposal[at(i)];
        CHECK(mpq_class(found.lo) <= loss);
        CHECK(loss <= mpq_class(found.hi));
        CHECK(result->loss_final[at(i)] <= result->loss_rtn[at(i)]);
      }
      CHECK(turned > 0);
      for_each_thread_count([&] {
        const auto again = made.quantize(options);
        REQUIRE(again);
        CHECK(again->codes == result->codes);
        CHECK(again->steps.scales == result->steps.scales);
      });
    }
}

TEST_CASE("less is lost than by the best rotated levels of as many bits") {
  const Made made(24, 128);
  for (const auto& [trellis, levels] : {std::pair{"trellis:2", "lloyd:2"}, {"trellis:3", "lloyd:3"}}) {
    Options best = options_for(levels);
    best.method = "best";
    const auto a = made.quantize(options_for(trellis)), b = made.quantize(best);
    REQUIRE((a && b));
    double with = 0, without = 0;
    for (std::size_t i = 0; i < 24; ++i) with += a->loss_final[i], without += b->loss_final[i];
    CHECK(with < 0.85 * without);
  }
}

TEST_CASE("rows without a rotation have what method best finds for the levels of as many bits") {
  Made made(16, 64);
  const Options rtn{*Grid::parse("lloyd:2"), "rtn"};
  const Quantized nearest = *made.quantize(rtn);
  made.W.topRows(8) = dequantize(nearest.codes, nearest.steps, rtn.grid).topRows(8);  // on the grid as they are
  Options upright{*Grid::parse("lloyd:2")};
  upright.method = "best";
  const auto both = made.quantize(options_for("trellis:2")), alone = made.quantize(upright);
  REQUIRE((both && alone));
  for (std::size_t i = 0; i < 16; ++i) CHECK(both->loss_final[i] <= alone->loss_final[i] * (1 + 1e-6));
  CHECK(std::ranges::count(std::span(both->steps.rotation.rows).first(8), 0) == 8);
  CHECK(std::ranges::count(std::span(both->steps.rotation.rows).last(8), 1) > 0);
  CHECK(both->guard_rows == 0);
  Options rotated_alone = options_for("trellis:2");
  rotated_alone.guard = false;
  const auto unguarded = made.quantize(rotated_alone);
  REQUIRE(unguarded);
  CHECK(std::ranges::count(unguarded->steps.rotation.rows, 1) == 16);
}

TEST_CASE("a scale is exact where sums of 16 points of the trellis are") {
  const Grid trellis = *Grid::parse("trellis:2"), levels = *Grid::parse("lloyd:2");
  CHECK(exact_when_rotated(trellis, 0x1.ffcp-9F));  // 11 bits, and 13 of 16 * 510
  CHECK_FALSE(exact_when_rotated(trellis, 0x1.ffep-9F));
  CHECK(exact_when_rotated(levels, 0x1.ffep-9F));
  CHECK(takes_rotation(trellis.spec()));
}

TEST_CASE("what does not go with a trellis is refused, with what goes") {
  const Made made(4, 40);
  const auto refused = [&](const Options& options, const char* hint, int number = 233) {
    const auto result = made.quantize(options);
    REQUIRE(!result);
    CHECK(result.error().number == number);
    CHECK_MESSAGE(to_string(result.error()).find(hint) != std::string::npos, to_string(result.error()));
  };
  refused(options_for("lloyd:2"), "--grid trellis:2");
  Options options = options_for("trellis:2");
  options.rotation = no_rotation;
  refused(options, "--rotation hadamard:16");
  options = options_for("trellis:2");
  options.group_size = 16;
  refused(options, "--group-size 0");
  options = options_for("trellis:2");
  options.desc_act = true;
  refused(options, "without --desc-act");
  options = options_for("trellis:3");
  options.method = "gptq";
  refused(options, "--method trellis", 232);
  CHECK_FALSE(Grid::parse("trellis:4"));
  // Rows that are not rotated have the levels of lloyd:B.
  Options plain{*Grid::parse("trellis:2")}, levels{*Grid::parse("lloyd:2")};
  plain.method = levels.method = "rtn";
  const auto a = made.quantize(plain), b = made.quantize(levels);
  REQUIRE((a && b));
  CHECK(a->codes == b->codes);
}

}  // namespace trellis_test
