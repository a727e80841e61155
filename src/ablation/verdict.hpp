// The verdict of a complete run: two paired tests on bits per byte, from the nine cells alone.
#pragma once

#include <array>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ablation/cell.hpp"
#include "measure/ttest.hpp"
#include "base/error.hpp"
#include "measure/checkpoint.hpp"

namespace hallmark {

/// The calibration batches of the experiment, beside its canonical_seeds.
inline constexpr std::array<std::int64_t, 3> canonical_batches{0, 16, 32};

/// The test of bpb_post_quant at `from` batches minus at `to` batches, one difference per seed.
struct Comparison {
  std::int64_t from = 0, to = 0;
  PairedTest test;
};

struct Verdict {
  std::string run, grid;
  std::array<Comparison, 2> comparisons;  ///< 0 -> 16, 16 -> 32
  bool confirmed = false;                 ///< both tests are significant
};

/// Precondition: none on the order of the cells. Errors: E0375 a cell twice, E0376 cells that differ in run, grid, text
/// or eval_bytes, or cells of one seed in checkpoint or bpb_pre_quant; E0377 a cell is missing; those of paired_t_test.
Expected<Verdict> judge(std::span<const Cell> nine);

/// The tenth line, without `prev`; a degenerate comparison has no t and no p. Errors: E0122.
Expected<std::string> verdict_line(const Verdict& verdict, const std::string& git_sha, const std::string& timestamp);

/// Whether `line` records this verdict: differences and decisions to the bit, t, p, mean and deviation within 1e-12 (p
/// is Boost's and may differ in its last bits between builds). Errors: E0373 no verdict line, E0720 another verdict.
Status check_verdict_line(const Verdict& verdict, std::string_view line, const std::string& place);

/// One run as it stands in a ledger.
struct RecordedRun {
  std::vector<Cell> cells;       ///< nine
  Verdict verdict;               ///< computed again from the cells
  std::size_t verdict_line = 0;  ///< where its verdict is recorded, and it agrees; 0: not recorded
};

/// The last run of the lines that has all nine cells; lines of other runs must be well formed too. The chain is
/// checked, but the first line may be the continuation of another file, so a tail of a ledger can be replayed. Errors:
/// those of parse_ledger, parse_cell, judge and check_verdict_line, each with the line number; E0377 none.
Expected<RecordedRun> last_complete_run(std::string_view lines, std::string_view place);

/// last_complete_run of a stream: `hallmark ttest`..
Expected<RecordedRun> replay_run(std::istream& in);

/// The verdict for people: one paragraph per comparison and the conclusion, lines of at most 100 characters.
std::string describe(const Verdict& verdict);

}  // namespace hallmark
