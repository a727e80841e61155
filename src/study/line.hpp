// A line of the studies' ledger: one arm of a study on one checkpoint.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "ledger/ledger.hpp"

namespace hallmark {

/// What an arm measured, by name; of a tensor "NAME/TENSOR".
using Figures = std::map<std::string, double>;

struct StudyLine {
  std::string run;         ///< 128 random bits, common to the lines of a run
  std::int64_t lines = 0;  ///< how many lines the whole run has
  std::string study, arm;
  std::uint64_t seed = 0;
  std::string git_sha, timestamp;
  double seconds = 0;  ///< processor time of the arm, all threads
  double bpb_float = 0;
  std::int64_t eval_bytes = 0;
  Figures figures;

  std::string checkpoint_digest, text_digest;
  std::string codes_digest;         ///< of the codes and scales that the arm began with
  std::string contracts = "off";    ///< the policy
  std::int64_t contracts_held = 0;  ///< evaluations, all of which held

  /// What no other line of a run has.
  std::string key() const;
};

/// One JSON object on one line, without `prev`. Errors: E0122 a value that is not finite.
Expected<std::string> study_line(const StudyLine& line);

/// The line in a text made by study_line, with or without `prev`. `place` names file and line in messages.
/// Errors: E0373 a key is missing or not what it must be.
Expected<StudyLine> parse_study_line(std::string_view text, const std::string& place);

/// All lines of a ledger; the chain was checked when it was read. Errors: those of parse_study_line and lines_of_runs.
Expected<std::vector<StudyLine>> study_lines(std::span<const LedgerEntry> entries, const std::string& place);

}  // namespace hallmark
