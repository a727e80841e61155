// hallmark-check, run on the files: the judgement of the program whose judge was extracted from Coq (T13).
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace hallmark::cli {

/// SHA-256 of the files that were judged, as they were; calibration: "" without.
struct FileDigests {
  std::string weights, calibration, quantized, certificate;
  bool operator==(const FileDigests&) const = default;
};

/// What hallmark-check is asked: the files by their names, and how many rows of each matrix (empty: all).
struct CheckerFiles {
  std::string weights, calibration /* or empty */, quantized, certificate /* empty: the one beside */, rows;
  FileDigests verified;  ///< those that the verdict has to be about
  std::function<bool()>
      still_there;  ///< whether the names lead to these; asked where the checker does not say what it read
};

/// HALLMARK_CHECK, which has to name a program when it is set; else hallmark-check beside the tool, in checker/ beside
/// the tool (where `make checker` builds it), or in PATH. Errors: E1304 there is none.
Expected<std::string> find_checker();

/// Either every matrix was accepted, or the checker does not read these files; and its lines about what it did not
/// judge.
struct CheckerVerdict {
  bool accepted = false;
  std::vector<std::string> not_judged;
};

/// Runs the checker on the files, which hold so many matrices, and waits. Errors: E0902 it read others, or somebody
/// wrote to them; E0714 it rejects; E0113 it failed otherwise; those of run_process.
Expected<CheckerVerdict> run_checker(const std::string& checker, const CheckerFiles& files, std::size_t matrices);

}  // namespace hallmark::cli
