// Codes in a contest: what their losses are, in three stages, each sharper and dearer than the one before.
#pragma once

#include <functional>

#include "method/backend.hpp"

namespace hallmark {

/// Codes under the steps of their target, and the sums of their losses where a recurrence left them.
struct Contestant {
  const Target& target;
  const Matrix<Code>& codes;
  std::span<const LossSums> sums = {};  ///< all rows, or empty
  KnownLosses* known = nullptr;         ///< is asked before binary64, and told what it says
};

/// The stage before binary64: the factor as the recurrence read it.
struct FirstStage {
  const UpperStrips<float>& U;
  std::function<const LossModel&()> widened;  ///< the model with its U, which only the rows left open need
};

/// Whether row i stands for the same numbers in both, which have one W and one grid.
bool same_numbers(const Contestant& a, const Contestant& b, Index i);

/// Enclosures in binary32 of the given rows, by the sums that a recurrence left or else by the product. Errors: those
/// of the backend, here and below.
Expected<std::vector<Loss>> first_losses(const LossModel& model, const FirstStage& stage, const Contestant& of,
                                         std::span<const Index> rows, Backend& compute);

/// Enclosures in binary64; what is known is not computed again, what was not is known then. model.U is read.
Expected<std::vector<Loss>> wide_losses(const LossModel& model, const Contestant& of, std::span<const Index> rows,
                                        Backend& compute);

}  // namespace hallmark
