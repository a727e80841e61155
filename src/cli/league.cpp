// hallmark league: entries x divisions x checkpoints; appends each line to a ledger as it is finished. Of several ranks
// the first appends.

#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "cli/build_info.hpp"
#include "cli/experiment_flags.hpp"
#include "cli/last_words.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/ranks.hpp"
#include "cli/resume.hpp"
#include "io/utf8.hpp"
#include "league/report.hpp"
#include "league/run.hpp"
#include "measure/provenance.hpp"

namespace hallmark::cli {
namespace {

struct LeagueFlags : ExperimentFlags<LeagueOptions> {
  ResumeFlags resume;  // without a state, of the ledger's last run
  bool report = false;
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

// Appends every line as it is finished.
Status play(Resumable& stateless, const LeagueOptions& options, const std::vector<LeagueLine>& begun,
            const std::string& ledger) {
  Progress bar("league");
  const LastWords words(
      escaped(fmt::format("appended lines stay in {}: the same command with --resume goes on", ledger)) + "\n");
  const LeagueListener listener{
      [&](double done, double total, std::string_view item) { bar.update(done, total, item); },
      [&](const LeagueLine& line) -> Status {
        const auto text = league_line(line);
        if (!text) return text.error();
        const std::string bodies[] = {*text};
        return append_to_ledger(ledger, LedgerForm::json_lines, bodies);
      },
      [](const std::string& remark) { warn("note: {}", remark); }};
  return run_league(options, begun, listener, stateless.lines(), ranks.get());
}

// Keeps every line in the state as it is finished; the ledger gets all of them together.
Status play_in(Resumable& resumable, const LeagueOptions& options, const std::string& ledger) {
  std::vector<std::string> texts;
  std::string id;
  {
    Progress bar("league");
    const LastWords words(last_words_of(*resumable.state()));
    const LeagueListener listener{
        [&](double done, double total, std::string_view item) { bar.update(done, total, item); },
        [&](const LeagueLine& line) -> Status {
          auto text = league_line(line);
          if (!text) return text.error();
          texts.push_back(*std::move(text));
          id = line.run;
          return ok();
        },
        [](const std::string& remark) { warn("note: {}", remark); }};
    if (const Status played = run_league(options, {}, listener, resumable.lines(), ranks.get()); !played) return played;
  }
  resumable.print_summary(texts.size());
  const Expected<bool> appended = append_once(ledger, id, texts);
  if (!appended) return appended.error();
  if (*appended) note("appended to {}", ledger);
  else note("{} has the lines of this run already", ledger);
  return ok();
}

Expected<Exit> run(LeagueFlags flags) {
  if (const Status good = flags.apply(); !good) return good.error();
  const std::optional<std::string> output = flags.ledger();
  if (flags.report && !first_rank()) return Exit::ok;
  if (flags.report) return write_report(output.value_or(std::string(league_ledger_path)), page_of(flags));
  std::string ledger;
  if (first_rank()) {
    Expected<std::string> path = league_ledger(flags.options, output);
    if (!path) return path.error();
    ledger = *std::move(path);
  }
  flags.options.git_sha = current_git_sha();
  Expected<Resumable> resumable =
      Resumable::open(flags.resume, "league", fmt::format("hallmark {}", build_info::version));
  if (!resumable) return resumable.error();
  if (!first_rank()) {
    const Status helped = run_league(flags.options, {}, {}, resumable->lines(), ranks.get());
    return helped ? Expected<Exit>(Exit::ok) : helped.error();
  }
  if (resumable->state()) {
    if (const Status played = play_in(*resumable, flags.options, ledger); !played) return played.error();
  } else {
    std::vector<LeagueLine> begun;
    if (flags.resume.resume) {
      const auto present = read_ledger(ledger, LedgerForm::json_lines);
      if (!present) return present.error();
      const auto lines = league_lines(*present, ledger);
      if (!lines) return lines.error();
      begun = last_run(*lines);
    }
    if (const Status played = play(*resumable, flags.options, begun, ledger); !played) return played.error();
    note("appended to {}", ledger);
  }
  return output ? Exit::ok : write_report(ledger, page_of(flags));
}

}  // namespace

Command league_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand("league", "Methods, grids and scales against each other on the checkpoints");
  auto f = std::make_shared<LeagueFlags>();
  app->add_option("--entries", f->options.pattern, "Regular expression found in the names of the entries [all]");
  app->add_option("--bits", f->options.divisions, "2, 3, 4, 6 or gf16 [all]")->delimiter(',');
  f->add_to(*app, "the league's own ledger");
  CLI::Option* const state = app->add_option("--state", f->resume.folder,
                                             "Folder to keep every finished line in; the ledger gets all at the end");
  app->add_flag("--resume", f->resume.resume,
                "Take what the state holds and is still valid; without --state, go on with the last run of the ledger");
  app->add_flag("--report", f->report, "Play nothing: write the report of the ledger again")->excludes(state);
  return {app, [f] { return run(*f); }, true};
}

}  // namespace hallmark::cli
