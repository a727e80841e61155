#include "ablation/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <istream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/error_numbers.hpp"
#include "ledger/json_text.hpp"
#include "ledger/ledger.hpp"

namespace hallmark {
namespace {

using Json = nlohmann::ordered_json;

constexpr double recorded_agreement = 1e-12;

std::string_view verdict_words(bool confirmed) { return confirmed ? "lift confirmed" : "lift not confirmed"; }

Error inconsistent(const Cell& cell, const char* what) {
  return {Exit::input, error_number::cells_differ, "the cells of one run disagree",
          fmt::format("run {}, seed {}, n {}: {}", cell.run, cell.seed, cell.n, what), "run the ablation again"};
}

// nine cells as [seed][n]
using CellTable = std::array<std::array<const Cell*, 3>, 3>;

Expected<CellTable> arrange(std::span<const Cell> cells) {
  CellTable table{};
  for (const Cell& cell : cells) {
    const auto seed = std::find(canonical_seeds.begin(), canonical_seeds.end(), cell.seed);
    const auto n = std::find(canonical_batches.begin(), canonical_batches.end(), cell.n);
    if (seed == canonical_seeds.end() || n == canonical_batches.end())
      return inconsistent(cell, "a verdict knows no such seed or n");
    const Cell*& place = table[static_cast<std::size_t>(seed - canonical_seeds.begin())]
                              [static_cast<std::size_t>(n - canonical_batches.begin())];
    if (place != nullptr)
      return Error{Exit::input, error_number::cell_repeated, "a cell stands twice in one run",
                   fmt::format("run {}, seed {}, n {}", cell.run, cell.seed, cell.n), "run the ablation again"};
    place = &cell;
  }
  for (const auto& row : table)
    for (const Cell* cell : row)
      if (cell == nullptr)
        return Error{Exit::input, error_number::no_complete_run, "a verdict needs nine cells",
                     fmt::format("{} cells: one of seeds 47, 89, 144 with n = 0, 16, 32 is missing", cells.size()),
                     "run `hallmark ablate` without --seeds and --batches"};
  for (const auto& row : table)
    for (const Cell* cell : row) {
      const Cell& first = *table[0][0];
      if (cell->run != first.run) return inconsistent(*cell, "another run");
      if (cell->grid != first.grid) return inconsistent(*cell, "another grid");
      if (cell->text_digest != first.text_digest) return inconsistent(*cell, "another text");
      if (cell->eval_bytes != first.eval_bytes) return inconsistent(*cell, "another number of evaluated bytes");
      if (cell->checkpoint_digest != row[0]->checkpoint_digest) return inconsistent(*cell, "another checkpoint");
      if (cell->bpb_pre_quant != row[0]->bpb_pre_quant) return inconsistent(*cell, "another bpb_pre_quant");
    }
  return table;
}

bool close(double recorded, double computed) {
  return std::abs(recorded - computed) <= recorded_agreement * std::abs(computed);
}

Json comparison_json(const Comparison& comparison) {
  const PairedTest& test = comparison.test;
  Json json{{"from", comparison.from}, {"to", comparison.to},         {"differences", test.differences},
            {"mean", test.mean},       {"deviation", test.deviation}, {"degenerate", test.degenerate}};
  if (!test.degenerate) {
    json["t"] = *test.t;
    json["p"] = *test.p;
  }
  json["significant"] = test.significant;
  json["smallest_mean"] = test.smallest_mean;
  return json;
}

// The first key in which a recorded comparison differs from the computed one; empty when it agrees.
std::string difference(const Json& recorded, const Comparison& comparison) {
  const Json computed = comparison_json(comparison);
  if (!recorded.is_object()) return "no object";
  for (auto item = computed.begin(); item != computed.end(); ++item) {
    const auto found = recorded.find(item.key());
    if (found == recorded.end()) return item.key() + " is missing";
    const bool agrees = item->is_number_float() ? found->is_number() && close(found->get<double>(), item->get<double>())
                                                : *found == *item;
    if (!agrees) return fmt::format("{} is {}, the cells give {}", item.key(), found->dump(), item->dump());
  }
  for (const char* key : {"t", "p"})
    if (recorded.contains(key) && !computed.contains(key)) return fmt::format("{} of a degenerate test", key);
  return "";
}

}  // namespace

Expected<Verdict> judge(std::span<const Cell> nine) {
  auto table = arrange(nine);
  if (!table) return table.error();
  Verdict verdict;
  verdict.run = nine.front().run;
  verdict.grid = nine.front().grid;
  verdict.confirmed = true;
  for (std::size_t step = 0; step < 2; ++step) {
    std::array<double, 3> before{}, after{};
    for (std::size_t seed = 0; seed < 3; ++seed) {
      before[seed] = (*table)[seed][step]->bpb_post_quant;
      after[seed] = (*table)[seed][step + 1]->bpb_post_quant;
    }
    auto test = paired_t_test(before, after);
    if (!test) return test.error();
    verdict.confirmed = verdict.confirmed && test->significant;
    verdict.comparisons[step] = {canonical_batches[step], canonical_batches[step + 1], *std::move(test)};
  }
  return verdict;
}

Expected<std::string> verdict_line(const Verdict& verdict, const std::string& git_sha, const std::string& timestamp) {
  Json comparisons = Json::array();
  for (const auto& comparison : verdict.comparisons) comparisons.push_back(comparison_json(comparison));
  return detail::json_text(Json{{"run", verdict.run},
                                {"verdict", verdict_words(verdict.confirmed)},
                                {"grid", verdict.grid},
                                {"git_sha", git_sha},
                                {"timestamp", timestamp},
                                {"seeds", canonical_seeds},
                                {"comparisons", comparisons}});
}

Status check_verdict_line(const Verdict& verdict, std::string_view line, const std::string& place) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("verdict") || !json.contains("comparisons") ||
      !json["comparisons"].is_array())
    return Error{Exit::input, error_number::ledger_entry, "this line is no verdict of an ablation", place,
                 "see docs/ablation-ledger.md for the fields"};
  const auto differs = [&](const std::string& what) {
    return Error{Exit::mismatch, error_number::verdict_differs,
                 "the recorded verdict is not the one that the cells give", place + ": " + what,
                 "take the ledger from version control; if it is the same there, report this"};
  };
  if (json["verdict"] != verdict_words(verdict.confirmed))
    return differs(fmt::format("{}, the cells give \"{}\"", json["verdict"].dump(), verdict_words(verdict.confirmed)));
  if (json.value("run", Json()) != verdict.run) return differs("another run");
  if (json.value("grid", Json()) != verdict.grid) return differs("another grid");
  if (json.value("seeds", Json()) != Json(canonical_seeds)) return differs("other seeds");
  const Json& comparisons = json["comparisons"];
  if (comparisons.size() != verdict.comparisons.size()) return differs("not two comparisons");
  for (std::size_t i = 0; i < verdict.comparisons.size(); ++i)
    if (const auto what = difference(comparisons[i], verdict.comparisons[i]); !what.empty())
      return differs(fmt::format("comparison {}: {}", i + 1, what));
  return ok();
}

Expected<RecordedRun> last_complete_run(std::string_view lines, std::string_view place) {
  auto entries = parse_ledger(lines, LedgerForm::json_lines, place, false);
  if (!entries) return entries.error();
  struct Run {
    std::vector<Cell> cells;
    const LedgerEntry* verdict = nullptr;
    std::size_t last_line = 0;
  };
  std::map<std::string, Run> runs;
  for (const LedgerEntry& entry : *entries) {
    const std::string where = fmt::format("{}, line {}", place, entry.line);
    if (is_verdict_line(entry.text)) {
      const Json json = Json::parse(entry.text);
      const Json run = json.value("run", Json());
      if (!run.is_string())
        return Error{Exit::input, error_number::ledger_entry, "this line is no verdict of an ablation", where,
                     "see docs/ablation-ledger.md for the fields"};
      Run& group = runs[run.get<std::string>()];
      if (group.verdict != nullptr)
        return Error{Exit::input, error_number::cell_repeated, "a run has two verdicts", where,
                     "run the ablation again"};
      group.verdict = &entry;
      continue;
    }
    auto cell = parse_cell(entry.text, where);
    if (!cell) return cell.error();
    Run& group = runs[cell->run];
    for (const Cell& other : group.cells)
      if (other.seed == cell->seed && other.n == cell->n)
        return Error{Exit::input, error_number::cell_repeated, "a cell stands twice in one run",
                     fmt::format("{}: run {}, seed {}, n {}", where, cell->run, cell->seed, cell->n),
                     "run the ablation again"};
    group.last_line = entry.line;
    group.cells.push_back(*std::move(cell));
  }
  const Run* last = nullptr;
  for (const auto& [id, run] : runs)
    if (run.cells.size() == 9 && (last == nullptr || run.last_line > last->last_line)) last = &run;
  if (last == nullptr)
    return Error{Exit::input, error_number::no_complete_run, "no run with all nine cells",
                 fmt::format("{}: {} lines, {} runs", place, entries->size(), runs.size()),
                 "run `hallmark ablate` without --seeds and --batches"};
  auto verdict = judge(last->cells);
  if (!verdict) return verdict.error();
  RecordedRun recorded{last->cells, *std::move(verdict), 0};
  if (last->verdict != nullptr) {
    const std::string where = fmt::format("{}, line {}", place, last->verdict->line);
    if (auto agrees = check_verdict_line(recorded.verdict, last->verdict->text, where); !agrees) return agrees.error();
    recorded.verdict_line = last->verdict->line;
  }
  return recorded;
}

Expected<RecordedRun> replay_run(std::istream& in) {
  const std::string lines{std::istreambuf_iterator<char>(in), {}};
  return last_complete_run(lines, "standard input");
}

std::string describe(const Verdict& verdict) {
  std::string text = fmt::format("grid {}, run {}\n", verdict.grid, verdict.run);
  for (const auto& [from, to, test] : verdict.comparisons) {
    text += fmt::format("{} -> {} calibration batches, bits per byte gained\n", from, to);
    for (std::size_t k = 0; k < test.differences.size(); ++k)
      text += fmt::format("  seed {:<4} {:+.6e}\n", canonical_seeds[k], test.differences[k]);
    text += fmt::format("  mean {:+.6e}, deviation {:.3e}\n", test.mean, test.deviation);
    if (test.degenerate) {
      text += "  the three differences are equal: the test is degenerate, there is no t and no p\n";
      continue;
    }
    text += fmt::format("  t = {:.4f}, one-tailed p = {:.4f} (df 2): {} {}\n", *test.t, *test.p,
                        test.significant ? "below" : "not below", significance_level);
    text += fmt::format("  at this spread a mean gain above {:.3e} would have been below {}\n", test.smallest_mean,
                        significance_level);
  }
  return text + fmt::format("verdict: {}\n", verdict_words(verdict.confirmed));
}

}  // namespace hallmark
