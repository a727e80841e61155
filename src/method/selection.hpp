// The best of several proposals, row by row. T17.
#pragma once

#include "method/contestant.hpp"
#include "method/method.hpp"

namespace hallmark {

/// Row by row the first proposal of least plain loss, each with its own steps or those of `target`. Decided by
/// enclosures in binary32, then, from the likeliest on, in binary64, and where these overlap by exact losses in G;
/// equal numbers without arithmetic. At least one proposal; all are of target's W and order. Errors: those of the
/// backend.
Expected<Proposal> select(const LossModel& model, MatrixRef<double> G, const Target& target,
                          std::vector<Proposal> proposals, const FirstStage& stage, Backend& compute);

}  // namespace hallmark
