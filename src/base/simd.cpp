#include "base/simd.hpp"

#include "base/error_numbers.hpp"
#include "base/highway.hpp"
#include <hwy/highway.h>

namespace hallmark {
namespace {

constexpr std::int64_t kReference = HWY_TARGETS & (HWY_EMU128 | HWY_SCALAR);

// The targets of this build that the CPU runs, whatever set_simd_target said before.
std::int64_t usable_targets() {
  const std::int64_t chosen = hwy::SupportedTargets();
  hwy::SetSupportedTargetsForTest(0);
  const std::int64_t usable = (hwy::SupportedTargets() & HWY_TARGETS) | kReference;
  hwy::SetSupportedTargetsForTest(chosen);
  return usable;
}

void select(std::int64_t targets) {
  hwy::SetSupportedTargetsForTest(targets);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace

std::string simd_target_name(std::int64_t target) {
  return (target & kReference) != 0 ? "reference" : hwy::TargetName(target);
}

std::vector<std::string> simd_targets() {
  std::vector<std::string> names;
  for (std::int64_t rest = usable_targets(); rest != 0; rest &= rest - 1)
    names.push_back(simd_target_name(rest & -rest));
  return names;
}

std::string simd_target() {
  const std::int64_t usable = (hwy::SupportedTargets() & HWY_TARGETS) | kReference;
  return simd_target_name(usable & -usable);  // the lowest bit is the best target, and the one that dispatch takes
}

Status set_simd_target(std::string_view name) {
  if (name.empty()) {
    select(0);
    return ok();
  }
  std::string known;
  for (std::int64_t rest = usable_targets(); rest != 0; rest &= rest - 1) {
    const std::int64_t target = rest & -rest;
    if (simd_target_name(target) == name) {
      select(target);
      return ok();
    }
    known += (known.empty() ? "" : ", ") + simd_target_name(target);
  }
  return Error{Exit::unavailable, error_number::simd_target, "unknown or unsupported SIMD target",
               "asked for: " + std::string(name), "use one of: " + known};
}

}  // namespace hallmark
