// Selective pruning: which codes go, and in which order, is what exact arithmetic says of the whole tensor; nothing
// else changes; and with the guard no row loses more than round-to-nearest.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "artifact/matrix_bits.hpp"
#include "layer.hpp"
#include "method/quantize.hpp"

namespace prune_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

Options options_of(const SmallLayer& s, double fraction, const char* by = "loss") {
  Options options{s.grid};
  options.method = "prune";
  options.prune = fraction;
  options.prune_by = by;
  options.group_size = s.steps.group_size;
  options.guard = false;
  return options;
}

Quantized by(const SmallLayer& s, const char* method) {
  Options options = options_of(s, 0.1);
  options.method = method;
  auto found = run(s, options);
  REQUIRE(found);
  return *std::move(found);
}

// Row by row the better of GPTQ and a descent, GPTQ where they tie.
Quantized start_of(const SmallLayer& s) {
  Quantized start = by(s, "gptq");
  const Quantized descent = by(s, "descent");
  Index better = 0;
  for (Index i = 0; i < s.W.rows(); ++i) {
    if (exact(s, start.codes, start.steps, i) <= exact(s, descent.codes, descent.steps, i)) continue;
    start.codes.row(i) = descent.codes.row(i);
    start.steps.take_row(i, descent.steps);
    ++better;
  }
  CHECK(better > 0);
  return start;
}

// The codes that may go, in the order of the file.
std::vector<std::pair<Index, Index>> small(const SmallLayer& s, const Matrix<Code>& codes) {
  std::vector<std::pair<Index, Index>> places;
  for (Index i = 0; i < codes.rows(); ++i)
    for (Index j = 0; j < codes.cols(); ++j)
      if (s.G(j, j) > 0 && std::fabs(s.grid.value(codes(i, j))) == 1) places.emplace_back(i, j);
  return places;
}

// The code of 1 or -1 whose loss rises least becomes 0, all losses exact; `count` times.
Matrix<Code> pruned(const SmallLayer& s, const Steps& steps, Matrix<Code> codes, Index count) {
  const Index n = codes.cols();
  std::vector<std::optional<mpq_class>> rises(static_cast<std::size_t>(codes.size()));
  for (; count > 0; --count) {
    std::optional<std::size_t> first;
    for (const auto& [i, j] : small(s, codes)) {
      const auto k = static_cast<std::size_t>(i * n + j);
      if (!rises[k]) {
        Matrix<Code> other = codes;
        other(i, j) = 0;
        rises[k] = exact(s, other, steps, i) - exact(s, codes, steps, i);
      }
      if (!first || *rises[k] < *rises[*first]) first = k;
    }
    REQUIRE(first);
    codes.data()[*first] = 0;
    const auto row = static_cast<Index>(*first) / n;
    for (Index j = 0; j < n; ++j) rises[static_cast<std::size_t>(row * n + j)].reset();
  }
  return codes;
}

// The first `count` in the order of s^2; of equal ones those of the first rows and columns.
Matrix<Code> pruned_by_scale(const SmallLayer& s, const Steps& steps, Matrix<Code> codes, Index count) {
  std::vector<std::pair<Index, Index>> places = small(s, codes);
  std::stable_sort(places.begin(), places.end(), [&](const auto& a, const auto& b) {
    return std::fabs(steps.scale(a.first, a.second)) < std::fabs(steps.scale(b.first, b.second));
  });
  for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k) codes(places[k].first, places[k].second) = 0;
  return codes;
}

mpq_class total(const SmallLayer& s, const Quantized& of) {
  mpq_class sum = 0;
  for (Index i = 0; i < s.W.rows(); ++i) sum += exact(s, of.codes, of.steps, i);
  return sum;
}

// What is left under the steps as they are, in the order of the file.
std::vector<int> left(const SmallLayer& s, double fraction, const char* by = "loss") {
  Options options = options_of(s, fraction, by);
  options.scale_rule = given_scales;
  const auto found = run(s, options, s.steps);
  REQUIRE(found);
  std::vector<int> points;
  for (Index k = 0; k < found->codes.size(); ++k)
    points.push_back(static_cast<int>(s.grid.value(found->codes.data()[k])));
  return points;
}

SmallLayer one_step(Matrix<float> W, Matrix<double> G) {
  SmallLayer s = make_layer(std::move(W), std::move(G), "int4");
  s.steps.scales.setOnes();
  return s;
}

}  // namespace

TEST_CASE("by hand: a code that goes changes what the others cost") {
  // Alone column 0 costs 1/2, column 2 3/5 and column 1 4/5; with column 0 gone column 1 gains 1/5.
  Matrix<double> G = Matrix<double>::Identity(4, 4);
  G(0, 1) = G(1, 0) = -0.5;
  Matrix<float> W(1, 4);
  W << 0.6F, 0.7F, 0.8F, 2;
  const SmallLayer s = one_step(W, G);
  CHECK(left(s, 0) == std::vector{1, 1, 1, 2});
  CHECK(left(s, 0.3) == std::vector{1, 1, 1, 2});
  CHECK(left(s, 0.34) == std::vector{0, 1, 1, 2});
  CHECK(left(s, 0.67) == std::vector{0, 0, 1, 2});
}

TEST_CASE("by hand: the order is that of the tensor, by loss or by step, and of equals the first goes first") {
  // Row 0 costs 1/5, 2/5 and 3/5 under the step 1; row 1, which lies on its points, 1/4 each under 1/2.
  Matrix<float> W(2, 3);
  W << 0.6F, 0.7F, 0.8F, 0.5F, 0.5F, -0.5F;
  SmallLayer s = one_step(W, Matrix<double>::Identity(3, 3));
  s.steps.scales(1, 0) = 0.5F;
  CHECK(left(s, 0.17) == std::vector{0, 1, 1, 1, 1, -1});
  CHECK(left(s, 0.51) == std::vector{0, 1, 1, 0, 0, -1});
  CHECK(left(s, 0.84) == std::vector{0, 0, 1, 0, 0, 0});
  CHECK(left(s, 0.17, "scale") == std::vector{1, 1, 1, 0, 1, -1});
  CHECK(left(s, 0.67, "scale") == std::vector{0, 1, 1, 0, 0, 0});
}

TEST_CASE("the codes that go, under the steps of the start, are those of exact arithmetic") {
  for (const char* grid : {"int2", "int2s", "int3", "int4"})
    for (const Index group : {Index{0}, Index{5}}) {
      CAPTURE(grid);
      CAPTURE(group);
      SmallLayer s = random_layer(12, 11, grid, group);
      s.G.row(5).setZero(), s.G.col(5).setZero();
      const Quantized start = start_of(s);
      for (const double fraction : {0.0, 0.1, 0.4, 0.9}) {
        CAPTURE(fraction);
        const auto count = static_cast<Index>(fraction * static_cast<double>(small(s, start.codes).size()));
        const auto found = run(s, options_of(s, fraction)), published = run(s, options_of(s, fraction, "scale"));
        REQUIRE((found && published));
        CHECK(found->codes == pruned(s, start.steps, start.codes, count));
        CHECK(published->codes == pruned_by_scale(s, start.steps, start.codes, count));
        CHECK(found->steps.scales == start.steps.scales);
        CHECK((count == 0) == (found->codes == start.codes));
        CHECK(total(s, *found) <= total(s, *published));
      }
    }
}

TEST_CASE("pruning buys entropy for loss, and with the guard no row loses more than round-to-nearest") {
  const SmallLayer s = random_layer(120, 48, "int4");
  double bits = 99, loss = 0;
  Index kept = 0;
  for (const double fraction : {0.0, 0.1, 0.3, 0.9}) {
    CAPTURE(fraction);
    Options options = options_of(s, fraction);
    const auto free = run(s, options);
    REQUIRE(free);
    CHECK(entropy_of(free->codes) < bits);
    CHECK(total(s, *free).get_d() > loss);
    bits = entropy_of(free->codes);
    loss = total(s, *free).get_d();
    options.guard = true;
    const auto guarded = run(s, options);
    REQUIRE(guarded);
    kept = 0;
    for (Index i = 0; i < s.W.rows(); ++i) {
      CHECK(exact(s, guarded->codes, guarded->steps, i) <= exact(s, s.rtn.codes, s.steps, i));
      kept += guarded->codes.row(i) == s.rtn.codes.row(i) && free->codes.row(i) != s.rtn.codes.row(i);
    }
  }
  CHECK(kept > 0);
}

TEST_CASE("the same codes for every thread count, SIMD target and block size") {
  for (const char* by : {"loss", "scale"}) {
    const SmallLayer s = random_layer(70, 43, "int4", 16);
    Options options = options_of(s, 0.3, by);
    const auto first = run(s, options);
    REQUIRE(first);
    const auto same = [&] {
      const auto again = run(s, options);
      CHECK(again->codes == first->codes);
      CHECK(again->steps.scales == first->steps.scales);
    };
    for_each_target(same);
    for_each_thread_count(same);
    options.block_size = 8;
    same();
  }
}

TEST_CASE("grids without 1, 0 and -1, orders that are none and fractions out of range are refused") {
  for (const char* grid : {"int4z", "gf16", "nf4", "lloyd:3"}) {
    const SmallLayer s = random_layer(3, 4, grid);
    const auto refused = run(s, options_of(s, 0.1));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().number == 233);
    CHECK(refused.error().where.find(grid) != std::string::npos);
    CHECK(refused.error().hint == "--grid intB or intBs");
  }
  const SmallLayer s = random_layer(3, 4, "int4");
  const auto refused = run(s, options_of(s, 0.1, "size"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().number == 233);
  CHECK(refused.error().where.find("'size'") != std::string::npos);
  for (const double fraction : {-0.1, 1.0, std::numeric_limits<double>::quiet_NaN()}) {
    const auto out = run(s, options_of(s, fraction));
    REQUIRE_FALSE(out);
    CHECK(out.error().number == 227);
    CHECK(out.error().where.find("prune") != std::string::npos);
  }
}

}  // namespace prune_test
