// A finished tensor as the judges of its contracts see it: the evidence, and what they share of it.
#pragma once

#include <cmath>
#include <limits>
#include <random>

#include "certify/evaluations.hpp"
#include "certify/row_group.hpp"
#include "certify/unit.hpp"
#include "oracle/exact_loss.hpp"

namespace hallmark {

template <class Pick>
using OpsOf = typename std::remove_cvref_t<Pick>::Ops;

/// Choices that anyone can repeat: they depend on nothing but the bytes.
std::mt19937_64 chosen_by(std::span<const std::byte> bytes);

/// Exact losses of rows, for what enclosures leave open; none where a number in it is not finite. The matrix is
/// laid out when first asked for.
class ExactLosses {
 public:
  explicit ExactLosses(const Evidence& evidence) : evidence_(evidence) {}
  contracts::Exact operator()(const Matrix<Code>& codes, const Steps& steps, Index row);
  contracts::Exact of_result(Index row) { return (*this)(evidence_.result.codes, evidence_.result.steps, row); }
  contracts::Exact of_rtn(Index row) { return (*this)(evidence_.rtn, evidence_.result.steps_of_rtn(), row); }

 private:
  const Evidence& evidence_;
  std::once_flag once_;
  std::optional<oracle::ExactLoss> losses_;
};

/// No number of these that is not 0 is smaller than 2 to this.
template <class Numbers>
int least_exponent_of(const Numbers& numbers) {
  double least = std::numeric_limits<double>::max();
  for (const auto x : numbers)
    if (x != 0) least = std::min(least, std::fabs(static_cast<double>(x)));
  return std::ilogb(least);
}

struct Case {
  Case(const Evidence& evidence, const Compensated& u, const GridPoints& points, contracts::Policy policy,
       contracts::Report& report);

  contracts::Evaluations evaluations(const generated::Contract& contract) const {
    return {contract, evidence.name, policy, report};
  }
  double U(Index i, Index k) const { return (*evidence.U)(i, k); }  ///< i <= k
  /// The numbers of a row's codes, exactly.
  std::vector<double> numbers(const Matrix<Code>& codes, const Steps& steps, Index i) const;
  double residual32() const { return 0x1p-23 + 0x1p-46 + residual_constant(columns.n); }  ///< Coq `residual32`, exact
  /// x (1 + x) (1 + g) of loss.hpp, whose g is below 2^-22.
  // slack: (1 + (n + 1) * 2^-24) * (1 + 2^-22) <= 1 + 2^-3 for n <= 2^20
  double product32() const { return (static_cast<double>(columns.n) + 1) * 0x1p-24 * (1 + 0x1p-3); }

  /// evaluate(group) for these rows, a few at a time; from_u: the rows that GPTQ made.
  void over_rows(const std::vector<Index>& rows, bool from_u, const auto& evaluate) const;

  const Evidence& evidence;
  const Compensated& u;
  const GridPoints& points;
  contracts::Policy policy;
  contracts::Report& report;
  RowColumns columns;
  /// The rows by a recurrence that was shown, and by round-to-nearest; of others no rounding is known.
  std::vector<Index> made, nearest;
  ExactLosses exact_loss;
  std::vector<std::uint8_t> row_exact;  ///< 1: exact arithmetic decided something of the row
  std::mt19937_64 chosen;               ///< by pivots and enclosed losses, which depend on everything
  bool has_losses;                      ///< T15 applies
  const units::Unit& unit;
  bool rows_by_unit;  ///< the unit decides what it can of the rows first
};

void Case::over_rows(const std::vector<Index>& rows, bool from_u, const auto& evaluate) const {
  const auto groups = (std::ssize(rows) + Index{contracts::kRowsAtOnce} - 1) / Index{contracts::kRowsAtOnce};
#pragma omp parallel if (groups > 1)
  {
    RowGroup group;
#pragma omp for schedule(dynamic)
    for (Index g = 0; g < groups; ++g) {
      const std::size_t first = static_cast<std::size_t>(g) * contracts::kRowsAtOnce;
      group.load(evidence, u, points, columns,
                 std::span(rows).subspan(first, std::min(contracts::kRowsAtOnce, rows.size() - first)), from_u);
      evaluate(group);
    }
  }
}

}  // namespace hallmark
