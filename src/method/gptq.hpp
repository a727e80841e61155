// GPTQ: the recurrence along H = U D U^T, whose codes it proposes.
#pragma once

#include "method/method.hpp"

namespace hallmark {

/// Columns with G_jj = 0 are rounded to nearest: by the arithmetic itself when lambda > 0, as round-to-nearest left
/// them when lambda = 0. Errors: E0503 overflow in the recurrence; those of the backend.
namespace method {
extern const Method gptq;
}

}  // namespace hallmark
