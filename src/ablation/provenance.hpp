// Where and when a run was made; private to src/ablation.
#pragma once

#include <string>

namespace hallmark::detail {

/// 128 bits from the system's source of randomness, 32 hexadecimal digits.
std::string random_run_id();

/// UTC, to the second: 2026-01-31T12:34:56Z
std::string timestamp_now();

}  // namespace hallmark::detail
