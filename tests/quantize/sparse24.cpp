// 2:4: at most two codes of each aligned four are not 0, chosen as the method's page says, and no row loses more than
// round-to-nearest of the larger two.
#include <algorithm>
#include <utility>
#include <vector>

#include "certify/two_of_four.hpp"
#include "layer.hpp"
#include "linalg/factor.hpp"
#include "linalg/hessian.hpp"
#include "method/quantize.hpp"

namespace sparse24_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

Options options_of(const SmallLayer& s, Index group = 0) {
  Options options{s.grid};
  options.method = "sparse24";
  options.group_size = group;
  options.guard = false;
  return options;
}

double value(const SmallLayer& s, const Matrix<Code>& codes, Index i, Index j) {
  return s.grid.value(codes(i, j), s.steps.zero(i, j));
}

// Which of the columns from `first` on stay: all of two, else all but the pair (of three: the one) of least sum, found
// by sorting.
std::vector<Index> kept(std::vector<std::pair<double, Index>> sizes) {
  std::sort(sizes.begin(), sizes.end());
  std::vector<Index> columns;
  for (std::size_t k = sizes.size() > 2 ? sizes.size() - 2 : 0; k < sizes.size(); ++k)
    columns.push_back(sizes[k].second);
  return columns;
}

// The method in binary64; without a factor, round-to-nearest of the larger two.
Matrix<Code> plain(const SmallLayer& s, const Factor* factor) {
  const Index n = s.W.cols();
  Matrix<Code> codes(s.W.rows(), n);
  for (Index i = 0; i < s.W.rows(); ++i) {
    std::vector<double> e;
    const auto u = [&](Index j) {
      double sum = s.W(i, j);
      for (std::size_t k = 0; factor && k < e.size(); ++k) sum += e[k] * factor->U(static_cast<Index>(k), j);
      return sum;
    };
    for (Index first = 0; first < n; first += 4) {
      std::vector<std::pair<double, Index>> sizes;
      for (Index j = first; j < std::min(n, first + 4); ++j)
        sizes.emplace_back(u(j) * u(j) * (factor ? factor->d[j] : 1), j);
      const std::vector<Index> stay = kept(sizes);
      for (Index j = first; j < std::min(n, first + 4); ++j) {
        const bool stays = std::find(stay.begin(), stay.end(), j) != stay.end();
        codes(i, j) = s.grid.nearest(stays ? u(j) : 0, s.steps.at(i, j));
        e.push_back(s.W(i, j) - s.steps.scale(i, j) * value(s, codes, i, j));
      }
    }
  }
  return codes;
}

}  // namespace

TEST_CASE("by hand: what is small in w^2 d goes, not what is small in w") {
  Matrix<float> W(1, 4);
  W << 1, 2, 3, 4;
  Matrix<double> G = Matrix<double>::Zero(4, 4);
  G.diagonal() << 16, 1, 1, 1;  // w^2 d is 16, 4, 9, 16 but for damping and a factor of 2
  SmallLayer s = make_layer(W, G, "int4");
  s.steps.scales.setOnes();
  const auto found = run(s, options_of(s), s.steps);
  REQUIRE(found);
  Matrix<Code> expected(1, 4);
  expected << 1, 0, 0, 4;
  CHECK(found->codes == expected);
  CHECK(exact(s, found->codes, s.steps, 0) == 13);
}

TEST_CASE("by hand: what the zeros cost is made up for in the columns that follow") {
  // G = [[1, r], [r, 1]] for columns 0 and 4, the others apart: dropping w_0 = 1 moves u_4 by about r.
  Matrix<float> W(1, 6);
  W << 1, 2, 2, 0, 1, 0;
  Matrix<double> G = Matrix<double>::Identity(6, 6);
  G(0, 4) = G(4, 0) = 0.75;
  SmallLayer s = make_layer(W, G, "int4");
  s.steps.scales.setConstant(0.25F);
  const auto found = run(s, options_of(s), s.steps);
  REQUIRE(found);
  Matrix<Code> expected(1, 6);
  expected << 0, 7, 7, 0, 7, 0;  // u_4 = 1 + 0.743, and 2 is clipped to 7/4; alone 1 would be 4
  CHECK(found->codes == expected);
}

TEST_CASE("codes are the formula's or, where these lose more, round-to-nearest's of the larger two") {
  for (const char* grid : {"int2", "int4", "int4s", "int4z", "int8", "nf4", "gf:3,4", "gf16"})
    for (const Index columns : {Index{40}, Index{21}, Index{6}, Index{3}, Index{2}}) {
      CAPTURE(grid);
      CAPTURE(columns);
      const SmallLayer s = random_layer(60, columns, grid);
      const auto found = run(s, options_of(s));
      REQUIRE(found);
      const Factor factor = *factor_udu(hessian(s.G, damping(s.G, 0.01)));
      const Matrix<Code> mine = plain(s, &factor), larger = plain(s, nullptr);
      Index better = 0;
      for (Index i = 0; i < s.W.rows(); ++i) {
        const bool fallback = exact(s, larger, s.steps, i) < exact(s, mine, s.steps, i);
        better += !fallback;
        CHECK(found->codes.row(i) == (fallback ? larger : mine).row(i));
        for (Index first = 0; first < columns; first += 4) {
          int nonzero = 0;
          for (Index j = first; j < std::min(columns, first + 4); ++j) nonzero += value(s, found->codes, i, j) != 0;
          CHECK(nonzero <= 2);
        }
      }
      CHECK(better > 30);
    }
}

TEST_CASE("the contract holds of what the method makes, and names the row of a third number") {
  for (const char* grid : {"int4", "int4z", "nf4", "gf16"})
    for (const Index columns : {Index{40}, Index{21}, Index{3}, Index{2}}) {
      CAPTURE(grid);
      CAPTURE(columns);
      const SmallLayer s = random_layer(61, columns, grid);
      auto found = run(s, options_of(s));
      REQUIRE(found);
      const auto judged = [&](contracts::Policy policy) {
        contracts::Report report;
        judge_two_of_four(s.grid, found->codes, s.steps, "w", policy, report);
        return report;
      };
      for (const auto policy : {contracts::Policy::on, contracts::Policy::exact}) {
        const contracts::Report report = judged(policy);
        CHECK(report.failed() == 0);
        CHECK(report.counts().find("two_of_four")->second.passed == 61);
      }
      if (columns < 4) continue;
      for (Index j = columns / 4 * 4 - 4; j < columns / 4 * 4 - 1; ++j)  // three of the last whole four
        found->codes(59, j) = s.grid.nearest(1, s.steps.at(59, j));
      const contracts::Report report = judged(contracts::Policy::on);
      CHECK(report.failed() == 1);
      REQUIRE(report.violations().size() == 1);
      CHECK(report.violations().front().row == 59);
    }
}

TEST_CASE("the same codes for every thread count, SIMD target and block size") {
  const SmallLayer s = random_layer(130, 43, "int4", 16);
  Options options = options_of(s, 16);
  const auto first = run(s, options);
  REQUIRE(first);
  const auto same = [&] { CHECK(run(s, options)->codes == first->codes); };
  for_each_target(same);
  for_each_thread_count(same);
  options.block_size = 8;
  same();
}

TEST_CASE("what does not go with 2:4 is refused, with what does") {
  const SmallLayer s = random_layer(3, 16, "int4"), levels = random_layer(3, 16, "lloyd:4");
  const auto refused = [](const SmallLayer& layer, const Options& options, const char* hint) {
    CAPTURE(hint);
    const auto out = run(layer, options);
    REQUIRE_FALSE(out);
    CHECK(out.error().number == 233);
    CHECK(out.error().hint.find(hint) != std::string::npos);
  };
  Options options = options_of(s);
  options.guard = true;
  refused(s, options, "--no-guard");
  options = options_of(s);
  options.desc_act = true;
  refused(s, options, "without --desc-act");
  options = options_of(s);
  options.damp_fraction = 0;
  refused(s, options, "--damp-fraction");
  options = options_of(s);
  options.rotation = "hadamard:16";
  refused(s, options, "--rotation none");
  refused(levels, options_of(levels), "--grid intB");
}

}  // namespace sparse24_test
