// Lines of runs in a ledger: which agree in what a run shares, and which run is the last, or the last whole one.
// A line has the members run, lines (how many the whole run has) and seed, and key(), which no other line of a run has.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/error_numbers.hpp"
#include "ledger/ledger.hpp"

namespace hallmark {

/// What `parse` makes of the entries. of_run and of_checkpoint give what all lines of a run, and all of one checkpoint
/// in it, have in common. Errors: those of parse; E0375 a line that stands twice in its run; E0376 lines that disagree.
template <class Parse, class OfRun, class OfCheckpoint>
auto lines_of_runs(std::span<const LedgerEntry> entries, const std::string& place, const Parse& parse,
                   const OfRun& of_run, const OfCheckpoint& of_checkpoint) {
  using Line = std::decay_t<decltype(*parse(std::string_view(), std::string()))>;
  using Lines = Expected<std::vector<Line>>;
  std::vector<Line> lines;
  std::set<std::pair<std::string, std::string>> seen;
  std::map<std::string, std::size_t> first_of_run;
  std::map<std::pair<std::string, std::uint64_t>, std::size_t> first_of_checkpoint;
  for (const LedgerEntry& entry : entries) {
    const std::string where = fmt::format("{}, line {}", place, entry.line);
    auto line = parse(entry.text, where);
    if (!line) return Lines(line.error());
    if (!seen.emplace(line->run, line->key()).second)
      return Lines(Error{Exit::input, error_number::cell_repeated, "a line stands twice in its run",
                         fmt::format("{}: {}", where, line->key()), "measure it again: a new run is appended"});
    lines.push_back(*std::move(line));
    const Line& last = lines.back();
    const Line& run = lines[first_of_run.emplace(last.run, lines.size() - 1).first->second];
    const Line& checkpoint =
        lines[first_of_checkpoint.emplace(std::pair(last.run, last.seed), lines.size() - 1).first->second];
    if (of_run(last) != of_run(run) || of_checkpoint(last) != of_checkpoint(checkpoint))
      return Lines(Error{Exit::input, error_number::cells_differ, "lines of one run disagree",
                         fmt::format("{}: {}", where, last.key()), "measure them again: a new run is appended"});
  }
  return Lines(std::move(lines));
}

/// The lines of the last run in the ledger, whole or not; empty where there is none.
template <class Line>
std::vector<Line> last_run_of(std::span<const Line> lines) {
  std::vector<Line> run;
  for (const Line& line : lines)
    if (line.run == lines.back().run) run.push_back(line);
  return run;
}

/// Those of the last run that is whole; empty where none is.
template <class Line>
std::vector<Line> last_whole_run_of(std::span<const Line> lines) {
  std::map<std::string, std::int64_t> count;
  for (const Line& line : lines) ++count[line.run];
  for (std::size_t end = lines.size(); end > 0; --end)
    if (count[lines[end - 1].run] == lines[end - 1].lines) return last_run_of(lines.first(end));
  return {};
}

}  // namespace hallmark
