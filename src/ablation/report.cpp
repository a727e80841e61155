#include "ablation/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include "base/error_numbers.hpp"
#include "ledger/ledger.hpp"
#include "ablation/plot.hpp"
#include "ablation/verdict.hpp"
#include "measure/page.hpp"

namespace hallmark {
namespace {

// The grids that have a ledger: first those of `make ablation-all`, then others by name.
std::vector<std::string> grids_in(const std::string& folder) {
  std::vector<std::string> grids{"gf16", "int8", "int6", "int4"};
  std::set<std::string> others;
  constexpr std::string_view prefix = "calibration_ablation.", suffix = ".jsonl";
  std::error_code missing;
  for (const auto& file : std::filesystem::directory_iterator(folder, missing)) {
    const auto name = file.path().filename().string();
    if (name.size() <= prefix.size() + suffix.size() || !name.starts_with(prefix) || !name.ends_with(suffix)) continue;
    others.insert(name.substr(prefix.size(), name.size() - prefix.size() - suffix.size()));
  }
  for (const auto& grid : others)
    if (std::find(grids.begin(), grids.end(), grid) == grids.end()) grids.push_back(grid);
  return grids;
}

const Cell& cell_of(const RecordedRun& run, std::uint64_t seed, std::int64_t n) {
  return *std::find_if(run.cells.begin(), run.cells.end(),
                       [&](const Cell& cell) { return cell.seed == seed && cell.n == n; });
}

std::string gained(double mean) {
  return mean == 0 ? "nothing" : fmt::format("{:.3g} bits per byte {}", std::abs(mean), mean > 0 ? "gained" : "lost");
}

std::string comparison_words(const Comparison& comparison) {
  const PairedTest& test = comparison.test;
  std::string text = fmt::format("- From {} to {} batches: ", comparison.from, comparison.to);
  if (test.degenerate)
    return text + fmt::format(
                      "all three seeds have the same difference ({}), so the test is degenerate: it has no t and no p "
                      "and confirms nothing.\n",
                      gained(test.mean));
  return text +
         fmt::format(
             "on average {} (per seed {:+.3g}, {:+.3g}, {:+.3g}); t = {:.3f}, one-tailed p = {:.3f}, {} {}. At the "
             "spread seen, three seeds can only show a mean gain above {:.3g}.\n",
             gained(test.mean), test.differences[0], test.differences[1], test.differences[2], *test.t, *test.p,
             test.significant ? "below" : "not below", significance_level, test.smallest_mean);
}

std::string verdict_words(const RecordedRun& run) {
  std::string text = fmt::format("**{}: lift {}confirmed.** ", run.verdict.grid, run.verdict.confirmed ? "" : "not ");
  text += run.verdict.confirmed ? "More calibration batches lowered the bits per byte in both comparisons.\n\n"
                                : "At least one of the two comparisons does not reject H0: that more calibration "
                                  "batches do not help.\n\n";
  for (const auto& comparison : run.verdict.comparisons) text += comparison_words(comparison);
  return text + "\n";
}

std::string bits_table(std::span<const RecordedRun> runs) {
  std::string text = "| grid | seed | before | N = 0 (RTN) | N = 16 | N = 32 |\n|---|---|---|---|---|---|\n";
  for (const auto& run : runs)
    for (const auto seed : canonical_seeds) {
      text += fmt::format("| {} | {} | {:.8f} |", run.verdict.grid, seed, cell_of(run, seed, 0).bpb_pre_quant);
      for (const auto n : canonical_batches) {
        const Cell& cell = cell_of(run, seed, n);
        text += fmt::format(" {:.8f} ({:+.2e}) |", cell.bpb_post_quant, cell.bpb_post_quant - cell.bpb_pre_quant);
      }
      text += "\n";
    }
  return text;
}

std::string loss_table(std::span<const RecordedRun> runs) {
  std::string text =
      "| grid | seed | N = 0 (RTN) | N = 16 | N = 32 | 16 on its own batches | 32 on its own batches |\n"
      "|---|---|---|---|---|---|---|\n";
  for (const auto& run : runs)
    for (const auto seed : canonical_seeds) {
      text += fmt::format("| {} | {} |", run.verdict.grid, seed);
      const double rtn = cell_of(run, seed, 0).reconstruction_mse;
      for (const auto n : canonical_batches) {
        const double mse = cell_of(run, seed, n).reconstruction_mse;
        text +=
            n == 0 || rtn == 0 ? fmt::format(" {:.4e} |", mse) : fmt::format(" {:.4e} (x {:.3f}) |", mse, mse / rtn);
      }
      for (const std::int64_t n : {16, 32}) text += fmt::format(" {:.4e} |", *cell_of(run, seed, n).calibration_mse);
      text += "\n";
    }
  return text;
}

std::string guard_table(std::span<const RecordedRun> runs) {
  std::string text =
      "| grid | seed | N | rows kept from RTN | unguarded loss / RTN loss, all tensors |\n|---|---|---|---|---|\n";
  for (const auto& run : runs)
    for (const auto seed : canonical_seeds)
      for (const std::int64_t n : {16, 32}) {
        const Cell& cell = cell_of(run, seed, n);
        text += fmt::format("| {} | {} | {} | {} | {} |\n", run.verdict.grid, seed, n, cell.guard_rows,
                            cell.unguarded_loss_ratio ? fmt::format("{:.4f}", *cell.unguarded_loss_ratio) : "no loss");
      }
  return text;
}

std::string tensor_table(const RecordedRun& run) {
  std::set<std::string> names;
  for (const Cell& cell : run.cells)
    for (const auto& [name, ratio] : cell.unguarded_loss_ratio_by_tensor) names.insert(name);
  std::string text = fmt::format("<details><summary>{}: each tensor</summary>\n\n| tensor |", run.verdict.grid);
  for (const auto seed : canonical_seeds)
    for (const std::int64_t n : {16, 32}) text += fmt::format(" {}, N = {} |", seed, n);
  text += "\n|---|---|---|---|---|---|---|\n";
  for (const auto& name : names) {
    text += fmt::format("| `{}` |", name);
    for (const auto seed : canonical_seeds)
      for (const std::int64_t n : {16, 32}) {
        const Cell& cell = cell_of(run, seed, n);
        const auto ratio = cell.unguarded_loss_ratio_by_tensor.find(name);
        const auto rows = cell.guard_rows_by_tensor.find(name);
        text += ratio == cell.unguarded_loss_ratio_by_tensor.end() ? " no loss" : fmt::format(" {:.4f}", ratio->second);
        text += rows == cell.guard_rows_by_tensor.end() ? " |" : fmt::format(" ({}) |", rows->second);
      }
    text += "\n";
  }
  return text + "\n</details>\n\n";
}

std::string count_models(const RecordedRun& run) {
  const auto& models = run.cells.front().count_model_bpb;
  if (models.empty()) return "";
  std::string text = "For comparison, interpolated count models of the train split on the same bytes:";
  const char* separator = " ";
  for (const auto& [order, bpb] : models) {
    text += fmt::format("{}order {}: {:.3f}", separator, order, bpb);
    separator = ", ";
  }
  return text + ".\n\n";
}

std::string provenance(std::span<const RecordedRun> runs) {
  std::string text = "| grid | run | commit | finished | verdict line | cells' seconds |\n|---|---|---|---|---|---|\n";
  for (const auto& run : runs) {
    std::int64_t milliseconds = 0;
    for (const Cell& cell : run.cells) milliseconds += cell.wallclock_ms;
    text += fmt::format("| {} | `{}` | `{}` | {} | {} | {:.0f} |\n", run.verdict.grid, run.verdict.run,
                        run.cells.back().git_sha.substr(0, 12), run.cells.back().timestamp,
                        run.verdict_line != 0 ? fmt::format("{}, agrees", run.verdict_line) : "not recorded",
                        static_cast<double>(milliseconds) / 1000);
  }
  text += "\nText (SHA-256):";
  std::set<std::string> texts;
  for (const auto& run : runs) texts.insert(run.cells.front().text_digest);
  for (const auto& digest : texts) text += " `" + digest + "`";
  text += fmt::format(
      "\n\nIn the cells of the run on {}, contracts printed from Coq and checks written by hand:\n\n"
      "| name | kind | passed | failed |\n|---|---|---|---|\n",
      runs.front().verdict.grid);
  const auto add_counts = [&](std::string_view kind, std::vector<ContractCount> Cell::*list) {
    std::map<std::string, ContractCount> counts;
    for (const Cell& cell : runs.front().cells)
      for (const ContractCount& count : cell.*list) {
        counts[count.name].passed += count.passed;
        counts[count.name].failed += count.failed;
      }
    for (const auto& [name, count] : counts)
      text += fmt::format("| {} | {} | {} | {} |\n", name, kind, count.passed, count.failed);
  };
  add_counts("contract", &Cell::contracts);
  add_counts("check", &Cell::checks);
  return text;
}

std::string page_text(std::span<const RecordedRun> runs, const std::string& picture) {
  std::string text =
      "<!-- Generated by `hallmark ablate` from assertions/calibration_ablation*.jsonl; do not edit. -->\n"
      "# The calibration ablation\n\n"
      "Does GPTQ with more calibration text give a better quantized model? Three checkpoints (training seeds 47, 89, "
      "144) are\n"
      "frozen; each is quantized with N = 0, 16 and 32 calibration batches of train text (N = 0 is round-to-nearest, "
      "RTN; the\n"
      "16 batches are the first of the 32), and evaluated in bits per byte on validation text. The lift counts as "
      "confirmed\n"
      "only if both comparisons, 0 to 16 and 16 to 32, have a one-tailed paired p below 0.25. That is a low bar: if\n"
      "calibration did nothing, each comparison alone would pass once in four times.\n\n## Verdict\n\n";
  for (const auto& run : runs) text += verdict_words(run);
  text += fmt::format("![Change of bits per byte and reconstruction loss against N]({})\n\n", picture);
  text += fmt::format(
      "## Bits per byte\n\nOver the first {} bytes of the validation split, each predicted once; in parentheses the "
      "change by quantization.\n\n{}\n",
      runs.front().cells.front().eval_bytes, bits_table(runs));
  text += count_models(runs.front());
  text +=
      "## Reconstruction loss\n\nMean of |(W - What) X|^2 per row and token over all quantized tensors; X from 8 train "
      "batches that no N "
      "uses (in parentheses:\nagainst RTN), and in the last columns from the calibration batches themselves.\n\n" +
      loss_table(runs) + "\n";
  text +=
      "## The guard\n\nUnguarded GPTQ may lose to RTN in single rows; the guard keeps the better of the two, row by "
      "row. The ratios\n"
      "are of unguarded GPTQ, on its own Gram matrices.\n\n" +
      guard_table(runs) +
      "\nPer tensor: the ratio, and in parentheses the number of rows kept from RTN where there are any.\n\n";
  for (const auto& run : runs) text += tensor_table(run);
  return text +
         "## Where these numbers come from\n\n`hallmark ttest < LEDGER` computes a verdict again; the ledgers are "
         "assertions/calibration_ablation.jsonl (gf16) and\n"
         "assertions/calibration_ablation.GRID.jsonl, described in [ablation-ledger.md](ablation-ledger.md).\n\n" +
         provenance(runs);
}

}  // namespace

std::string ledger_path(const std::string& folder, const std::string& grid) {
  return grid == "gf16" ? folder + "/calibration_ablation.jsonl"
                        : fmt::format("{}/calibration_ablation.{}.jsonl", folder, grid);
}

Expected<std::string> write_report(const std::string& ledgers, const std::string& page) {
  std::vector<RecordedRun> runs;
  for (const auto& grid : grids_in(ledgers)) {
    const auto path = ledger_path(ledgers, grid);
    auto entries = read_ledger(path, LedgerForm::json_lines);
    if (!entries) return entries.error();
    if (entries->empty()) continue;
    std::string lines;
    for (const auto& entry : *entries) lines += entry.text + "\n";
    auto run = last_complete_run(lines, path);
    if (!run) return run.error();
    if (run->verdict.grid != grid)
      return Error{Exit::input, error_number::cells_differ, "a ledger holds a run of another grid",
                   fmt::format("{}: {}", path, run->verdict.grid), "move it to the ledger of its grid"};
    runs.push_back(*std::move(run));
  }
  if (runs.empty())
    return Error{Exit::input, error_number::no_complete_run, "there is no ledger to report on", ledgers,
                 "run `hallmark ablate`"};
  const auto picture = std::filesystem::path(page).replace_extension(".svg");
  if (auto written = write_page(picture.string(), ablation_svg(runs)); !written) return written.error();
  if (auto written = write_page(page, page_text(runs, picture.filename().string())); !written) return written.error();
  return page;
}

}  // namespace hallmark
