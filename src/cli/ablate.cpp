// hallmark ablate: the calibration ablation on one grid; appends its lines to a ledger and renews the report.

#include <iostream>
#include <limits>
#include <memory>

#include <fmt/format.h>

#include "ablation/report.hpp"
#include "ablation/run.hpp"
#include "base/threads.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/ranges.hpp"
#include "measure/provenance.hpp"

namespace hallmark::cli {
namespace {

struct AblateFlags {
  AblationOptions options;
  std::string output, contracts = "on";
  int threads = 0;
};

void print_cells(const std::vector<Cell>& cells) {
  print("{:>5} {:>3}  {:>12}  {:>12}  {:>10}  {:>13}  {}\n", "seed", "N", "BPB before", "BPB after", "change",
        "rec. loss", "guard rows");
  for (const Cell& cell : cells)
    print("{:>5} {:>3}  {:12.8f}  {:12.8f}  {:+10.2e}  {:13.6e}  {}\n", cell.seed, cell.n, cell.bpb_pre_quant,
          cell.bpb_post_quant, cell.bpb_post_quant - cell.bpb_pre_quant, cell.reconstruction_mse, cell.guard_rows);
}

Expected<Exit> run(AblateFlags flags) {
  if (flags.threads > 0)
    if (const auto used = use_threads(flags.threads); !used) return used.error();
  const Expected<contracts::Policy> policy = contracts::parse_policy(flags.contracts);
  if (!policy) return policy.error();
  flags.options.contracts = *policy;
  const std::optional<std::string> output = flags.output.empty() ? std::nullopt : std::optional(flags.output);
  const Expected<std::string> ledger = run_ledger(flags.options, output);
  if (!ledger) return ledger.error();
  flags.options.git_sha = current_git_sha();

  Expected<AblationResult> result = [&] {
    Progress bar("ablate " + (flags.options.bits.empty() ? flags.options.grid : flags.options.bits + " bits"));
    return run_ablation(flags.options,
                        [&](double done, double total, std::string_view item) { bar.update(done, total, item); });
  }();
  if (!result) return result.error();
  for (const std::string& remark : result->notes) note("note: {}", remark);
  print_cells(result->cells);
  if (result->verdict) std::cout << "\n" << describe(*result->verdict) << std::flush;
  if (const Status appended = append_run(*ledger, result->lines); !appended) return appended.error();
  note("appended {} lines to {}", result->lines.size(), *ledger);
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
  app->add_option("--seeds", f->options.seeds, "Training seeds of the checkpoints")
      ->check(whole_number(0, std::numeric_limits<std::int64_t>::max()))
      ->delimiter(',')
      ->capture_default_str();
  app->add_option("--batches", f->options.batches, "Calibration batches N")
      ->check(whole_number(0, 4096))
      ->delimiter(',')
      ->capture_default_str();
  app->add_option("--eval-bytes", f->options.eval_bytes, "Bytes of validation text")
      ->check(whole_number(1, std::int64_t{1} << 40))
      ->capture_default_str();
  app->add_option("--models", f->options.models, "Folder of the checkpoints")->capture_default_str();
  app->add_option("--text", f->options.text, "Folder of text; file i is validation when i mod 10 = 9")
      ->capture_default_str();
  app->add_option("-o,--output", f->output, "Append here instead of to the canonical ledger of the grid");
  app->add_option("--contracts", f->contracts,
                  "off, on, or exact: run-time contracts, in enclosures or in exact arithmetic alone")
      ->capture_default_str();
  app->add_option("--threads", f->threads, "Threads; does not change the result [all cores]")
      ->check(whole_number(1, most_threads));
  return {app, [f] { return run(*f); }};
}

}  // namespace hallmark::cli
