// The guard: row by row the better of a proposal and RTN in the plain loss, decided without a guess. T6.
#pragma once

#include <functional>

#include "method/backend.hpp"

namespace hallmark {

struct Guarded {
  std::vector<Loss> proposal, rtn;     ///< per row
  std::vector<std::uint8_t> kept_rtn;  ///< RTN is strictly better there
  Index exact_rows = 0;                ///< rows decided by exact arithmetic
};

/// The stage before binary64: the factor as the recurrence read it, and the sums of its losses that it left.
struct FirstStage {
  const UpperStrips<float>& U;
  std::span<const LossSums> sums;             ///< of the proposal, all rows; empty where its method left none
  std::function<const LossModel&()> widened;  ///< the model with its U, which only the rows left open need
};

/// model.U is read where there is no first stage. Equal codes are decided without arithmetic, the rest by enclosures of
/// both losses in binary32 (where there is a first stage), what these leave open by enclosures in binary64, and what
/// those leave open by the exact loss in G (binary64 entries read as exact dyadics). A row's enclosures are those of
/// the stage that decided it. the proposal keeps a tie. G [cols, cols] is the stored matrix in the order of W's
/// columns. Errors: those of the backend, which encloses.
Expected<Guarded> guard(const LossModel& model, const Target& target, MatrixRef<double> G, const Matrix<Code>& proposal,
                        const Matrix<Code>& rtn, const FirstStage* first = nullptr, Backend* backend = nullptr);

}  // namespace hallmark
