// hallmark study: the arms of a study on the checkpoints; appends the lines to a ledger and renews its page.

#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "cli/build_info.hpp"
#include "cli/experiment_flags.hpp"
#include "cli/last_words.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/resume.hpp"
#include "measure/provenance.hpp"
#include "study/report.hpp"
#include "study/run.hpp"

namespace hallmark::cli {
namespace {

struct StudyFlags : ExperimentFlags<StudyOptions> {
  ResumeFlags resume;
  bool report = false;
};

// docs/studies/NAME.md and docs/studies.md for the canonical ledger; the page alone, beside it, for any other.
Expected<Exit> write_pages(const StudyFlags& flags) {
  const std::string& name = flags.options.study;
  const std::string ledger = flags.output.empty() ? std::string(studies_ledger_path) : flags.output;
  const std::string page = flags.output.empty() ? fmt::format("docs/studies/{}.md", name)
                                                : std::filesystem::path(flags.output).replace_extension(".md").string();
  if (const Status written = write_study_page(ledger, name, page); !written) return written.error();
  note("wrote {}", page);
  if (!flags.output.empty()) return Exit::ok;
  if (const Status written = write_studies_summary(ledger, "docs/studies.md"); !written) return written.error();
  note("wrote docs/studies.md");
  return Exit::ok;
}

Expected<Exit> run_asked(StudyFlags flags) {
  if (const Status good = flags.apply(); !good) return good.error();
  if (flags.report) return write_pages(flags);
  const Expected<std::string> ledger = study_ledger(flags.options, flags.ledger());
  if (!ledger) return ledger.error();
  flags.options.git_sha = current_git_sha();
  Expected<Resumable> resumable =
      Resumable::open(flags.resume, "study", fmt::format("hallmark {}", build_info::version));
  if (!resumable) return resumable.error();
  const Expected<StudyRun> done = [&] {
    std::optional<LastWords> words;
    if (const State* const state = resumable->state()) words.emplace(last_words_of(*state));
    Progress bar("study " + flags.options.study);
    return run_study(
        flags.options, [&](double part, double total, std::string_view item) { bar.update(part, total, item); },
        resumable->lines());
  }();
  if (!done) return done.error();
  resumable->print_summary(done->lines.size());
  for (const std::string& remark : done->notes) warn("note: {}", remark);
  const Expected<bool> appended = append_once(*ledger, done->run, done->texts);
  if (!appended) return appended.error();
  if (*appended) note("appended {} lines to {}", done->texts.size(), *ledger);
  else note("{} has the lines of this run already", *ledger);
  return flags.output.empty() ? write_pages(flags) : Exit::ok;
}

}  // namespace

Command study_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand("study", "Answers a question about quantization on the checkpoints");
  auto f = std::make_shared<StudyFlags>();
  std::string names;
  for (const Study* study : studies()) names += fmt::format("{}{}", names.empty() ? "" : ", ", study->name);
  app->add_option("name", f->options.study, names)->required();
  app->add_option("--arms", f->options.pattern, "Regular expression found in the names of the arms [all]");
  f->add_to(*app, "the studies' own ledger");
  CLI::Option* const state = add_resume_flags(*app, f->resume, "line");
  app->add_flag("--report", f->report, "Measure nothing: write the page of the ledger again")->excludes(state);
  return {app, [f] { return run_asked(*f); }};
}

}  // namespace hallmark::cli
