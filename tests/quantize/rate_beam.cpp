// Several partial rows for loss and bits together: one path is the recurrence's choice to the bit, a beam that holds
// every partial row finds the least cost there is, and a narrower one is what its page says, path by path.
#include "method/rate_beam.hpp"

#include <cmath>
#include <limits>

#include "layer.hpp"
#include "linalg/factor.hpp"
#include "linalg/hessian.hpp"
#include "method/quantize.hpp"

namespace rate_beam_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

// A layer, its factor, and rates of the codes of round-to-nearest.
struct Problem {
  SmallLayer s;
  MatrixRef<float> W;
  Factor factor;
  std::vector<Index> order;
  Target target;
  UpperStrips<float> U;
  RatedUnits units;
  CodeRates rates;

  Problem(SmallLayer layer, double rate)
      : s(std::move(layer)),
        W(s.W),
        factor(*factor_udu(hessian(s.G, damping(s.G, 0.01)))),
        order(first(s.W.cols())),
        target{W, s.grid, s.steps, order},
        U(factor.U),
        units(target, factor.d, rate),
        rates(s.grid) {
    rates.count(target, s.rtn.codes, units.mu);
  }
  Problem(Index rows, Index columns, const char* grid, double rate, Index group = 0)
      : Problem(random_layer(rows, columns, grid, group), rate) {}
  Problem(const Problem&) = delete;
  Problem& operator=(const Problem&) = delete;

  static std::vector<Index> first(Index n) {
    std::vector<Index> all;
    for (Index j = 0; j < n; ++j) all.push_back(j);
    return all;
  }

  Rounded none() const { return {Matrix<Code>::Zero(s.W.rows(), s.W.cols()), std::vector<Index>(at(s.W.rows()), 0)}; }
  Rounded beam(Index width) const {
    Rounded rounded = none();
    REQUIRE_FALSE(beam_codes(target, U, units, rates, width, rounded));
    return rounded;
  }
  Rounded recurrence() const {
    Rounded rounded = none();
    REQUIRE_FALSE(run_recurrence(target, U, 128, rounded, nullptr, nullptr, [&](const RoundedColumn& column) {
      rates.choose(units.d[column.position], units.unit, column);
    }));
    return rounded;
  }

  // c_j of a code after these errors, in binary64, and the error that it leaves.
  double step(Index i, Index j, std::size_t k, std::size_t context, std::vector<double>& e) const {
    double u = s.W(i, j);
    for (Index q = 0; q < j; ++q) u += e[at(q)] * factor.U(q, j);
    const double scale = s.steps.scale(i, j), g = rates.point(k, s.steps.zero(i, j)), t = units.unit * (u - scale * g);
    e.push_back(s.W(i, j) - scale * g);
    return units.d[j] * t * t + rates.costs(context)[k];
  }

  std::size_t place(Code code) const {
    std::size_t k = 0;
    while (static_cast<Code>(rates.codes()[k]) != code) ++k;
    return k;
  }

  double cost(const Matrix<Code>& codes, Index i) const {
    double sum = 0;
    std::size_t context = CodeRates::context_after(0);
    std::vector<double> e;
    for (Index j = 0; j < s.W.cols(); ++j) {
      const std::size_t k = place(codes(i, j));
      sum += step(i, j, k, context, e);
      context = CodeRates::context_after(rates.point(k, s.steps.zero(i, j)));
    }
    return sum;
  }

  // The least cost of row i over all codes of the columns from j on.
  double least(Index i, Index j, std::size_t context, const std::vector<double>& e) const {
    if (j == s.W.cols()) return 0;
    double found = std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < rates.codes().size(); ++k) {
      std::vector<double> errors = e;
      const double here = step(i, j, k, context, errors);
      const std::size_t after = CodeRates::context_after(rates.point(k, s.steps.zero(i, j)));
      found = std::min(found, here + least(i, j + 1, after, errors));
    }
    return found;
  }

  // The beam of its page in binary64: whole rows of codes, sorted.
  std::vector<Code> plain(Index i, std::size_t width) const {
    struct Path {
      double cost;
      std::vector<double> e;
      std::vector<Code> codes;
      std::size_t context;
    };
    std::vector<Path> paths{{0, {}, {}, CodeRates::context_after(0)}};
    for (Index j = 0; j < s.W.cols(); ++j) {
      std::vector<Path> all;
      for (const Path& path : paths)
        for (std::size_t k = 0; k < rates.codes().size(); ++k) {
          Path longer = path;
          longer.cost += step(i, j, k, path.context, longer.e);
          longer.codes.push_back(static_cast<Code>(rates.codes()[k]));
          longer.context = CodeRates::context_after(rates.point(k, s.steps.zero(i, j)));
          all.push_back(std::move(longer));
        }
      std::ranges::sort(all, {}, &Path::cost);
      all.resize(std::min(all.size(), width));
      paths = std::move(all);
    }
    return paths.front().codes;
  }
};

Options options_of(const SmallLayer& s, Index beam, double rate = 0.1) {
  Options options{s.grid};
  options.method = "rate-distortion";
  options.rate = rate;
  options.beam = beam;
  options.guard = false;
  return options;
}

}  // namespace

TEST_CASE("a beam of one path has the recurrence's codes and clipped weights, ties and all") {
  for (const char* grid : {"int2s", "int3", "int4", "int4z", "int8", "nf4", "lloyd:3", "gf:3,4"})
    for (const Index group : {Index{0}, Index{5}})
      for (const double rate : {0.0, 0.1}) {
        CAPTURE(grid);
        CAPTURE(rate);
        SmallLayer s = random_layer(101, 37, grid, group);
        for (Index j = 0; j < 37; ++j) {
          s.W(3, j) = 0.25F * static_cast<float>(j % 7 - 3);
          s.W(4, j) *= 3;  // clipped
        }
        const Problem problem(std::move(s), rate);
        const Rounded one = problem.beam(1), expected = problem.recurrence();
        CHECK(one.codes == expected.codes);
        CHECK(one.clipped == expected.clipped);
      }
}

TEST_CASE("of equal costs the nearest code goes first, and sums that swallow a code's cost do not decide") {
  // G = I: u_j = w_j. Weights are halfway between two points; those of row 3 a little more, and it has lost so much
  // that its sums are equal.
  SmallLayer s = random_layer(4, 9, "int3");
  s.G = Matrix<double>::Identity(9, 9);
  s.steps.scales.setOnes();
  for (Index i = 0; i < 4; ++i)
    for (Index j = 0; j < 9; ++j) s.W(i, j) = static_cast<float>((i + j) % 6) - 2.5F;
  for (Index j = 0; j < 9; ++j) s.W(3, j) += 0.05F;
  s.W(3, 0) = 1e12F;
  s.rtn = round_to_nearest(s.W, s.grid, s.steps);
  const Problem free(s, 0), rated(std::move(s), 0.3);
  CHECK(free.beam(1).codes == free.s.rtn.codes);
  CHECK(rated.beam(1).codes == rated.recurrence().codes);
  CHECK(rated.beam(1).codes.row(3) != rated.s.rtn.codes.row(3));
}

TEST_CASE("where the beam holds every partial row no codes cost less") {
  struct Case {
    const char* grid;
    Index columns, partial;  // before the last column
  };
  for (const Case c : {Case{"int2s", 4, 27}, {"int2", 3, 16}, {"int2z", 3, 16}, {"lloyd:2", 3, 16}, {"int4", 2, 16}}) {
    CAPTURE(c.grid);
    const Problem problem(40, c.columns, c.grid, 0.3);
    const Matrix<Code> found = problem.beam(c.partial).codes, one = problem.beam(1).codes;
    Index better = 0;
    for (Index i = 0; i < 40; ++i) {
      const double least = problem.least(i, 0, CodeRates::context_after(0), {}), mine = problem.cost(found, i);
      CHECK(mine <= least * (1 + 1e-5));
      better += problem.cost(one, i) > mine * (1 + 1e-5);
    }
    CHECK(better > 0);
  }
}

TEST_CASE("the cheapest paths stay, whatever the width and however many rows there are") {
  for (const char* grid : {"int2", "int3z", "nf4"})
    for (const Index width : {1, 2, 3, 7, 20, 48}) {
      CAPTURE(grid);
      CAPTURE(width);
      const Problem problem(27, 21, grid, 0.1, 7);
      const Matrix<Code> found = problem.beam(width).codes;
      for (Index i = 0; i < 27; ++i) {
        const std::vector<Code> expected = problem.plain(i, at(width));
        for (Index j = 0; j < 21; ++j) CHECK(found(i, j) == expected[at(j)]);
      }
    }
}

TEST_CASE("more paths cost less in the sum over a layer") {
  for (const char* grid : {"int3", "int4z", "nf4"}) {
    CAPTURE(grid);
    const Problem problem(60, 33, grid, 0.1);
    double before = std::numeric_limits<double>::infinity();
    for (const Index width : {1, 4, 48}) {
      const Matrix<Code> codes = problem.beam(width).codes;
      double sum = 0;
      for (Index i = 0; i < 60; ++i) sum += problem.cost(codes, i);
      CHECK(sum < before);
      before = sum;
    }
  }
}

TEST_CASE("the method: two passes, the same codes for every thread count, SIMD target and block size") {
  const SmallLayer s = random_layer(130, 43, "int3");
  Options options = options_of(s, 6);
  const auto first = run(s, options), one = run(s, options_of(s, 1));
  REQUIRE(first);
  REQUIRE(one);
  CHECK(first->codes != one->codes);
  const auto same = [&] {
    const auto again = run(s, options);
    REQUIRE(again);
    CHECK(again->codes == first->codes);
    CHECK(again->clipped == first->clipped);
    CHECK(again->loss_final == first->loss_final);
  };
  for_each_target(same);
  for_each_thread_count(same);
  options.block_size = 8;
  same();

  Problem problem(random_layer(130, 43, "int3"), 0.1);  // by hand: rates of GPTQ's codes, then of the first pass
  Options gptq = options_of(s, 1);
  gptq.method = "gptq";
  Matrix<Code> codes = run(s, gptq)->codes;
  for (int pass = 0; pass < 2; ++pass) {
    problem.rates.count(problem.target, codes, problem.units.mu);
    codes = problem.beam(6).codes;
  }
  CHECK(first->codes == codes);
}

TEST_CASE("act-order and columns without activations: these are rounded to nearest; the guard loses no more") {
  SmallLayer s = random_layer(50, 24, "int4");
  for (const Index dead : {5, 23}) {
    s.G.row(dead).setZero();
    s.G.col(dead).setZero();
  }
  Options options = options_of(s, 12);
  options.damp_fraction = 0;
  options.desc_act = true;
  const auto found = run(s, options);
  REQUIRE(found);
  for (Index i = 0; i < 50; ++i)
    for (const Index dead : {5, 23}) CHECK(found->codes(i, dead) == s.rtn.codes(i, dead));
  options.guard = true;
  const auto guarded = run(s, options);
  REQUIRE(guarded);
  for (Index i = 0; i < 50; ++i) CHECK(exact(s, guarded->codes, s.steps, i) <= exact(s, s.rtn.codes, s.steps, i));
}

TEST_CASE("a row whose paths all overflow is named, and a beam out of range is refused") {
  Problem problem(7, 9, "int4", 0.1);
  problem.U = [&] {
    Matrix<double> huge = problem.factor.U;
    huge(0, 4) = 1e38;
    return UpperStrips<float>(huge);
  }();
  problem.s.W(5, 0) = 1e3F;  // clipped: its error of about 1000 times 1e38 is infinite
  Rounded rounded = problem.none();
  const auto lost = beam_codes(problem.target, problem.U, problem.units, problem.rates, 6, rounded);
  REQUIRE(lost);
  CHECK(lost->row == 5);
  CHECK(lost->column == 4);
  const SmallLayer s = random_layer(3, 4, "int4");
  for (const Index beam : {Index{0}, Index{-1}, widest_beam + 1}) {
    const auto refused = run(s, options_of(s, beam));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().number == 227);
  }
}

}  // namespace rate_beam_test
