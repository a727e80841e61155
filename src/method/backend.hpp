// Who computes the parts of quantize_gptq that take the time. Every backend gives the same bits.
#pragma once

#include "linalg/factor.hpp"
#include "method/loss.hpp"

namespace hallmark {

/// The CPU; others override what they do elsewhere. Errors are those of the other place only: missing, too small,
/// broken.
class Backend {
 public:
  virtual ~Backend() = default;

  /// factor_udu_in_place.
  virtual Expected<std::optional<PivotFailure>> factor(Matrix<double>& H, Vector<double>& d);

  /// run_recurrence.
  virtual Expected<std::optional<Entry>> recurrence(const Target& target, const UpperStrips<float>& U, Index block_size,
                                                    Rounded& rounded, const RowSink& sink, const RowSums* row_sums);

  /// enclose_losses_binary32.
  virtual Expected<std::vector<Loss>> losses_binary32(const LossModel& model, const UpperStrips<float>& U,
                                                      const Target& target, const Matrix<Code>& codes,
                                                      std::span<const Index> rows);

  /// enclose_losses.
  virtual Expected<std::vector<Loss>> losses(const LossModel& model, const Target& target, const Matrix<Code>& codes,
                                             std::span<const Index> rows);
};

}  // namespace hallmark
