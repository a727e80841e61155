// The certificate's bound against its formula, docs/certificate.md "The bound", evaluated with 120 digits from what the
// recurrence shows: U, d, u', codes and steps. On all layers that the quantizers are tested with: every kind of grid,
// groups, act-order, scales of either sign, zero points, dead columns, no damping, denormals, clipped codes.
#include <doctest/doctest.h>

#include <boost/multiprecision/mpfr.hpp>

#include <algorithm>
#include <map>
#include <mutex>

#include "../quantize/layers.hpp"
#include "certify/certificate_observer.hpp"
#include "linalg/hessian.hpp"
#include "oracle/exact_grid.hpp"

namespace bound_test {

using namespace hallmark;

namespace {

using Real =
    boost::multiprecision::number<boost::multiprecision::mpfr_float_backend<120>, boost::multiprecision::et_off>;

constexpr Index kRowsJudged = 7;

// The half gap of the grid at u', and |u' - q| where it is clipped.
Real half_gap(const oracle::ExactGrid& grid, const GridSpec& spec, float u, float scale, int zero, const Real& q) {
  const Real s = abs(Real(scale)), x = abs(Real(u));
  if (grid.nearest(mpq_class(u), mpq_class(scale), zero).clipped) return abs(Real(u) - q);
  if (spec.kind == GridSpec::Kind::integer) return s / 2;
  if (spec.kind == GridSpec::Kind::golden) {  // T7; M fraction bits, the smallest point 2^(2 - 2^(E-1) - M)
    const int M = spec.fraction_bits, lowest = 2 - (1 << (spec.exponent_bits - 1)) - M;
    return std::max(Real(ldexp(x, -M - 1)), Real(ldexp(s, lowest - 1)));
  }
  for (std::size_t k = 1; k < spec.points.size(); ++k)  // the gap that holds u' / s
    if (const Real y = Real(u) / Real(scale); y <= Real(spec.points[k]) || k + 1 == spec.points.size())
      return s * (Real(spec.points[k]) - Real(spec.points[k - 1])) / 2;
  return 0;
}

// One row, in the processing order.
struct Row {
  std::vector<Real> e, h, u;
};

// The formula of a row; both norms enlarged by `enlarged`.
Real bound_of(const Row& row, const std::vector<Real>& norms_of_U, const std::vector<Real>& d,
              const std::vector<Real>& H, const std::vector<Real>& twice_G, const Real& enlarged) {
  const std::size_t n = d.size();
  const Real v = ldexp(Real(1), -24), z = ldexp(Real(1), -148);
  Real squares = 0, size = 0, excess = 0, sum = 0;
  for (std::size_t j = 0; j < n; ++j) {
    squares += row.e[j] * row.e[j];
    size += abs(row.e[j]) * sqrt(H[j]);
    excess += (H[j] - twice_G[j]) * row.e[j] * row.e[j];
  }
  const Real norm = sqrt(squares) * enlarged;
  for (std::size_t j = 0; j < n; ++j) {
    const Real k(j + 1), norm_of_U = norms_of_U[j] * enlarged;
    const Real delta = k * v * (1 + k * v) * norm_of_U * norm + v * abs(row.u[j]) + k * z * (1 + norm_of_U);
    sum += d[j] * (row.h[j] + delta) * (row.h[j] + delta);
  }
  const Real residual = ldexp(Real(1), -23) + ldexp(Real(1), -46) + Real(n + 2) * ldexp(Real(1), -53);
  return (sum + residual * size * size - excess) / 2;
}

// The formula of the rows that are shown.
struct Formula : Observer {
  const Matrix<double>& G;
  double lambda;
  std::map<Index, std::pair<Real, Real>> found;  // by row: as it stands, and with both norms enlarged
  Index clipped = 0;
  std::mutex mutex;

  Formula(const Matrix<double>& gram, double damp) : G(gram), lambda(damp) {}

  void rows(const RecurrenceRows& shown) override {
    const std::scoped_lock lock(mutex);
    const auto n = shown.U.columns();
    std::vector<Real> norms, d, H, twice_G;
    for (Index j = 0; j < n; ++j) {
      Real squares = 0;
      for (Index k = 0; k < j; ++k) {
        const Real entry(shown.U.strip(j / kStrip)[k * kStrip + j % kStrip]);
        squares += entry * entry;
      }
      const Index column = shown.target.order[static_cast<std::size_t>(j)];
      norms.push_back(sqrt(squares));
      d.emplace_back(shown.d[j]);
      twice_G.push_back(2 * Real(G(column, column)));
      H.emplace_back(2 * G(column, column) + lambda);  // the stored H, rounded once
    }
    for (Index r = 0; r < shown.count; ++r) {
      const Row row = row_of(shown, r);
      found[shown.first + r] = {bound_of(row, norms, d, H, twice_G, 1),
                                bound_of(row, norms, d, H, twice_G, 1 + ldexp(Real(1), -20))};
    }
  }
  void tensor(const Evidence&) override {}

 private:
  Row row_of(const RecurrenceRows& shown, Index r) {
    const GridSpec& spec = shown.target.grid.spec();
    const oracle::ExactGrid grid = oracle::ExactGrid::of(spec);
    const Steps& steps = shown.target.steps;
    const Index i = shown.first + r;
    Row row;
    for (Index p = 0; p < shown.U.columns(); ++p) {
      const Index j = shown.target.order[static_cast<std::size_t>(p)];
      const Index group = steps.group_size == 0 ? 0 : j / steps.group_size;  // of the column, not of its position
      const float u = shown.u[p * kLanes<float> + r], s = steps.scales(i, group);
      const int zero = steps.zeros.size() == 0 ? 0 : steps.zeros(i, group);
      const Real q = Real(s) * Real(grid.value(shown.codes(i, j), zero));
      row.e.push_back(Real(shown.target.W(i, j)) - q);
      row.h.push_back(half_gap(grid, spec, u, s, zero, q));
      row.u.emplace_back(u);
      clipped += grid.nearest(mpq_class(u), mpq_class(s), zero).clipped;
    }
    return row;
  }
};

}  // namespace

TEST_CASE("a bound encloses its formula, and is hardly above it") {
  Index rows = 0, clipped = 0;
  for (const test::Layer& layer : test::layers()) {
    CAPTURE(layer.name);
    const Matrix<float> W = layer.W.topRows(std::min(kRowsJudged, layer.W.rows()));
    const Matrix<double> G = gram_ref(layer.X);
    Options options = layer.options;
    options.guard = false;
    Formula formula(G, damping(G, options.damp_fraction));
    const MatrixRef<double> gram = G;
    CertificateObserver seen(&gram, options, ExactRows{}, true);
    Observers both(&seen, &formula);
    REQUIRE(quantize_gptq(W, G, options, std::nullopt, layer.name, layer.X.rows(), &both));
    REQUIRE(seen.values.size() == formula.found.size());
    for (const auto& item : formula.found) {
      const Index row = item.first;
      CAPTURE(row);
      const auto& [plain, enlarged] = item.second;
      const Enclosure& bound = seen.values[static_cast<std::size_t>(row)].bound->enclosure;
      if (std::isinf(bound.hi)) continue;  // where T15 does not apply
      CHECK(Real(bound.hi) >= plain);
      CHECK(Real(bound.lo) <= enlarged);
      CHECK(Real(bound.hi) >= enlarged);
      CHECK(Real(bound.hi) <= plain * (1 + ldexp(Real(1), -16)));
      CHECK(bound.hi - bound.lo <= 1e-12 * bound.hi);
      ++rows;
    }
    clipped += formula.clipped;
  }
  MESSAGE(rows << " rows, " << clipped << " clipped codes");
  CHECK(rows >= 90);
  CHECK(clipped > 20);
}

}  // namespace bound_test
