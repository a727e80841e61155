// Exact rationals for the theorems' tests: random instances and the nearest points of the grids.
#pragma once

#include <gmpxx.h>

#include <random>

#include "format/grid.hpp"
#include "method/studies.hpp"

namespace hallmark::test {

using Rational = mpq_class;
using study::Row;
using study::Square;

inline Rational ratio(long numerator, long denominator = 1) {
  Rational q(numerator, denominator);
  q.canonicalize();
  return q;
}

/// Round to nearest, ties to even, on the integers (no end).
inline Rational nearest_integer(const Rational& x) {
  const Rational shifted = x + Rational(1, 2);
  mpz_class floor;
  mpz_fdiv_q(floor.get_mpz_t(), shifted.get_num_mpz_t(), shifted.get_den_mpz_t());
  if (shifted.get_den() == 1 && mpz_odd_p(floor.get_mpz_t())) --floor;
  return Rational(floor);
}

/// The nearest GF16 value, ties to the even word: the grid proposes from binary64, exact comparisons with the
/// neighbouring words decide.
inline Rational nearest_gf16(const Rational& x) {
  static const Grid grid = *Grid::parse("gf16");
  const Rational magnitude = abs(x);
  const Code proposed = grid.nearest(magnitude.get_d(), 1.0);
  Rational best(grid.value(proposed));
  Code best_code = proposed;
  for (const int step : {-1, 1}) {
    const int word = proposed + step;
    if (word < 0 || !grid.contains(static_cast<Code>(word))) continue;
    const Rational value(grid.value(static_cast<Code>(word)));
    const Rational here = abs(magnitude - value), there = abs(magnitude - best);
    if (here < there || (here == there && word % 2 == 0 && best_code % 2 != 0)) {
      best = value;
      best_code = static_cast<Code>(word);
    }
  }
  if (x < 0) best = -best;
  return best;
}

inline Square<Rational> gram(const Square<Rational>& X) {
  const std::size_t n = X.size();
  Square<Rational> G(n, Row<Rational>(n, Rational(0)));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t t = 0; t < X[i].size(); ++t) G[i][j] += X[i][t] * X[j][t];
  return G;
}

/// 2 G + lambda I.
inline Square<Rational> hessian(const Square<Rational>& G, const Rational& lambda) {
  Square<Rational> H = G;
  for (std::size_t i = 0; i < H.size(); ++i) {
    for (Rational& entry : H[i]) entry *= 2;
    H[i][i] += lambda;
  }
  return H;
}

class RandomRationals {
 public:
  explicit RandomRationals(std::uint32_t seed) : generator_(seed) {}
  /// k / denominator with |k| <= bound.
  Rational next(long bound, long denominator) {
    return ratio(std::uniform_int_distribution<long>(-bound, bound)(generator_), denominator);
  }
  Row<Rational> row(std::size_t n, long bound, long denominator) {
    Row<Rational> r;
    for (std::size_t i = 0; i < n; ++i) r.push_back(next(bound, denominator));
    return r;
  }
  Square<Rational> matrix(std::size_t rows, std::size_t columns, long bound) {
    Square<Rational> M;
    for (std::size_t i = 0; i < rows; ++i) M.push_back(row(columns, bound, 1));
    return M;
  }

 private:
  std::mt19937 generator_;
};

}  // namespace hallmark::test
