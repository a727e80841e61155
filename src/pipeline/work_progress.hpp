// How far a run over the matrices of a plan is.
#pragma once

#include <functional>
#include <string_view>

#include <fmt/format.h>

#include "base/row_progress.hpp"
#include "pipeline/plan.hpp"

namespace hallmark {

/// Hears of work done, of all work, in one unit, and of what is worked at; called from the caller's thread. May be
/// empty.
using WorkProgress = std::function<void(double done, double total, std::string_view item)>;

/// Tells `show` of the exact judgements of a matrix, which begins with `done` of `total`, as of a share of its work.
inline TellRows judgements_of(const PlannedMatrix& planned, double done, double total, const WorkProgress& show) {
  if (!show) return {};
  return [&planned, done, total, &show](std::uint64_t judged, std::uint64_t all) {
    const double share = static_cast<double>(judged) / static_cast<double>(all);
    show(done + share * planned.work(), total,
         fmt::format("{}, {} of {} exact judgements", planned.name(), judged, all));
  };
}

}  // namespace hallmark
