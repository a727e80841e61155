// The search over steps: row by row those whose codes lose least.
#pragma once

#include "method/selection.hpp"

namespace hallmark {

/// Row by row the steps among the candidates under which the codes of GPTQ have the least plain loss, the earlier where
/// two tie; the first candidate also where its codes of round-to-nearest lose less than all of these (T17). At least
/// one candidate. A later candidate under which a compensated weight overflows is left out. `input.target` names W,
/// grid and order; its steps are not read. Errors: E0503 of the first candidate; those of the backend.
Expected<Steps> best_steps(const MethodInput& input, const LossModel& model, const FirstStage& stage,
                           std::vector<Steps> candidates);

}  // namespace hallmark
