// Where and when a run was made.
#pragma once

#include <string>

namespace hallmark {

/// 128 bits from the system's source of randomness, 32 hexadecimal digits.
std::string random_run_id();

/// UTC, to the second: 2026-01-31T12:34:56Z
std::string timestamp_now();

/// `git rev-parse HEAD` in the current folder, with "+changed" when tracked files under src/, models/ or CMakeLists.txt
/// differ from it; "unknown" where there is no git or no checkout.
std::string current_git_sha();

}  // namespace hallmark
