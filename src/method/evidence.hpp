// What a quantizer shows of its work while it still has it: the views from which contracts, certificates and audits are
// made. Nothing is copied, and nothing outlives the call in which it is shown.
//
// To judge a file, quantize again with the same options and scales (every bit is reproduced) and compare the codes.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "method/loss.hpp"

namespace hallmark {

/// Rows that the recurrence has just finished. u'_p of row first + r is u[p * kLanes<float> + r], p the position in
/// target.order; the codes of these rows are final but for the guard. The U of the recurrence is the binary32 rounding
/// of the binary64 factor; d is that factor's.
struct RecurrenceRows {
  const Target& target;
  const UpperStrips<float>& U;
  const Vector<double>& d;
  const Matrix<Code>& codes;  ///< GPTQ, before the guard; other rows may still be under work
  Index first = 0, count = 0;
  const float* u = nullptr;
};

/// Of a Gram matrix that was summed elsewhere nothing is known; it is taken for a sum of binary32 activations in
/// binary64, in some order in which no token goes through more roundings than this.
inline constexpr Index kSupposedRoundings = Index{1} << 24;

/// A finished tensor. W, order and model speak of the same columns: position p is column order[p] of W and G;
/// columns outside of the order have a zero row in G, and are rounded to nearest.
struct Evidence {
  std::string_view name;
  const MatrixRef<float>& W;
  const Options& options;   ///< grid, damping, act-order, guard, ...
  const Quantized& result;  ///< codes, scales, group size, lambda, kept_rtn, enclosed losses
  const Matrix<Code>& rtn;  ///< the codes of round-to-nearest, all rows
  std::span<const Index> order;
  // The rest is absent (null) for round-to-nearest without a Gram matrix.
  const MatrixRef<double>* G = nullptr;
  const LossModel* model =
      nullptr;  ///< d, sqrt(H_jj), H_jj - 2 G_jj, whether T15 applies; U where widened() was called
  const Matrix<double>* U = nullptr;                    ///< the factor; below the diagonal nothing is to be read
  std::function<const LossModel&()> widened = nullptr;  ///< the model with its U packed, for losses in binary64
  Index roundings = kSupposedRoundings;                 ///< of Layer
  const AsymmetricTerm* asymmetric = nullptr;           ///< in every loss, where the target is asymmetric

  /// The enclosed loss of the codes of row i, after the guard; G is present.
  const Loss& loss(Index i) const {
    return (result.row_is_rtn(i) ? result.enclosed_rtn : result.enclosed_proposal)[static_cast<std::size_t>(i)];
  }
};

/// Who wants to see it.
class Observer {
 public:
  virtual ~Observer() = default;
  /// Called from several threads at once, for every row once. Rows whose u' is not finite are not shown.
  virtual void rows(const RecurrenceRows& rows) = 0;
  /// Called once, at the end.
  virtual void tensor(const Evidence& evidence) = 0;
  /// Whether it wants the losses of an unguarded run enclosed in binary64 at once, and not first in binary32 with those
  /// of round-to-nearest beside, as the guard would.
  virtual bool wants_binary64() const { return true; }

 protected:
  Observer() = default;
  Observer(const Observer&) = default;
  Observer& operator=(const Observer&) = default;
};

/// Two observers as one; either may be null.
class Observers : public Observer {
 public:
  Observers(Observer* first, Observer* second) : first_(first), second_(second) {}
  bool empty() const { return first_ == nullptr && second_ == nullptr; }
  void rows(const RecurrenceRows& rows) override {
    if (first_) first_->rows(rows);
    if (second_) second_->rows(rows);
  }
  void tensor(const Evidence& evidence) override {
    if (first_) first_->tensor(evidence);
    if (second_) second_->tensor(evidence);
  }
  bool wants_binary64() const override {
    return (first_ && first_->wants_binary64()) || (second_ && second_->wants_binary64());
  }

 private:
  Observer *first_, *second_;
};

}  // namespace hallmark
