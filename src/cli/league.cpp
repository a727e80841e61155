// hallmark league: entries x divisions x checkpoints; appends each line to a ledger as it is finished.

#include <filesystem>
#include <limits>
#include <memory>

#include <fmt/format.h>

#include "base/threads.hpp"
#include "cli/command.hpp"
#include "cli/last_words.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/ranges.hpp"
#include "io/utf8.hpp"
#include "league/report.hpp"
#include "league/run.hpp"
#include "measure/provenance.hpp"

namespace hallmark::cli {
namespace {

struct LeagueFlags {
  LeagueOptions options;
  std::string output, contracts = "on";
  bool resume = false, report = false;
  int threads = 0;
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
      [](const std::string& remark) { note("note: {}", remark); }};
  return run_league(options, begun, listener);
}

Expected<Exit> run(LeagueFlags flags) {
  if (flags.threads > 0)
    if (const auto used = use_threads(flags.threads); !used) return used.error();
  const Expected<contracts::Policy> policy = contracts::parse_policy(flags.contracts);
  if (!policy) return policy.error();
  flags.options.contracts = *policy;
  const std::optional<std::string> output = flags.output.empty() ? std::nullopt : std::optional(flags.output);
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
  app->add_option("--seeds", f->options.seeds, "Training seeds of the checkpoints")
      ->check(whole_number(0, std::numeric_limits<std::int64_t>::max()))
      ->delimiter(',')
      ->capture_default_str();
  app->add_option("--eval-bytes", f->options.eval_bytes, "Bytes of validation text")
      ->check(whole_number(1, std::int64_t{1} << 40))
      ->capture_default_str();
  app->add_option("--models", f->options.models, "Folder of the checkpoints")->capture_default_str();
  app->add_option("--text", f->options.text, "Folder of text; file i is validation when i mod 10 = 9")
      ->capture_default_str();
  app->add_option("-o,--output", f->output, "Append here instead of to the league's own ledger");
  app->add_option("--contracts", f->contracts,
                  "off, on, or exact: run-time contracts, in enclosures or in exact arithmetic alone")
      ->capture_default_str();
  app->add_flag("--resume", f->resume, "Go on with the last run of the ledger, where it was interrupted");
  app->add_flag("--report", f->report, "Play nothing: write the report of the ledger again");
  app->add_option("--threads", f->threads, "Threads; does not change the result [all cores]")
      ->check(whole_number(1, most_threads));
  return {app, [f] { return run(*f); }};
}

}  // namespace hallmark::cli
