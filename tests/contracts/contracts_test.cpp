// The printed contracts on numbers that binary64 holds exactly: each holds where it should, and a change of one number
// makes it fail. Two columns, H = U D U^T with U = [[1, 1/2], [0, 1]] and d = (2, 4).
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <doctest/doctest.h>

#include "contracts/generated/contracts.hpp"

namespace contracts_test {

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
const double L = 2 * 0.25 * 0.25 + 4 * 0.375 * 0.375;  // (w - q) H (w - q)^T = 3/16 - 1/2 + 1

}  // namespace

TEST_CASE("a report names the contract and its theorem") {
  CHECK(error_identity.name == "error_identity");
  CHECK(error_identity.theorem == "T1_identity");
}

TEST_CASE("error identity: T1") {
  CHECK(error_identity_pre<Ops>(2, H, U, d, w, q, u, L));
  CHECK(error_identity_post<Ops>(2, d, q, u, L));
  CHECK_FALSE(error_identity_pre<Ops>(2, H, U, d, w, q, w, L));
  CHECK_FALSE(error_identity_pre<Ops>(2, H, U, d, w, q, u, L + 0x1p-50));
  CHECK_FALSE(error_identity_post<Ops>(2, d, q, u, L + 0x1p-50));
  CHECK_FALSE(error_identity_post<Ops>(2, d, q, w, L));
  // Any matrix: H + [[2, 0], [-1, 0]] has the residual form 2/16 + 1/8 at w - q.
  CHECK(error_identity_residual_pre<Ops>(2, Square{{5, 2, 1, 4}}, U, d, w, q, u, L + 0.25, 0.25));
  CHECK(error_identity_residual_post<Ops>(2, d, q, u, L + 0.25, 0.25));
  CHECK_FALSE(error_identity_residual_post<Ops>(2, d, q, u, L + 0.25, 0.125));
}

TEST_CASE("the guard's enclosure: T1 with slack") {
  // G = (H - diag(c)) / 2 with c = (1, 2), e = w - q, t = e U: 2 loss_G = L - 1/16 - 1/2.
  const Square G{{1, 1, 1, 1}};
  const Row c{{1, 2}}, e{{0.25, -0.5}}, t{{0.25, -0.375}}, a{{2, 2}};
  const double twice = L - 0.0625 - 0.5;
  CHECK(loss_enclosure_pre<Ops>(2, G, H, U, d, c, e, t, a, 0.0, 1.0, 0.0, twice));
  CHECK(loss_enclosure_post<Ops>(2, d, c, e, t, a, 0.0, 1.0, 0.0, twice));
  CHECK_FALSE(loss_enclosure_post<Ops>(2, d, c, e, t, a, 0.0, 1.0, 0.0, twice + 0.01));
  CHECK(loss_enclosure_post<Ops>(2, d, c, e, t, a, 0.0, 1.0, 0.01, twice + 0.01));
  CHECK(loss_enclosure_post<Ops>(2, d, c, e, t, a, 0.01, 1.0, 0.0, twice + 0.02));
  CHECK_FALSE(loss_enclosure_post<Ops>(2, d, c, e, t, a, 0.01, 1.0, 0.0, std::nan("")));
}

TEST_CASE("GPTQ's bounds: T2, T9") {
  CHECK(gptq_bound_pre<Ops>(2, H, U, d, w, q, u, r, L));
  CHECK(gptq_bound_post<Ops>(2, d, r, L));
  const Row short_r{{0.25, 0.25}}, none{{0, 0}}, a{{2, 2}};
  CHECK_FALSE(gptq_bound_pre<Ops>(2, H, U, d, w, q, u, short_r, L));
  CHECK_FALSE(gptq_bound_post<Ops>(2, d, short_r, L));
  CHECK(gptq_bound_emitted_pre<Ops>(2, H, U, d, w, q, u, u, r, none, a, 0.0, L));
  CHECK(gptq_bound_emitted_post<Ops>(2, d, w, q, r, none, a, 0.0, L));
  CHECK_FALSE(gptq_bound_emitted_post<Ops>(2, d, w, q, short_r, none, a, 0.0, L));
  CHECK(gptq_bound_emitted_post<Ops>(2, d, w, q, short_r, Row{{0, 0.125}}, a, 0.0, L));
  CHECK(gptq_bound_emitted_post<Ops>(2, d, w, q, short_r, none, a, 0.25, L));
}

TEST_CASE("pivots and residual of the factor: T15") {
  const Row h{{3, 4}}, row0{{1, 0.5}}, row1{{0, 1}};
  CHECK(pivots_pre<Ops>(2, U, d, h, 0.0));
  CHECK(pivots_post<Ops>(2, d, h, 0.0));
  CHECK_FALSE(pivots_post<Ops>(2, Row{{2, 4.5}}, h, 0.0));
  CHECK(pivots_post<Ops>(2, Row{{2, 4.5}}, h, 0.125));
  CHECK_FALSE(pivots_post<Ops>(2, Row{{-2, 4}}, h, 0.0));
  CHECK(factor_residual_post<Ops>(2, row0, row1, d, 2.0, 2.0, 2.0, 0.0));
  CHECK_FALSE(factor_residual_post<Ops>(2, row0, row1, d, 2.5, 2.0, 2.0, 0.0));
  CHECK(factor_residual_post<Ops>(2, row0, row1, d, 2.5, 2.0, 2.0, 0.125));
}

TEST_CASE("Gram matrix: T11") {
  const Row x{{1, 2}}, y{{3, -1}};
  CHECK(gram_accumulation_post<Ops>(2, x, y, 1.0));
  CHECK(gram_accumulation_post<Ops>(2, x, y, 1.0 + 0x1p-50));
  CHECK_FALSE(gram_accumulation_post<Ops>(2, x, y, 1.0 + 0x1p-48));
  CHECK(gram_bound_post<Ops>(2, 0, Row{{4, 6}}, 4.0, Row{{4, 9}}));
  CHECK_FALSE(gram_bound_post<Ops>(2, 1, Row{{4, -6.5}}, 4.0, Row{{4, 9}}));
  const Row beyond{{1 + 0x1.8p-40}}, one{{1}};  // 3 x 2^12 x 2^-53
  CHECK(gram_bound_post<Ops>(1, 1 << 12, beyond, 1.0, one));
  CHECK_FALSE(gram_bound_post<Ops>(1, (1 << 12) - 1, beyond, 1.0, one));
}

TEST_CASE("guard: T6") {
  const Row good{{0.25, 0.5}}, bad{{0, 1}};
  CHECK(guard_row_pre<Ops>(2, H, w, good, bad, good, 1.0, 0.0, L, 0.0, L, 0.0));
  CHECK(guard_row_post<Ops>(2, bad, good, L, 0.0));
  CHECK_FALSE(guard_row_pre<Ops>(2, H, w, bad, good, bad, 1.0, L, 0.0, L, 0.0, L));
  CHECK_FALSE(guard_row_post<Ops>(2, good, bad, 0.0, L));
  CHECK(guard_row_post<Ops>(2, bad, bad, 0.0, L));  // equal codes are decided without the losses
  CHECK(guard_total_post<Ops>(2, Row{{0, 0.5}}));
  CHECK_FALSE(guard_total_post<Ops>(2, Row{{0, -0.5}}));
}

TEST_CASE("no tokens: the codes are those of round-to-nearest") {
  CHECK(rtn_when_no_calibration_post<Ops>(2, 0, q, q));
  CHECK_FALSE(rtn_when_no_calibration_post<Ops>(2, 0, q, u));
  CHECK(rtn_when_no_calibration_post<Ops>(2, 1, q, u));
}

TEST_CASE("transfer: T8") {
  CHECK(transfer_post<Ops>(0.5, 2.0, 3.0));
  CHECK_FALSE(transfer_post<Ops>(0.5, 2.0, 3.5));
}

TEST_CASE("codes: half gap, nearest, idempotence, exact products; NaN fails") {
  const Row s{{1, 2}}, x{{1 + 0x1p-10, 3 * 0x1p-41}};
  CHECK(gf16_half_gap_post<Ops>(2, s, x, Row{{1, 0}}));
  CHECK_FALSE(gf16_half_gap_post<Ops>(2, s, x, Row{{1 - 0x1p-9, 0}}));
  CHECK_FALSE(gf16_half_gap_post<Ops>(2, s, x, Row{{1, std::nan("")}}));
  const Row below{{-1, 0}}, above{{1, 2}}, point{{0, 1}};
  CHECK(gf16_nearest_post<Ops>(2, Row{{0.5, 0.5}}, point, below, above));
  CHECK_FALSE(gf16_nearest_post<Ops>(2, Row{{0.625, 0.5}}, point, below, above));
  CHECK_FALSE(gf16_nearest_post<Ops>(2, Row{{0.5, std::nan("")}}, point, below, above));
  CHECK(idempotence_post<Ops>(2, point, point));
  CHECK_FALSE(idempotence_post<Ops>(2, point, below));
  CHECK(exact_product_post<Ops>(2, s, Row{{3, 0.5}}, Row{{3, 1}}));
  CHECK_FALSE(exact_product_post<Ops>(2, s, Row{{3, 0.5}}, Row{{3, 1 + 0x1p-23}}));
}

}  // namespace contracts_test
