// The guard: row by row the better of two proposals in the loss, decided without a guess. T6, T17.
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

struct Contest {
  std::vector<Loss> first, second;        ///< per row
  std::vector<std::uint8_t> second_wins;  ///< it is strictly better there
  Index exact_rows = 0;                   ///< rows decided by exact arithmetic
};

/// The stage before binary64: the factor as the recurrence read it.
struct FirstStage {
  const UpperStrips<float>& U;
  std::function<const LossModel&()> widened;  ///< the model with its U, which only the rows left open need
};

/// Both contestants have one W, one order and one asymmetric target, if any. model.U is read where there is no first
/// stage. Equal codes and steps are decided without arithmetic, the rest by enclosures of both losses in binary32
/// (where there is a first stage), what these leave open by enclosures in binary64, and what those leave open by the
/// exact loss in G (binary64 entries read as exact dyadics). A row's enclosures are those of the stage that decided it.
/// The first keeps a tie. G [cols, cols] is the stored matrix in the order of W's columns. Errors: those of the
/// backend, which encloses.
Expected<Contest> contest(const LossModel& model, MatrixRef<double> G, const Contestant& first,
                          const Contestant& second, const FirstStage* stage = nullptr, Backend* backend = nullptr);

}  // namespace hallmark
