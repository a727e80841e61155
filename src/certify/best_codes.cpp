#include "certify/best_codes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "method/loss.hpp"

namespace hallmark {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
// Of all sums together, in the range of method/loss.hpp, as in enclose_binary64.
// slack: (2 * 2^351 * 2^201 + 16 * 2^551) * n * 2^-1075 <= 2^-300 for n <= 16
constexpr double kUnderflow = 0x1p-300;

std::vector<double> values_of(const Grid& grid) {
  std::vector<double> values;
  for (std::size_t code = 0; code < std::size_t{1} << 16; ++code)
    if (grid.contains(static_cast<Code>(code))) values.push_back(grid.value(static_cast<Code>(code), 0));
  std::ranges::sort(values);
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

}  // namespace

BestCodes::BestCodes(const Matrix<double>& G, Factor factor, const Vector<double>& diag_H, const Grid& grid)
    : factor_(std::move(factor)),
      root_(diag_H.cwiseSqrt()),
      excess_(diag_H - G.diagonal()),
      values_(values_of(grid)),
      exact_({G.data(), at(G.size())}, at(G.rows())) {}

std::optional<BestCodes> BestCodes::make(const Matrix<double>& G, const Grid& grid) {
  if (G.rows() < 1 || G.rows() > kMostColumns) return std::nullopt;
  Matrix<double> H = G;
  H.diagonal() += 0x1p-36 * G.diagonal();
  const Vector<double> diag_H = H.diagonal();
  Expected<Factor> factor = factor_udu(std::move(H));
  if (!factor || !loss_weights(factor->d, diag_H, G.diagonal()).in_range) return std::nullopt;
  return BestCodes(G, *std::move(factor), diag_H, grid);
}

// The search of one row, column by column.
struct BestCodes::Search {
  const BestCodes& of;
  std::array<float, kMostColumns> w{}, scale{};
  std::array<double, kMostColumns> zero{}, point{}, e{};  // point: without the scale
  double margin = 0, rho = 0;                             // E + g' A^2; of t
  double within = infinity;                               // what the first terms may sum to
  long looked_at = 0;
  std::optional<oracle::Dyadic> least{};

  Index columns() const { return of.factor_.d.size(); }
  std::size_t count() const { return of.values_.size(); }

  // The k-th point of column j, increasing: exact.
  double value(Index j, std::size_t k) const {
    return of.values_[scale[at(j)] > 0 ? k : count() - 1 - k] - zero[at(j)];
  }
  double error(Index j, std::size_t k) const {
    return static_cast<double>(w[at(j)]) - static_cast<double>(scale[at(j)]) * value(j, k);
  }

  bool prepare() {
    const auto n = static_cast<double>(columns());
    double A = 0, E = 0, absolute = 0;
    for (Index j = 0; j < columns(); ++j) {
      const double largest = std::max(std::fabs(error(j, 0)), std::fabs(error(j, count() - 1)));
      A += largest * of.root_[j];
      E += of.excess_[j] * largest * largest;
      absolute += largest;
    }
    // slack: 1 / (1 - (2 * n + 16) * u) <= 1 + 2^-20 for n <= 16, u = 2^-53
    A *= (1 + 0x1p-20), E *= (1 + 0x1p-20);
    margin = E + residual_constant(columns()) * A * A;
    rho = (n + 2) * 0x1p-53 * A;
    return absolute <= 0x1p149 && std::isfinite(margin);
  }

  void leaf() {
    const oracle::Dyadic loss =
        of.exact_.loss({w.data(), at(columns())}, {scale.data(), at(columns())}, {point.data(), at(columns())});
    looked_at += 256;  // about what an exact loss takes
    if (least && compare(loss, *least) >= 0) return;
    least = loss;
    const double norm = std::sqrt(std::max(0.0, loss.round_up() + margin)) + rho;
    // slack: (1 + 2^-20) / (1 - (2 * n + 16) * u) <= 1 + 2^-19 for n <= 16, u = 2^-53
    within = norm * norm * (1 + 0x1p-19);
    within += kUnderflow;
  }

  // All codes from column j on whose first terms, `sum` up to here, stay within. The computed t falls as points rise,
  // so its sign tells on which side of the nearest point one is.
  void descend(Index j, double sum) {
    if (j == columns()) return leaf();
    double chain = 0;
    for (Index k = 0; k < j; ++k) chain = std::fma(e[at(k)], of.factor_.U(k, j), chain);
    std::size_t above = 0;  // the first point with t <= 0
    for (std::size_t length = count(); length > 0;)
      if (const std::size_t half = length / 2; chain + error(j, above + half) > 0)
        above += half + 1, length -= half + 1;
      else length = half;
    for (std::size_t below = above; below > 0 || above < count();) {
      const auto term = [&](std::size_t k) {
        const double t = chain + error(j, k);
        return of.factor_.d[j] * t * t;
      };
      const double left = below > 0 ? term(below - 1) : infinity, right = above < count() ? term(above) : infinity;
      const std::size_t k = left < right ? --below : above++;
      const double next = sum + std::min(left, right);
      if (next > within || ++looked_at > kMostPoints) return;
      point[at(j)] = value(j, k);
      e[at(j)] = error(j, k);
      descend(j + 1, next);
    }
  }
};

std::optional<oracle::Dyadic> BestCodes::least_loss(MatrixRef<float> W, const Steps& steps, Index i,
                                                    const std::vector<Index>& columns) const {
  Search search{*this};
  for (std::size_t k = 0; k < columns.size(); ++k) {
    search.w[k] = W(i, columns[k]);
    search.scale[k] = steps.scale(i, columns[k]);
    search.zero[k] = steps.zero(i, columns[k]);
  }
  if (!search.prepare()) return std::nullopt;
  search.descend(0, 0);
  if (search.looked_at > kMostPoints) return std::nullopt;
  return search.least;
}

}  // namespace hallmark
