// Threads that the system may refuse.
#pragma once

#include "base/error.hpp"

namespace hallmark {

/// How many of `wanted` threads the system starts beside the caller now; they have ended when this returns. OpenMP ends
/// the process where it cannot start one, so whoever uses it asks first.
int startable_threads(int wanted);

/// Sets the number of OpenMP's threads to `wanted` (0: as many as it would take) or to what the system gives, leaving
/// some for what goes beside the arithmetic, and starts them. Errors: E1001 their stacks are too small for the kernels.
Expected<int> use_threads(int wanted);

}  // namespace hallmark
