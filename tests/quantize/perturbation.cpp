// T9 on exact rationals: a recurrence that is computed with errors delta_j keeps a bound, with u_j taken at the codes
// produced.
#include <doctest/doctest.h>

#include "rational.hpp"

namespace perturbation_test {

using namespace hallmark;
using namespace hallmark::test;
using hallmark::study::difference;
using hallmark::study::quadratic_form;

TEST_CASE("T9: codes of a perturbed recurrence lose at most sum d_j (1/2 + delta_j)^2, and the delta_j are needed") {
  RandomRationals random(9);
  int beyond_unperturbed = 0;
  for (int instance = 0; instance < 300; ++instance) {
    const std::size_t n = 1 + static_cast<std::size_t>(instance) % 5;
    const Square<Rational> H = hessian(gram(random.matrix(n, n + 1, 3)), ratio(1, 3));
    const auto [U, d] = study::upper_factor(H);
    const Row<Rational> w = random.row(n, 50, 7);

    // The exact compensated weights at the codes produced, and computed ones that are off by at most delta_j = j / 4.
    Row<Rational> q(n), e(n);
    Rational bound(0), bound_unperturbed(0);
    for (std::size_t j = 0; j < n; ++j) {
      Rational u = w[j];
      for (std::size_t k = 0; k < j; ++k) u += e[k] * U[k][j];
      const Rational delta = ratio(static_cast<long>(j), 4);
      q[j] = nearest_integer(Rational(u + delta * random.next(1, 1)));
      e[j] = w[j] - q[j];
      CHECK(abs(Rational(u - q[j])) <= ratio(1, 2) + delta);
      bound += d[j] * (ratio(1, 2) + delta) * (ratio(1, 2) + delta);
      bound_unperturbed += d[j] / 4;
    }
    const Rational loss = quadratic_form(H, e);
    CHECK(loss <= bound);
    beyond_unperturbed += loss > bound_unperturbed;
  }
  CHECK(beyond_unperturbed > 0);
}

}  // namespace perturbation_test
