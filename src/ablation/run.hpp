// The ablation: checkpoints x calibration batches on one grid, quantized and evaluated.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ablation/cell.hpp"
#include "ablation/measure.hpp"
#include "ablation/verdict.hpp"
#include "base/error.hpp"
#include "certify/contracts.hpp"
#include "measure/checkpoint.hpp"
#include "measure/kept_lines.hpp"
#include "replay/forward.hpp"
#include "replay/text.hpp"

namespace hallmark {

struct AblationOptions {
  std::string grid = "gf16";
  std::string bits;  ///< where not empty, in place of GPTQ on the grid the settings of `quantize --bits`
  std::vector<std::uint64_t> seeds{canonical_seeds.begin(), canonical_seeds.end()};
  std::vector<std::int64_t> batches{canonical_batches.begin(), canonical_batches.end()};
  std::size_t eval_bytes = evaluation_bytes;
  std::string models = "models";  ///< holds checkpoint_name(seed)
  std::string text = std::string(default_text_folder);
  contracts::Policy contracts = contracts::Policy::on;
  std::string git_sha = "unknown";  ///< see current_git_sha() of measure/provenance.hpp
};

struct AblationResult {
  std::string run;                 ///< its id
  std::vector<Cell> cells;         ///< seeds in order, N in order within
  std::optional<Verdict> verdict;  ///< when the cells are the nine of the experiment
  std::vector<std::string> lines;  ///< for append_once: one per cell, and the verdict's
  std::vector<std::string> notes;  ///< for the user: text or seed that differ from what a checkpoint records
};

/// Runs the cells of docs/design.md section 6. Equal options, files and machine give equal results but for run,
/// timestamp and wallclock_ms (of quantization, checks and evaluation; captures and bpb_pre_quant are shared by the
/// cells of a seed and counted in none), for any number of threads. With a state finished cells are kept in it, and
/// those taken that it holds; nothing else is written. Errors: E0226 seeds or N empty, repeated or negative, too few
/// eval_bytes; E0378 a checkpoint of another seed; E0630 a contract, E0620 a check; those of Grid::parse, load_corpus,
/// load_model, CalibrationPlan::draw, capture_grams, quantize_gptq, quantize_rtn, bits_per_byte, KeptLines.
Expected<AblationResult> run_ablation(const AblationOptions& options, const Progress& progress,
                                      const LineState& state = {});

/// The ledger for a run with these options: `output` when given, else the canonical one of the grid or the bits. A run
/// that is not the whole experiment (three seeds, three N, 262,144 bytes) needs an `output`, which may not be a
/// canonical ledger. Asked before the run, so that nothing is computed in vain: a broken ledger is refused here
/// already. Errors: E0225; those of read_ledger.
Expected<std::string> run_ledger(const AblationOptions& options, const std::optional<std::string>& output,
                                 const std::string& folder = "assertions");

}  // namespace hallmark
