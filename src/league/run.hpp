// The league: entries x divisions x checkpoints, each quantized, judged and evaluated.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "contracts/runtime/report.hpp"
#include "league/board.hpp"
#include "league/entries.hpp"
#include "league/line.hpp"
#include "measure/checkpoint.hpp"
#include "measure/kept_lines.hpp"
#include "ranks/ranks.hpp"
#include "replay/forward.hpp"

namespace hallmark {

inline constexpr std::string_view league_ledger_path = "assertions/league.jsonl";

struct LeagueOptions {
  std::string pattern;                 ///< found in the names of the entries that play; empty: all
  std::vector<std::string> divisions;  ///< names; empty: all
  std::vector<std::uint64_t> seeds{canonical_seeds.begin(), canonical_seeds.end()};
  std::size_t eval_bytes = evaluation_bytes;
  std::string models = "models";  ///< holds checkpoint_name(seed)
  std::string text = std::string(default_text_folder);
  contracts::Policy contracts = contracts::Policy::on;
  std::string git_sha = "unknown";  ///< see current_git_sha()
};

/// What plays: divisions in order, entries in order within, each on every checkpoint.
/// Errors: E0210 the pattern; E0226 no such division, nothing plays, seeds empty or repeated, too few eval_bytes.
Expected<std::vector<Fixture>> fixtures_of(const LeagueOptions& options);

/// The ledger for a run with these options: `output` when given, else `canonical`. A run that is not the whole league
/// needs an `output` other than that. Errors: E0225; those of read_ledger and league_lines.
Expected<std::string> league_ledger(const LeagueOptions& options, const std::optional<std::string>& output,
                                    const std::string& canonical = std::string(league_ledger_path));

/// Who hears of the work: `finished` of every line, at once, of one that a state gave too; an error of its ends the
/// run.
struct LeagueListener {
  Progress progress;
  std::function<Status(const LeagueLine& line)> finished;
  std::function<void(const std::string& note)> note;
};

/// Runs what `begun` lacks: the lines of the run that is gone on with, or none for a new run. With a state, and then
/// nothing begun, finished lines are kept in it, and those taken that it holds. Equal options, files and
/// machine give equal lines but for run, timestamp and seconds, for any number of threads and of ranks. All ranks call
/// it with equal options, files and program (E0450); rank 0 alone has begun, listener and state, and hands the lines
/// out. Errors: E0376 `begun` is a run of another commit, text or set; those of fixtures_of, load_corpus,
/// load_checkpoint, agree, SharedItems, set_up_board, play and KeptLines.
Status run_league(const LeagueOptions& options, const std::vector<LeagueLine>& begun, const LeagueListener& listener,
                  const LineState& state = {}, Ranks* several = nullptr);

}  // namespace hallmark
