// The lower bounds of the certificate (T21) against all codes there are: each row's optimum by enumeration against
// brute force in exact rationals, and the bound by a diagonal against the optimum where G falls into small blocks.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "../quantize/layer.hpp"
#include "certify/best_codes.hpp"
#include "certify/lower_diagonal.hpp"
#include "certify/optimality.hpp"

namespace optimality_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

// The codes of a grid of few points.
std::vector<Code> codes_of(const Grid& grid) {
  std::vector<Code> codes;
  for (std::size_t code = 0; code < std::size_t{1} << 16; ++code)
    if (grid.contains(static_cast<Code>(code))) codes.push_back(static_cast<Code>(code));
  return codes;
}

// The least loss of row i over every choice of codes in these columns, the other weights being as good as on the grid.
oracle::Dyadic least_of_all(const SmallLayer& s, Index i, Index first, Index count) {
  const std::vector<Code> codes = codes_of(s.grid);
  const Matrix<double> G = s.G.block(first, first, count, count);
  const auto n = static_cast<std::size_t>(count);
  const oracle::ExactGram gram({G.data(), n * n}, n);
  std::vector<float> w(n), scale(n);
  std::vector<double> point(n);
  std::vector<std::size_t> digit(n, 0);
  std::optional<oracle::Dyadic> least;
  for (bool more = true; more;) {
    for (std::size_t k = 0; k < n; ++k) {
      const Index j = first + static_cast<Index>(k);
      w[k] = s.W(i, j), scale[k] = s.steps.scale(i, j);
      point[k] = s.grid.value(codes[digit[k]], s.steps.zero(i, j));
    }
    if (const oracle::Dyadic loss = gram.loss(w, scale, point); !least || compare(loss, *least) < 0) least = loss;
    more = false;
    for (std::size_t k = 0; k < n && !more; ++k) {
      more = ++digit[k] < codes.size();
      if (!more) digit[k] = 0;
    }
  }
  return *least;
}

Options options_of(const Grid& grid) { return Options{grid}; }

std::vector<Optimality> optimality_of(const SmallLayer& s) { return optimality(s.W, s.G, options_of(s.grid), s.steps); }

// `blocks` independent layers of `width` columns side by side.
SmallLayer in_blocks(Index rows, Index blocks, Index width, const char* grid, std::uint32_t seed) {
  Matrix<double> G = Matrix<double>::Zero(blocks * width, blocks * width);
  for (Index b = 0; b < blocks; ++b)
    G.block(b * width, b * width, width, width) =
        gram_ref(ar1_activations(width + 5, width, 0.7, seed + static_cast<std::uint32_t>(b)));
  return make_layer(normal_matrix<float>(rows, blocks * width, seed + 100), std::move(G), grid);
}

}  // namespace

TEST_CASE("the optimum of few columns is that of brute force, on every kind of grid") {
  struct Kind {
    const char* grid;
    Index columns, group_size;
    std::uint32_t count;
  };
  std::size_t not_rtn = 0;
  for (const Kind& kind :
       {Kind{"int2", 4, 0, 60}, Kind{"int2", 5, 2, 8}, Kind{"int2z", 4, 2, 20}, Kind{"int3s", 3, 0, 20},
        Kind{"int3", 3, 0, 20}, Kind{"nf4", 3, 0, 6}, Kind{"lloyd:2", 4, 0, 20}, Kind{"gf:2,1", 3, 0, 10}})
    for (std::uint32_t seed = 0; seed < kind.count; ++seed) {
      CAPTURE(kind.grid);
      CAPTURE(seed);
      // Correlated columns, and on every third occasion fewer tokens than columns: G singular.
      const Index tokens = seed % 3 == 2 ? kind.columns - 1 : kind.columns + 3;
      const SmallLayer s =
          make_layer(normal_matrix<float>(4, kind.columns, 7 * seed + 1),
                     gram_ref(ar1_activations(tokens, kind.columns, 0.95, 7 * seed + 2)), kind.grid, kind.group_size);
      const std::vector<Optimality> found = optimality_of(s);
      for (Index i = 0; i < s.W.rows(); ++i) {
        const Optimality& row = found[static_cast<std::size_t>(i)];
        const oracle::Dyadic least = least_of_all(s, i, 0, kind.columns);
        CHECK(row.by == optimality_by::optimum);
        REQUIRE(row.lower.has_value());
        CHECK(*row.lower == least.round_down());
        not_rtn += exact(s, s.rtn.codes, s.steps, i) != least.rational();
      }
    }
  CHECK(not_rtn > 300);  // else nothing was looked for
}

TEST_CASE("dead columns cost nothing, and a matrix of them alone loses nothing") {
  SmallLayer s = random_layer(3, 5, "int2");
  s.G.row(1).setZero();
  s.G.col(1).setZero();
  Matrix<double> G(4, 4);
  const std::vector<Index> live{0, 2, 3, 4};
  SmallLayer without = make_layer(s.W(Eigen::all, live), s.G(live, live), "int2");
  without.steps = s.steps;
  const auto found = optimality_of(s);
  for (Index i = 0; i < 3; ++i)
    CHECK(*found[static_cast<std::size_t>(i)].lower == least_of_all(without, i, 0, 4).round_down());
  s.G.setZero();
  for (const Optimality& row : optimality_of(s)) CHECK(row == Optimality{0.0, optimality_by::diagonal});
}

TEST_CASE("a diagonal's bound is below the optimum of every row, and not far below") {
  double bound = 0, optimum = 0;
  for (std::uint32_t seed = 0; seed < 12; ++seed)
    for (const char* grid : {"int2", "int2z", "lloyd:2"}) {
      const SmallLayer s = in_blocks(5, 5, 4, grid, 1000 * seed);  // 20 columns: too many to enumerate together
      const auto found = optimality_of(s);
      for (Index i = 0; i < s.W.rows(); ++i) {
        const Optimality& row = found[static_cast<std::size_t>(i)];
        CHECK(row.by == optimality_by::diagonal);
        oracle::Dyadic least;
        for (Index b = 0; b < 5; ++b) least += least_of_all(s, i, 4 * b, 4);
        REQUIRE(row.lower.has_value());
        CHECK(*row.lower > 0);
        CHECK(*row.lower <= least.round_down());
        bound += *row.lower, optimum += least.round_up();
      }
    }
  CHECK(bound > 0.25 * optimum);
}

TEST_CASE("a diagonal G has the distances of round-to-nearest for its optimum, and its bound is nearly that") {
  SmallLayer s = random_layer(6, 40, "int4");
  s.G = Matrix<double>(s.G.diagonal().asDiagonal());
  const auto found = optimality_of(s);
  for (Index i = 0; i < 6; ++i) {
    const double least = exact(s, s.rtn.codes, s.steps, i).get_d();
    CHECK(*found[static_cast<std::size_t>(i)].lower <= least);
    CHECK(*found[static_cast<std::size_t>(i)].lower > 0.95 * least);
  }
}

TEST_CASE("taking more than the diagonal allows is not shown, and what is taken leaves G positive definite") {
  const SmallLayer s = random_layer(2, 24, "int3");
  const auto delta = lower_diagonal(s.G, Vector<double>::Ones(24));
  REQUIRE(delta.has_value());
  // G - delta / 2 and twice delta, judged by an exact-arithmetic elimination.
  const auto definite = [&](double part) {
    std::vector<mpq_class> H;
    for (Index i = 0; i < 24; ++i)
      for (Index j = 0; j < 24; ++j)
        H.push_back(mpq_class(s.G(i, j)) - (i == j ? mpq_class(part) * mpq_class((*delta)[i]) : mpq_class(0)));
    for (std::size_t k = 0; k < 24; ++k) {
      if (H[k * 24 + k] <= 0) return false;
      for (std::size_t i = k + 1; i < 24; ++i)
        for (std::size_t j = k + 1; j < 24; ++j)
          H[i * 24 + j] -= mpq_class(H[i * 24 + k] * H[k * 24 + j] / H[k * 24 + k]);
    }
    return true;
  };
  CHECK(definite(0.5));
  CHECK(!definite(2));
  CHECK(!shown_weights(s.G, 2 * *delta));
  CHECK(!shown_weights(s.G, Vector<double>::Zero(24)));  // the factorization would not be paid for
  const auto c = shown_weights(s.G, 0.5 * *delta);
  REQUIRE(c.has_value());
  for (Index j = 0; j < 24; ++j) {
    const mpq_class left(s.G(j, j) - 0.5 * (*delta)[j]), taken = mpq_class(s.G(j, j)) - left;
    const mpq_class formula = taken - mpq_class(24 * 26) * mpq_class(0x1p-53) * left;
    CHECK(mpq_class((*c)[j]) <= formula);
    const mpq_class nearly = formula - mpq_class(0x1p-49) * taken;
    CHECK(mpq_class((*c)[j]) >= nearly);
  }
}

TEST_CASE("where there is no bound the reason is there") {
  SmallLayer s = random_layer(3, 20, "int4");
  Options options = options_of(s.grid);
  options.target = "asymmetric";
  for (const Optimality& row : optimality(s.W, s.G, options, s.steps))
    CHECK(row == Optimality{std::nullopt, optimality_by::asymmetric});
  s.steps.rotation.rows = {0, 1, 0};
  s.steps.rotation.signs.assign(20, 1.0F);
  const auto turned = optimality(s.W, s.G, options_of(s.grid), s.steps);
  CHECK(turned[0].by == optimality_by::diagonal);
  CHECK(turned[1] == Optimality{std::nullopt, optimality_by::rotated});
  s.steps.rotation = {};
  s.G = gram_ref(ar1_activations(3, 20, 0.5, 3));  // 3 tokens for 20 columns
  for (const Optimality& row : optimality_of(s)) CHECK(row == Optimality{std::nullopt, optimality_by::singular});
}

TEST_CASE("codes that are too many to look at leave the bound of a diagonal") {
  const SmallLayer s = make_layer(normal_matrix<float>(1, 16, 5), gram_ref(ar1_activations(4, 16, 0.99, 6)), "int8");
  CHECK(optimality_of(s)[0].by == optimality_by::singular);
  const SmallLayer fine = make_layer(normal_matrix<float>(1, 16, 5), gram_ref(ar1_activations(64, 16, 0.5, 6)), "int8");
  CHECK(optimality_of(fine)[0].by == optimality_by::optimum);
}

TEST_CASE("the bits are the same for any threads and targets") {
  const SmallLayer s = random_layer(9, 70, "int3"), few = random_layer(9, 9, "int3");
  const auto wide = optimality_of(s), enumerated = optimality_of(few);
  for_each_target([&] {
    for_each_thread_count([&] {
      CHECK(optimality_of(s) == wide);
      CHECK(optimality_of(few) == enumerated);
    });
  });
}

}  // namespace optimality_test
