#include "method/backend.hpp"

namespace hallmark {

Expected<std::optional<PivotFailure>> Backend::factor(Matrix<double>& H, Vector<double>& d) {
  return factor_udu_in_place(H, d);
}

Expected<std::optional<Entry>> Backend::recurrence(const Target& target, const UpperStrips<float>& U, Index block_size,
                                                   Rounded& rounded, const RowSink& sink, const RowSums* row_sums) {
  return run_recurrence(target, U, block_size, rounded, sink, row_sums);
}

Expected<std::vector<Loss>> Backend::losses_binary32(const LossModel& model, const UpperStrips<float>& U,
                                                     const Target& target, const Matrix<Code>& codes,
                                                     std::span<const Index> rows) {
  return enclose_losses_binary32(model, U, target, codes, rows);
}

Expected<std::vector<Loss>> Backend::losses(const LossModel& model, const Target& target, const Matrix<Code>& codes,
                                            std::span<const Index> rows) {
  return enclose_losses(model, target, codes, rows);
}

}  // namespace hallmark
