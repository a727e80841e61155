// The oracle on rows as the recurrence's plain twin computes them: it agrees with rationals, accepts what is right, and
// finds every fault that is planted.
#include "oracle/exact_recurrence.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "format/grid.hpp"
#include "oracle/exact_gptq.hpp"

namespace exact_recurrence_test {

using hallmark::Grid;
using namespace hallmark::oracle;

namespace {

struct Row {
  std::size_t n = 0;
  ExactGrid grid;
  std::vector<float> U, w, s, u;
  std::vector<Code> codes;
  std::vector<int> z{};
  int zero(std::size_t j) const { return z.empty() ? 0 : z[j]; }
};

// The recurrence as docs/design.md writes it, in binary32.
Row make_row(std::size_t n, const char* grid, std::uint64_t seed, float feedback = 0.3F) {
  std::mt19937_64 generator(seed);
  const auto random = [&] { return static_cast<float>(static_cast<double>(generator() >> 11) * 0x1p-52 - 1); };
  Row row{n,
          ExactGrid::of(Grid::parse(grid)->spec()),
          std::vector<float>(n * n),
          {},
          {},
          std::vector<float>(n),
          std::vector<Code>(n)};
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t j = k; j < n; ++j) row.U[k * n + j] = j == k ? 1 : feedback * random();
  const hallmark::GridSpec spec = Grid::parse(grid)->spec();
  for (std::size_t j = 0; j < n; ++j) {
    row.w.push_back(random());
    row.s.push_back(j % 2 == 0 ? 0.140625F : spec.either_sign ? -0.15625F : 0.15625F);
    if (spec.kind == hallmark::GridSpec::Kind::table) row.s.back() *= 8 / static_cast<float>(spec.largest);
    if (spec.zero_points) row.z.push_back(static_cast<int>(j) % (spec.last + 1));
  }
  std::vector<float> e(n);
  for (std::size_t j = 0; j < n; ++j) {
    float r = 0;
    for (std::size_t k = 0; k < j; ++k) r = std::fma(e[k], row.U[k * n + j], r);
    row.u[j] = row.w[j] + r;
    row.codes[j] = row.grid.nearest(Dyadic(row.u[j]), Dyadic(row.s[j]), row.zero(j)).code;
    e[j] = std::fma(-row.s[j], static_cast<float>(row.grid.value(row.codes[j], row.zero(j))), row.w[j]);
  }
  return row;
}

RowVerdict judge(const Row& row) {
  return ExactRecurrence(row.U, row.n).judge(row.grid, row.w, row.s, row.z, row.codes, row.u);
}

}  // namespace

TEST_CASE("the exact weights are those of rationals, and delta is T11's bound") {
  for (const char* grid : {"int4s", "int4", "int4z", "nf4", "lloyd:4"})
    for (const std::size_t n : {1U, 2U, 9U, 30U}) {
      CAPTURE(grid);
      const Row row = make_row(n, grid, n, 1.5F);  // errors beyond half a step, so that e_k is rounded
      const auto exact = ExactRecurrence(row.U, n).weights(row.grid, row.w, row.s, row.z, row.codes, row.u);
      const mpq_class v(0x1p-24), z(0x1p-150);
      for (std::size_t j = 0; j < n; ++j) {
        mpq_class u(row.w[j]), feedback(0), size(0);
        for (std::size_t k = 0; k < j; ++k) {
          const mpq_class U(row.U[k * n + j]);
          const double q = row.s[k] * row.grid.value(row.codes[k], row.zero(k));
          u += (mpq_class(row.w[k]) - mpq_class(q)) * U;
          const float e = std::fma(-row.s[k], static_cast<float>(row.grid.value(row.codes[k], row.zero(k))), row.w[k]);
          feedback += abs(mpq_class(e)) * abs(U);
          size += abs(U);
        }
        const auto gam_up = [&](std::size_t m) {
          return mpq_class(static_cast<double>(m) * v * (1 + static_cast<double>(m) * v));
        };
        CHECK(exact[j].u.rational() == u);
        const mpq_class delta = gam_up(j + 1) * feedback + v * abs(mpq_class(row.u[j])) +
                                static_cast<double>(j) * (1 + gam_up(j)) * z + z * size;
        CHECK(exact[j].delta.rational() == delta);
      }
    }
}

TEST_CASE("right rows hold, with room to spare") {
  for (const char* grid : {"gf16", "int4s", "int8s", "gf:3,2", "int4", "int8", "int4z", "nf4", "lloyd:4"})
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      const RowVerdict verdict = judge(make_row(40, grid, seed));
      CHECK(!verdict.offence);
      CHECK(verdict.largest_ratio > 0);
      CHECK(verdict.largest_ratio <= 1);
    }
}

TEST_CASE("faults are found where they are, with both sides") {
  const Row good = make_row(24, "int4s", 5);
  Row row = good;
  row.u[7] += 0x1p-14F;  // far beyond delta, too little to change the code
  auto offence = judge(row).offence;
  REQUIRE(offence);
  CHECK(offence->fault == Fault::distance);
  CHECK(offence->position == 7);
  CHECK(compare(offence->left, offence->right) > 0);

  row = good;
  row.codes[23] = static_cast<Code>(row.codes[23] == 3 ? 2 : 3);  // the last: no later u depends on it
  offence = judge(row).offence;
  REQUIRE(offence);
  CHECK(offence->fault == Fault::nearest);
  CHECK(offence->position == 23);
  CHECK(offence->expected == good.codes[23]);
  CHECK(compare(offence->left, offence->right) > 0);

  row = good;
  row.codes[3] = static_cast<Code>(row.codes[3] + 1);
  offence = judge(row).offence;
  REQUIRE(offence);
  CHECK(offence->position == 3);  // u_4 is wrong too, but 3 comes first

  row = good;
  row.U[2 * 24 + 20] += 0.25F;
  offence = judge(row).offence;
  REQUIRE(offence);
  CHECK(offence->fault == Fault::distance);
  CHECK(offence->position == 20);

  row = good;
  row.codes[9] = 8;  // int4s ends at 7
  offence = judge(row).offence;
  REQUIRE(offence);
  CHECK(offence->fault == Fault::not_a_code);
  CHECK(offence->position == 9);
  row.u[4] = std::nanf("");
  CHECK(judge(row).offence->position == 4);
  CHECK(judge(row).offence->fault == Fault::not_finite);
  row.u[1] = -row.u[1];
  CHECK(judge(row).offence->position == 1);  // what can be judged comes first
}

TEST_CASE("another zero point or the other sign of a scale is found where it is") {
  Row row = make_row(24, "int4z", 5);
  CHECK(!judge(row).offence);
  row.z[23] += 1;
  REQUIRE(judge(row).offence);
  CHECK(judge(row).offence->fault == Fault::nearest);
  CHECK(judge(row).offence->position == 23);
  row.z.clear();  // all 0
  REQUIRE(judge(row).offence);
  row = make_row(24, "int4", 5);
  CHECK(!judge(row).offence);
  row.s[23] = -row.s[23];
  REQUIRE(judge(row).offence);
  CHECK(judge(row).offence->fault == Fault::nearest);
  CHECK(judge(row).offence->position == 23);
}

TEST_CASE("a tie goes to even, and what is clipped is counted") {
  Row row{1, ExactGrid::integer(-3, 3), {1}, {0.5F}, {1}, {0.5F}, {0}};
  CHECK(!judge(row).offence);
  row.codes[0] = 1;
  REQUIRE(judge(row).offence);
  CHECK(compare(judge(row).offence->left, judge(row).offence->right) == 0);
  row.w[0] = row.u[0] = 3.5F;
  row.codes[0] = 3;
  CHECK(!judge(row).offence);
  CHECK(judge(row).clipped == 0);
  row.w[0] = row.u[0] = 3.75F;
  CHECK(judge(row).clipped == 1);
}

}  // namespace exact_recurrence_test
