// Codes by loss and bits together: the kernel is its plain twin, the method is what its formula says, mu = 0 is GPTQ.
#include <array>
#include <cmath>
#include <limits>

#include "artifact/matrix_bits.hpp"
#include "layer.hpp"
#include "linalg/factor.hpp"
#include "linalg/hessian.hpp"
#include "method/code_rates.hpp"
#include "method/quantize.hpp"

namespace rate_distortion_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

constexpr auto kRows = static_cast<std::size_t>(kLanes<float>);

struct Lane {
  std::array<float, kRows> w{}, sums{}, s{}, u{}, e{};
  std::array<std::int32_t, kRows> zero{}, code{}, memory{};
  RoundedColumn column() {
    return {0, 0, 1, w.data(), sums.data(), s.data(), zero.data(), u.data(), code.data(), e.data(), memory.data()};
  }
};

Options options_of(const SmallLayer& s, double rate, Index group = 0) {
  Options options{s.grid};
  options.method = "rate-distortion";
  options.rate = rate;
  options.group_size = group;
  options.guard = false;
  return options;
}

int sign(double x) { return x < 0 ? -1 : x > 0; }

// The method in binary64 as its page has it, one row after the other, every code tried; bits by the library's log2.
// `before` are the codes that are counted.
Matrix<Code> greedy(const SmallLayer& s, double rate, const Matrix<Code>& before) {
  const Index rows = s.W.rows(), n = s.W.cols();
  const Factor factor = *factor_udu(hessian(s.G, damping(s.G, 0.01)));
  std::vector<Code> all;
  for (int c = 0; c < 65536; ++c)
    if (s.grid.contains(static_cast<Code>(c))) all.push_back(static_cast<Code>(c));
  std::array<std::vector<double>, 3> count;
  std::array<double, 3> total;
  count.fill(std::vector<double>(65536, 0.0));
  total.fill(static_cast<double>(all.size()));
  double square = 0;
  for (Index i = 0; i < rows; ++i) {
    int context = 0;
    for (Index j = 0; j < n; ++j) {
      ++count[static_cast<std::size_t>(context + 1)][before(i, j)];
      ++total[static_cast<std::size_t>(context + 1)];
      context = sign(s.grid.value(before(i, j), s.steps.zero(i, j)));
    }
  }
  for (const float scale : s.steps.scales.reshaped()) square += static_cast<double>(scale) * scale;
  const double mu = rate * factor.d.mean() * square / static_cast<double>(s.steps.scales.size());
  Matrix<Code> codes(rows, n);
  for (Index i = 0; i < rows; ++i) {
    std::vector<double> e;
    int context = 0;
    for (Index j = 0; j < n; ++j) {
      double u = s.W(i, j), least = std::numeric_limits<double>::infinity();
      for (Index k = 0; k < j; ++k) u += e[static_cast<std::size_t>(k)] * factor.U(k, j);
      const std::vector<double>& counted = count[static_cast<std::size_t>(context + 1)];
      for (const Code code : all) {
        const double x = u - s.steps.scale(i, j) * s.grid.value(code, s.steps.zero(i, j));
        const double cost =
            factor.d[j] * x * x - mu * std::log2((counted[code] + 1) / total[static_cast<std::size_t>(context + 1)]);
        if (cost < least) least = cost, codes(i, j) = code;
      }
      const double q = s.grid.value(codes(i, j), s.steps.zero(i, j));
      context = sign(q);
      e.push_back(s.W(i, j) - s.steps.scale(i, j) * q);
    }
  }
  return codes;
}

}  // namespace

TEST_CASE("rates are logarithms to 2^-15 bits, and exact for powers of 2") {
  CHECK(rate_units(1, 1) == 0);
  CHECK(rate_units(1, 2) == 1 << 16);
  CHECK(rate_units(3, 3 << 7) == 7 << 16);
  CHECK(rate_units(1, std::uint64_t{1} << 40) == 40 << 16);
  for (const std::uint64_t N : {3ULL, 16ULL, 1000ULL, 4'194'305ULL, (1ULL << 33) + 12345})
    for (const std::uint64_t n : {std::uint64_t{1}, std::uint64_t{2}, N / 3, N / 2, N - 1}) {
      CAPTURE(N);
      CAPTURE(n);
      const double exact = std::log2(static_cast<double>(N) / static_cast<double>(n));
      CHECK(std::fabs(static_cast<double>(rate_units(n, N)) * 0x1p-16 - exact) <= 0x1p-15);
    }
}

TEST_CASE("by hand: 13 zeros of 13 codes make 0 cheap in their context and nowhere else") {
  // Points -1, 0, 1. No point before, or 0: counts 1, 14, 1 of 16, so 4 bits, log2 (8/7), 4 bits. Else 1 of 3 each.
  const Grid grid = *Grid::parse("int2s");
  const Matrix<float> weights = Matrix<float>::Ones(1, 13);
  const MatrixRef<float> W(weights);
  const Steps steps{Matrix<float>::Ones(1, 1), {}, 0};
  std::vector<Index> order(13);
  for (Index j = 0; j < 13; ++j) order[static_cast<std::size_t>(j)] = j;
  CodeRates rates(grid);
  rates.count({W, grid, steps, order}, Matrix<Code>::Zero(1, 13), 0.125);
  REQUIRE(rates.codes().size() == 3);
  CHECK(rates.codes()[0] == -1);
  CHECK(rates.costs(1)[0] == 0.5F);
  CHECK(rates.costs(1)[1] == doctest::Approx(std::log2(8.0 / 7) / 8).epsilon(1e-4));
  CHECK(rates.costs(1)[2] == 0.5F);
  CHECK(rates.costs(0)[1] == rates.costs(0)[2]);
  CHECK(rates.costs(2)[0] == rates.costs(2)[1]);

  // 0 costs d u^2 + 0.024, 1 costs d (1 - u)^2 + 1/2: equal at u = 1/2 + 0.476/(2 d), so 0.738 for d = 1, 0.559 for 4.
  struct Case {
    float d, u;
    std::int32_t before, expected;
  };
  for (const Case c : {Case{1, 0.6F, 0, 0},
                       {1, 0.7F, 0, 0},
                       {1, 0.75F, 0, 1},
                       {4, 0.55F, 0, 0},
                       {4, 0.6F, 0, 1},
                       {1, 0.6F, 1, 1},
                       {1, 0.6F, -1, 1},
                       {1, 0.4F, 1, 0},
                       {1, -0.75F, 0, -1},
                       {1, -0.7F, 0, 0}}) {
    CAPTURE(c.u);
    CAPTURE(c.d);
    Lane lane;
    lane.s.fill(1);
    lane.w.fill(c.u);
    lane.u.fill(c.u);
    lane.code.fill(static_cast<std::int16_t>(grid.nearest(c.u, 1)));
    lane.memory.fill(c.before);
    rates.choose(c.d, 1, lane.column());
    CHECK(lane.code[7] == c.expected);
    CHECK(lane.e[7] == c.u - static_cast<float>(c.expected));
    CHECK(lane.memory[7] == c.expected);
  }
}

TEST_CASE("the kernel has the codes, errors and signs of its plain twin on every SIMD target") {
  for (const char* grid : {"int2s", "int4", "int4z", "int8", "nf4", "lloyd:3", "gf:2,1", "gf:3,4"}) {
    CAPTURE(grid);
    const SmallLayer s = random_layer(kRows, 40, grid);
    std::vector<Index> order;
    for (Index j = 0; j < 40; ++j) order.push_back(j);
    const MatrixRef<float> W(s.W);
    CodeRates rates(s.grid);
    rates.count({W, s.grid, s.steps, order}, s.rtn.codes, 0.2);
    for (Index j = 0; j < 40; ++j) {
      Lane lane;
      for (std::size_t r = 0; r < kRows; ++r) {
        const auto i = static_cast<Index>(r);
        lane.w[r] = lane.u[r] = s.W(i, j);
        lane.s[r] = s.steps.scale(i, j);
        lane.zero[r] = s.steps.zero(i, j);
        lane.code[r] = s.grid.is_integer() ? static_cast<std::int16_t>(s.rtn.codes(i, j)) : s.rtn.codes(i, j);
        lane.memory[r] = static_cast<std::int32_t>(r % 3) - 1;
      }
      if (j == 3) lane.u[5] = lane.w[5] = 1e30F;  // clipped, and its square is infinite
      Lane plain = lane;
      rates.choose_ref(1.5F, 2, plain.column());
      for_each_target([&] {
        Lane fast = lane;
        rates.choose(1.5F, 2, fast.column());
        CHECK(fast.code == plain.code);
        CHECK(fast.e == plain.e);
        CHECK(fast.memory == plain.memory);
      });
    }
  }
}

TEST_CASE("with mu = 0 codes, counts and losses are GPTQ's") {
  for (const char* grid : {"int2", "int3s", "int4", "int4z", "int8", "nf4", "lloyd:4", "gf:3,4"})
    for (const Index group : {Index{0}, Index{16}}) {
      CAPTURE(grid);
      SmallLayer s = random_layer(70, 40, grid, group);
      for (Index j = 0; j < 40; ++j) s.W(3, j) = 0.25F * static_cast<float>(j % 7 - 3);  // ties
      Options options = options_of(s, 0, group);
      options.guard = true;
      options.desc_act = group != 0;
      const auto mine = run(s, options);
      options.method = "gptq";
      const auto gptq = run(s, options);
      REQUIRE(mine);
      REQUIRE(gptq);
      CHECK(mine->codes == gptq->codes);
      CHECK(mine->clipped == gptq->clipped);
      CHECK(mine->loss_final == gptq->loss_final);
      CHECK(mine->kept_rtn == gptq->kept_rtn);
    }
}

TEST_CASE("two passes of the formula, each with the rates of the codes before it") {
  for (const char* grid : {"int2", "int3", "int4", "int4z", "nf4"})
    for (const Index group : {Index{0}, Index{5}}) {
      CAPTURE(grid);
      const SmallLayer s = random_layer(53, 21, grid, group);
      const auto found = run(s, options_of(s, 0.1, group));
      REQUIRE(found);
      const Matrix<Code> gptq = greedy(s, 0, s.rtn.codes), once = greedy(s, 0.1, gptq), twice = greedy(s, 0.1, once);
      CHECK(once != twice);
      CHECK(found->codes == twice);
      CHECK(found->codes != gptq);
    }
}

TEST_CASE("the same codes for every thread count, SIMD target and block size") {
  for (const char* grid : {"int4", "int3z"}) {
    const SmallLayer s = random_layer(130, 43, grid);
    Options options = options_of(s, 0.1);
    const auto first = run(s, options);
    REQUIRE(first);
    const auto same = [&] { CHECK(run(s, options)->codes == first->codes); };
    for_each_target(same);
    for_each_thread_count(same);
    options.block_size = 8;
    same();
  }
}

TEST_CASE("the entropy of codes of frequencies 1/2, 1/4, 1/4 is 3/2 bits, and that of equal codes none") {
  Matrix<Code> codes(2, 2);
  codes << 7, 65535, 7, 0;
  CHECK(entropy_of(codes) == 1.5);
  CHECK(entropy_of(Matrix<Code>::Constant(3, 5, 9)) == 0);
}

TEST_CASE("what a bit costs buys entropy for loss, and with the guard no row loses more than round-to-nearest") {
  const SmallLayer s = random_layer(120, 48, "int4");
  double bits = 99, loss = 0;
  for (const double rate : {0.0, 0.05, 0.2, 0.8}) {
    Options options = options_of(s, rate);
    const auto free = run(s, options);
    mpq_class sum = 0;
    for (Index i = 0; i < s.W.rows(); ++i) sum += exact(s, free->codes, s.steps, i);
    CHECK(entropy_of(free->codes) < bits);
    CHECK(sum.get_d() > loss);
    bits = entropy_of(free->codes);
    loss = sum.get_d();
    options.guard = true;
    const auto guarded = run(s, options);
    for (Index i = 0; i < s.W.rows(); ++i)
      CHECK(exact(s, guarded->codes, s.steps, i) <= exact(s, s.rtn.codes, s.steps, i));
  }
}

TEST_CASE("weights times a power of 2 have the same codes, and a row of zeros says nothing of steps") {
  SmallLayer s = random_layer(20, 24, "int4");
  s.W.row(4).setZero();  // its scale is 1
  const auto first = run(s, options_of(s, 0.1));
  for (const int exponent : {-60, -10, 40}) {
    SmallLayer t = s;
    t.W *= std::ldexp(1.0F, exponent);
    CHECK(run(t, options_of(t, 0.1))->codes == first->codes);
  }
}

TEST_CASE("a grid of more than 256 codes and a rate out of range are refused") {
  const SmallLayer wide = random_layer(3, 4, "gf16"), s = random_layer(3, 4, "int4");
  const auto refused = run(wide, options_of(wide, 0.1));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().number == 233);
  CHECK(refused.error().hint.find("--grid int8") != std::string::npos);
  for (const double rate : {-0.1, 1.0, std::numeric_limits<double>::quiet_NaN()}) {
    const auto out = run(s, options_of(s, rate));
    REQUIRE_FALSE(out);
    CHECK(out.error().number == 227);
  }
}

}  // namespace rate_distortion_test
