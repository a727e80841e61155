// hallmark league: entries x divisions x checkpoints; appends each line to a ledger as it is finished.

#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "cli/experiment_flags.hpp"
#include "cli/last_words.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "io/utf8.hpp"
#include "league/report.hpp"
#include "league/run.hpp"
#include "measure/provenance.hpp"

namespace hallmark::cli {
namespace {

struct LeagueFlags : ExperimentFlags<LeagueOptions> {
  bool resume = false, report = false;
};

// docs/league.md for the canonical ledger; beside any other.
std::string page_of(const LeagueFlags& flags) {
  return flags.output.empty() ? "docs/league.md"
                              : std::filesystem::path(flags.output).replace_extension(".md").string();
}

Expected<Exit> write_report(const std::string& ledger, const std::string& page) {
  if (const Status written = write_league_report(ledger, page); !written) return written.error();
  note("wrote {}", page);
  return Exit::ok;
}

Status play(const LeagueOptions& options, const std::vector<LeagueLine>& begun, const std::string& ledger) {
  Progress bar("league");
  const LastWords words(
      escaped(fmt::format("finished lines stay in {}: the same command with --resume goes on", ledger)) + "\n");
  const LeagueListener listener{
      [&](double done, double total, std::string_view item) { bar.update(done, total, item); },
      [&](const LeagueLine& line) -> Status {
        const auto text = league_line(line);
        if (!text) return text.error();
        const std::string bodies[] = {*text};
        return append_to_ledger(ledger, LedgerForm::json_lines, bodies);
      },
      [](const std::string& remark) { warn("note: {}", remark); }};
  return run_league(options, begun, listener);
}

Expected<Exit> run(LeagueFlags flags) {
  if (const Status good = flags.apply(); !good) return good.error();
  const std::optional<std::string> output = flags.ledger();
  if (flags.report) return write_report(output.value_or(std::string(league_ledger_path)), page_of(flags));
  const Expected<std::string> ledger = league_ledger(flags.options, output);
  if (!ledger) return ledger.error();
  flags.options.git_sha = current_git_sha();
  std::vector<LeagueLine> begun;
  if (flags.resume) {
    const auto present = read_ledger(*ledger, LedgerForm::json_lines);
    if (!present) return present.error();
    const auto lines = league_lines(*present, *ledger);
    if (!lines) return lines.error();
    begun = last_run(*lines);
  }
  if (const Status played = play(flags.options, begun, *ledger); !played) return played.error();
  note("appended to {}", *ledger);
  return output ? Exit::ok : write_report(*ledger, page_of(flags));
}

}  // namespace

Command league_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand("league", "Methods, grids and scales against each other on the checkpoints");
  auto f = std::make_shared<LeagueFlags>();
  app->add_option("--entries", f->options.pattern, "Regular expression found in the names of the entries [all]");
  app->add_option("--bits", f->options.divisions, "2, 3, 4, 6 or gf16 [all]")->delimiter(',');
  f->add_to(*app, "the league's own ledger");
  app->add_flag("--resume", f->resume, "Go on with the last run of the ledger, where it was interrupted");
  app->add_flag("--report", f->report, "Play nothing: write the report of the ledger again");
  return {app, [f] { return run(*f); }};
}

}  // namespace hallmark::cli
