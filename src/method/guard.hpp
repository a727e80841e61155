// The guard: row by row the better of two proposals in the loss, decided without a guess. T6, T17.
#pragma once

#include "method/contestant.hpp"

namespace hallmark {

struct Contest {
  std::vector<Loss> first, second;        ///< per row
  std::vector<std::uint8_t> second_wins;  ///< it is strictly better there
  Index exact_rows = 0;                   ///< rows decided by exact arithmetic
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
