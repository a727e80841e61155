// The sums of `hallmark gram`, and what a state keeps of them.
#pragma once

#include <string>
#include <vector>

#include "calibrate/calibration_file.hpp"
#include "cli/resume.hpp"

namespace hallmark::cli {

/// All that a sum depends on: the program, and the weight's tensor in every file that has it, in order.
Dependencies sum_dependencies(const std::vector<CalibrationFile>& files, const std::string& weight, bool merging,
                              const std::string& program);

/// The Gram matrix of plan.weight: over the activations of all files that have it, or, merging, the sum of their Gram
/// matrices, in the order of the files. Where the run has a state the matrix is kept there or taken from there, and of
/// activations in more than one chunk the sum so far, after every chunk. Errors: those of accumulate_gram, merge_gram
/// and State; E0902 an input changed.
Expected<Matrix<double>> kept_sum(const std::vector<CalibrationFile>& files, const GramPlan& plan, bool merging,
                                  Resumable& resumable);

}  // namespace hallmark::cli
