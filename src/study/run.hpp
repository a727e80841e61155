// A run of a study: its arms on the checkpoints.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "contracts/runtime/report.hpp"
#include "measure/checkpoint.hpp"
#include "measure/kept_lines.hpp"
#include "study/line.hpp"
#include "study/study.hpp"

namespace hallmark {

inline constexpr std::string_view studies_ledger_path = "assertions/studies.jsonl";

struct StudyOptions {
  std::string study;    ///< its name
  std::string pattern;  ///< found in the names of the arms that are measured; empty: all
  std::vector<std::uint64_t> seeds{canonical_seeds.begin(), canonical_seeds.end()};
  std::size_t eval_bytes = 0;     ///< 0: as many as the study asks for
  std::string models = "models";  ///< holds checkpoint_name(seed)
  std::string text = std::string(default_text_folder);
  contracts::Policy contracts = contracts::Policy::on;
  std::string git_sha = "unknown";  ///< see current_git_sha()
};

struct StudyRun {
  std::string run;                 ///< its id
  std::vector<StudyLine> lines;    ///< checkpoints in order, arms in order within
  std::vector<std::string> texts;  ///< of the lines, for append_once
  std::vector<std::string> notes;  ///< for the user
};

/// Measures every arm on every checkpoint. Equal options, files and machine give equal lines but for run, timestamp and
/// seconds, for any number of threads. With a state finished lines are kept in it, and those taken that it holds;
/// nothing else is written. Errors: E0226 no such study or arm, seeds empty or repeated, too few eval_bytes; E0210 the
/// pattern; those of load_corpus, load_checkpoint, study_board, of the study and KeptLines.
Expected<StudyRun> run_study(const StudyOptions& options, const Progress& progress, const LineState& state = {});

/// The ledger for a run with these options: `output` when given, else `canonical`. A run that is not the whole study
/// needs an `output` other than that. Errors: E0225; those of read_ledger and study_lines.
Expected<std::string> study_ledger(const StudyOptions& options, const std::optional<std::string>& output,
                                   const std::string& canonical = std::string(studies_ledger_path));

}  // namespace hallmark
