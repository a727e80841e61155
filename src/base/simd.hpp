// Which instruction sets the fast kernels may use. A kernel is compiled once per Highway target and dispatched at run
// time; every target gives the same bits, so this choice is about speed only. Tests force each one in turn.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hallmark {

/// Names of the targets that this build holds and this CPU runs, best first; the last one, "reference", is the plain
/// loops with std::fma, which run where there is no vector unit with a fused multiply-add.
std::vector<std::string> simd_targets();

/// The target that the next kernel call will use.
std::string simd_target();

/// The name of a Highway target: "reference" for the plain loops.
std::string simd_target_name(std::int64_t target);

/// Restricts all kernels to one target of simd_targets(); "" gives the choice back. An unknown or unsupported name is
/// an error and changes nothing. Not to be called while kernels run.
Status set_simd_target(std::string_view name);

}  // namespace hallmark
