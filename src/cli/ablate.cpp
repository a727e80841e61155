// hallmark ablate: the calibration ablation on one grid; appends its lines to a ledger and renews the report.

#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "ablation/report.hpp"
#include "ablation/run.hpp"
#include "cli/build_info.hpp"
#include "cli/experiment_flags.hpp"
#include "cli/last_words.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/resume.hpp"
#include "measure/provenance.hpp"

namespace hallmark::cli {
namespace {

struct AblateFlags : ExperimentFlags<AblationOptions> {
  ResumeFlags resume;
};

void print_cells(const std::vector<Cell>& cells) {
  print("{:>5} {:>3}  {:>12}  {:>12}  {:>10}  {:>13}  {}\n", "seed", "N", "BPB before", "BPB after", "change",
        "rec. loss", "guard rows");
  for (const Cell& cell : cells)
    print("{:>5} {:>3}  {:12.8f}  {:12.8f}  {:+10.2e}  {:13.6e}  {}\n", cell.seed, cell.n, cell.bpb_pre_quant,
          cell.bpb_post_quant, cell.bpb_post_quant - cell.bpb_pre_quant, cell.reconstruction_mse, cell.guard_rows);
}

Expected<Exit> run(AblateFlags flags) {
  if (const Status good = flags.apply(); !good) return good.error();
  const std::optional<std::string> output = flags.ledger();
  const Expected<std::string> ledger = run_ledger(flags.options, output);
  if (!ledger) return ledger.error();
  flags.options.git_sha = current_git_sha();
  Expected<Resumable> resumable =
      Resumable::open(flags.resume, "ablate", fmt::format("hallmark {}", build_info::version));
  if (!resumable) return resumable.error();

  Expected<AblationResult> result = [&] {
    std::optional<LastWords> words;
    if (const State* const state = resumable->state()) words.emplace(last_words_of(*state));
    Progress bar("ablate " + (flags.options.bits.empty() ? flags.options.grid : flags.options.bits + " bits"));
    return run_ablation(
        flags.options, [&](double done, double total, std::string_view item) { bar.update(done, total, item); },
        resumable->lines());
  }();
  if (!result) return result.error();
  resumable->print_summary(result->cells.size());
  for (const std::string& remark : result->notes) warn("note: {}", remark);
  print_cells(result->cells);
  if (result->verdict) std::cout << "\n" << describe(*result->verdict) << std::flush;
  const Expected<bool> appended = append_once(*ledger, result->run, result->lines);
  if (!appended) return appended.error();
  if (*appended) note("appended {} lines to {}", result->lines.size(), *ledger);
  else note("{} has the lines of this run already", *ledger);
  if (output) return Exit::ok;
  const Expected<std::string> page = write_report();
  if (!page) return page.error();
  note("wrote {}", *page);
  return Exit::ok;
}

}  // namespace

Command ablate_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand("ablate", "Seeds x {0, 16, 32} calibration batches on one grid, with a verdict");
  auto f = std::make_shared<AblateFlags>();
  app->add_option("--grid", f->options.grid, "gf16, int8, int6, int4, ...")->capture_default_str();
  app->add_option("--bits", f->options.bits,
                  "2 to 8: the settings of `hallmark quantize --bits` instead of GPTQ on a grid")
      ->excludes("--grid");
  app->add_option("--batches", f->options.batches, "Calibration batches N")
      ->check(whole_number(0, 4096))
      ->delimiter(',')
      ->capture_default_str();
  f->add_to(*app, "the canonical ledger of the grid");
  add_resume_flags(*app, f->resume, "cell");
  return {app, [f] { return run(*f); }};
}

}  // namespace hallmark::cli
