// Running another program: the solvers, the extracted checker.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"

namespace hallmark {

/// How a program ended and what it said.
struct ProcessResult {
  int exit = 0;            ///< exit status; 128 + the signal that ended it
  bool timed_out = false;  ///< it was killed at the limit
  std::string output;      ///< stdout and stderr, in the order written
  double seconds = 0;      ///< wall clock
};

/// The executable that `program` names: a path as it is, a bare name as PATH finds it.
/// Errors: E1304 there is none.
Expected<std::string> find_program(const std::string& program);

/// Runs a program with an empty stdin, waits for it, and kills it after `limit` seconds (> 0). It dies with this
/// process, however this process ends (PR_SET_PDEATHSIG). At most 64 MiB of output are taken.
/// Errors: E1304 there is no such program; E0906 it could not be started or says too much.
Expected<ProcessResult> run_process(const std::string& program, const std::vector<std::string>& arguments,
                                    double limit);

}  // namespace hallmark
