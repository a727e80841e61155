// The contracts of one tensor: what contracts.hpp lists, in three files.
#pragma once

#include <cmath>
#include <limits>
#include <random>

#include "certify/judge.hpp"
#include "certify/row_group.hpp"
#include "certify/unit.hpp"
#include "oracle/exact_loss.hpp"

namespace hallmark {

template <class Pick>
using OpsOf = typename std::remove_cvref_t<Pick>::Ops;

/// Choices that anyone can repeat: they depend on nothing but the bytes.
std::mt19937_64 chosen_by(std::span<const std::byte> bytes);

/// Exact plain losses of rows, for what enclosures leave open; none where a number in it is not finite. The matrix is
/// laid out when first asked for.
class ExactLosses {
 public:
  explicit ExactLosses(const Evidence& evidence) : evidence_(evidence) {}
  contracts::Exact operator()(const Matrix<Code>& codes, Index row);

 private:
  const Evidence& evidence_;
  std::once_flag once_;
  std::optional<oracle::ExactGram> gram_;
};

/// No number of these that is not 0 is smaller than 2 to this.
template <class Numbers>
int least_exponent_of(const Numbers& numbers) {
  double least = std::numeric_limits<double>::max();
  for (const auto x : numbers)
    if (x != 0) least = std::min(least, std::fabs(static_cast<double>(x)));
  return std::ilogb(least);
}

class TensorJudge {
 public:
  TensorJudge(const Evidence& evidence, const Compensated& u, const GridPoints& points, contracts::Policy policy,
              contracts::Report& report);
  void run();

 private:
  using Policy = contracts::Policy;
  static constexpr Index kSamples = 64;
  static std::size_t at(Index i) { return static_cast<std::size_t>(i); }

  contracts::Judge judge(const generated::Contract& contract) const {
    return {contract, evidence_.name, policy_, report_};
  }
  double U(Index i, Index k) const { return (*evidence_.U)(i, k); }  ///< i <= k
  double point(const Matrix<Code>& codes, Index i, Index j) const {
    const Step step = evidence_.result.steps.at(i, j);
    return step.scale * (static_cast<double>(points_.entry[codes(i, j)].value) - step.zero);
  }
  double residual32() const { return 0x1p-23 + 0x1p-46 + residual_constant(columns_.n); }  ///< Coq `residual32`, exact
  double product32() const { return (static_cast<double>(columns_.n) + 1) * 0x1p-24 * (1 + 0x1p-3); }

  // Rows (judge_rows.cpp): by the unit of this processor, and what it leaves open in enclosures and exactly.
  enum class What { rounding, rounding_again, losses };
  void rows();
  void plain_rows(const std::vector<Index>& list, bool from_u, What what);
  void judge_rounding(const RowGroup& group);
  void judge_again(const RowGroup& group);
  void judge_losses(const RowGroup& group);

  // Codes (judge_codes.cpp).
  struct Pair {
    float s;
    int zero;
    Code code;
  };
  void pairs();
  void judge_pairs(std::span<const Pair> found);
  void judge_pairs(std::span<const Pair> pairs, contracts::Judge& idempotent, std::optional<contracts::Judge>& exact);
  void guard();

  // Matrices (judge_matrices.cpp).
  void gram_bound();
  void factor();
  void sampled_losses();

  const Evidence& evidence_;
  const Compensated& u_;
  const GridPoints& points_;
  Policy policy_;
  contracts::Report& report_;
  RowColumns columns_;
  ExactLosses losses_;
  std::vector<std::uint8_t> row_exact_;
  std::mt19937_64 chosen_;
  bool has_losses_ = false;  ///< T15 applies
  const units::Unit& unit_;
  bool rows_by_unit_ = false;
};

}  // namespace hallmark
