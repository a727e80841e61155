// The printed contracts on numbers that binary64 holds exactly: each holds where it should, and a change of one number
// makes it fail. Two columns, H = U D U^T with U = [[1, 1/2], [0, 1]] and d = (2, 4).
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <doctest/doctest.h>

#include "contracts/generated/contracts.hpp"

using namespace hallmark::generated;

namespace {

/// Contracts in binary64, for numbers whose operations are exact.
struct Ops {
  using Scalar = double;
  using Truth = bool;
  static double rational(std::int64_t numerator, std::int64_t denominator) {
    return static_cast<double>(numerator) / static_cast<double>(denominator);
  }
  static double count(std::size_t n) { return static_cast<double>(n); }
  static double value(double x) { return x; }
  static double max(double a, double b) { return std::max(a, b); }
  static double abs(double a) { return std::fabs(a); }
  static bool le(double a, double b) { return a <= b; }
  static bool lt(double a, double b) { return a < b; }
  static bool eq(double a, double b) { return a == b; }
  static bool yes() { return true; }
  static bool both(bool p, bool q) { return p && q; }
  static bool implies(bool p, bool q) { return !p || q; }
};

struct Row {
  std::array<double, 2> at;
  double operator()(std::size_t j) const { return at[j]; }
};
struct Square {
  std::array<double, 4> at;
  double operator()(std::size_t i, std::size_t j) const { return at[2 * i + j]; }
};

const Square U{{1, 0.5, 0, 1}}, H{{3, 2, 2, 4}};
const Row d{{2, 4}}, w{{0.25, 0.5}}, q{{0, 1}}, u{{0.25, 0.625}}, r{{0.25, 0.375}};

}  // namespace

TEST_CASE("error identity: T1") {
  CHECK(error_identity_pre<Ops>(2, H, U, d, w, q, u));
  CHECK(error_identity_post<Ops>(2, H, U, d, w, q, u));
  CHECK(error_identity_residual_post<Ops>(2, Square{{5, 2, 1, 4}}, U, d, w, q, u));  // any matrix
  CHECK_FALSE(error_identity_pre<Ops>(2, H, U, d, w, q, w));
  CHECK_FALSE(error_identity_post<Ops>(2, H, U, d, w, q, w));
}

TEST_CASE("GPTQ's bound: T2") {
  CHECK(gptq_bound_pre<Ops>(2, H, U, d, w, q, u, r));
  CHECK(gptq_bound_post<Ops>(2, H, U, d, w, q, u, r));
  const Row short_r{{0.25, 0.25}};
  CHECK_FALSE(gptq_bound_pre<Ops>(2, H, U, d, w, q, u, short_r));
  CHECK_FALSE(gptq_bound_post<Ops>(2, H, U, d, w, q, u, short_r));
}

TEST_CASE("pivots lie between zero and the diagonal") {
  CHECK(pivots_pre<Ops>(2, H, U, d));
  CHECK(pivots_post<Ops>(2, H, U, d));
  CHECK_FALSE(pivots_post<Ops>(2, H, U, Row{{2, 4.5}}));
}

TEST_CASE("guard: T6") {
  const Row good{{0.25, 0.5}}, bad{{0, 1}};
  CHECK(guard_row_pre<Ops>(2, H, w, good, bad, good));
  CHECK(guard_row_post<Ops>(2, H, w, good, bad, good));
  CHECK_FALSE(guard_row_pre<Ops>(2, H, w, bad, good, bad));
  CHECK_FALSE(guard_row_post<Ops>(2, H, w, bad, good, bad));
}

TEST_CASE("GF16's half gap and NaN") {
  const Row s{{1, 2}}, x{{1 + 0x1p-10, 3 * 0x1p-41}};
  CHECK(gf16_half_gap_post<Ops>(2, s, x, Row{{1, 0}}));
  CHECK_FALSE(gf16_half_gap_post<Ops>(2, s, x, Row{{1 - 0x1p-9, 0}}));
  CHECK_FALSE(gf16_half_gap_post<Ops>(2, s, x, Row{{1, std::nan("")}}));
}
