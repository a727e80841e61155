// The run-time contracts of a tensor: the statements that Coq printed (contracts/generated/contracts.hpp), evaluated on
// what the quantizer shows. Enclosures decide nearly all; what they leave open is decided by exact arithmetic, never
// guessed.
#pragma once

#include <array>
#include <memory>
#include <mutex>

#include "contracts/runtime/report.hpp"
#include "method/evidence.hpp"

namespace hallmark {

/// The points of a grid by code, as binary32 (exact), with their neighbours; NaN for codes that are no points. At the
/// ends a point is its own neighbour.
struct GridPoints {
  explicit GridPoints(const Grid& grid);
  /// Those of the last grid that was asked for are kept.
  static std::shared_ptr<const GridPoints> of(const Grid& grid);
  struct Entry {
    float value, below, above;
  };
  std::vector<Entry> entry;
};

/// The u' of a tensor as the recurrence shows them: blocks of kLanes<float> rows, in each [position][row]. 4 rows cols
/// bytes.
class Compensated {
 public:
  void resize(Index rows, Index positions) {
    rows_ = rows;
    positions_ = positions;
    data_.resize((rows + kLanes<float> - 1) / kLanes<float> * positions, kLanes<float>);
  }
  Index rows() const { return rows_; }
  Index positions() const { return positions_; }
  /// Row i, position 0; the rows of a block follow, and kLanes<float> further on the next position. Null where no
  /// column has a position: every one is dead and undamped.
  float* row(Index i) {
    if (positions_ == 0) return nullptr;
    return data_.data() + i / kLanes<float> * positions_ * kLanes<float> + i % kLanes<float>;
  }
  const float* row(Index i) const { return const_cast<Compensated*>(this)->row(i); }
  float& operator()(Index i, Index p) { return row(i)[p * kLanes<float>]; }
  float operator()(Index i, Index p) const { return row(i)[p * kLanes<float>]; }
  /// Keeps what the recurrence shows.
  void keep(const RecurrenceRows& rows);

 private:
  Index rows_ = 0, positions_ = 0;
  Matrix<float> data_;
};

/// Judges a finished tensor (judge.hpp). u holds the u' of the recurrence, or is empty where none was shown: of rows
/// that are not round-to-nearest's the contracts on rounding are then not evaluated, and those on losses where the loss
/// is computed from G. One evaluation per:
///   row      gf16_nearest (every code is nearest to u', or to w where the row or column was rounded to nearest; the
///            half gaps of any grid follow), gf16_half_gap (GF16; where a code is clipped it is measured instead),
///            what else Coq printed for rows (row_contracts.hpp), gptq_bound_emitted and loss_enclosure (rows that GPTQ
///            made, on the enclosed loss), guard_row (rows that differ from RTN), rtn_when_no_calibration (method rtn)
///   pair     idempotence, exact_product (each code with each scale; the latter not for scales given by the user)
///   others   pivots (column), gram_bound (row of G), guard_total (tensor), factor_residual (the diagonal, and 64
///            entries chosen by the digest of pivots and losses)
/// and loss_enclosure also for rows chosen by the digest, with the loss computed from G. Those that rest on T15 need
/// its conditions (LossModel::in_range) and are not counted without. Violations are recorded in the report; a row
/// counts as decided by exact arithmetic where the guard's choice or a contract was.
void check_contracts(const Evidence& evidence, const Compensated& u, const GridPoints& points, contracts::Policy policy,
                     contracts::Report& report);

/// Keeps the u' of a tensor (4 rows cols bytes), and judges it when it is finished.
class ContractChecker : public Observer {
 public:
  explicit ContractChecker(contracts::Policy policy) : policy_(policy) {}

  void rows(const RecurrenceRows& rows) override;
  void tensor(const Evidence& evidence) override;
  bool wants_binary64() const override { return false; }

  contracts::Policy policy() const { return policy_; }
  /// All tensors so far.
  contracts::Report& report() { return report_; }

 private:
  contracts::Policy policy_;
  contracts::Report report_;
  std::mutex mutex_;
  Compensated u_;
};

/// T11 (b): 64 entries of a Gram matrix, at eight rows and eight columns chosen by the digest of W, summed again from
/// the activations. 64 bytes per token.
class GramSample {
 public:
  GramSample(MatrixRef<float> W, contracts::Policy policy);

  /// Appends tokens: X is [tokens, columns], as given to GramAccumulator.
  void add(MatrixRef<float> tokens_by_columns);
  void judge(std::string_view tensor, MatrixRef<double> G, contracts::Report& report) const;

 private:
  contracts::Policy policy_;
  std::array<Index, 16> columns_{};
  std::array<std::vector<float>, 16> x_;
};

}  // namespace hallmark
