// GPTQ: the recurrence along H = U D U^T, whose codes it proposes. Columns with G_jj = 0 are rounded to nearest: by the
// arithmetic itself when lambda > 0, and because the order leaves them out when lambda = 0.
#pragma once

#include "method/method.hpp"

namespace hallmark {

/// The codes of the recurrence for `target`: that of the input, or the same W and order under other steps, which the
/// proposal does not carry. With `choose` codes are what it makes of the nearest ones, on the CPU. The input's sink
/// sees the rows. Errors: E0503 names the first row and column that overflow; those of the backend.
Expected<Proposal> gptq_proposal(const MethodInput& input, const Target& target, const CodeChooser& choose = nullptr);

/// E0503: the compensated weights of a tensor overflow, first here.
Error recurrence_overflow(std::string_view tensor, Entry where);

}  // namespace hallmark
