// The sums of `hallmark gram`, and what a state keeps of them.
#pragma once

#include <string>
#include <vector>

#include "calibrate/calibration_file.hpp"
#include "cli/resume.hpp"
#include "pipeline/kept_sums.hpp"

namespace hallmark::cli {

/// Says what is taken of a sum, and why not the whole of it.
void say_taken(Resumable& resumable, const GramPlan& plan, const SumSoFar& sum, std::uint64_t chunks);

/// The Gram matrix of plan.weight: over the activations of all files that have it, or, merging, the sum of their Gram
/// matrices, in the order of the files. Where the run has a state the matrix is kept there or taken from there, and of
/// activations in more than one chunk the sum so far, after every chunk. Errors: those of accumulate_gram and KeptSum.
Expected<Matrix<double>> kept_sum(const std::vector<CalibrationFile>& files, const GramPlan& plan, bool merging,
                                  Resumable& resumable);

}  // namespace hallmark::cli
