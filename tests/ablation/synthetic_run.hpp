// Runs with given bits per byte, for tests of what reads ledgers.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "ledger/ledger.hpp"
#include "ablation/verdict.hpp"
#include "io/sha256.hpp"

namespace hallmark::test {

using Table = std::array<std::array<double, 3>, 3>;  ///< bpb_post_quant, [seed][n]

inline std::vector<Cell> run_of(const std::string& run, const std::string& grid, const Table& post) {
  std::vector<Cell> cells;
  for (std::size_t s = 0; s < 3; ++s)
    for (std::size_t k = 0; k < 3; ++k) {
      Cell cell;
      cell.run = run;
      cell.seed = canonical_seeds[s];
      cell.n = canonical_batches[k];
      cell.grid = grid;
      cell.git_sha = "unknown";
      cell.timestamp = "2026-01-31T12:00:00Z";
      cell.wallclock_ms = 1000;
      cell.bpb_pre_quant = 2.2 + 0.01 * static_cast<double>(s);
      cell.bpb_post_quant = post[s][k];
      cell.eval_bytes = 262144;
      cell.reconstruction_mse = 1e-7 * static_cast<double>(10 - 3 * k + s);
      cell.checkpoint_digest = "checkpoint" + std::to_string(s);
      cell.text_digest = "text";
      cell.codes_digest = "codes" + std::to_string(3 * s + k);
      cell.reconstruction_offsets_digest = "offsets";
      cell.reconstruction_gram_digest = "gram";
      cell.count_model_bpb = {{"2", 3.03}, {"3", 2.36}, {"5", 2.01}};
      cell.contracts = {{"codes_decode", 100, 0}};
      cell.checks = {{"rtn_codes", 10, 0}};
      if (cell.n > 0) {
        cell.calibration_mse = cell.reconstruction_mse / 2;
        cell.calibration_offsets_digest = "offsets" + std::to_string(cell.n);
        cell.gram_digest = "gram" + std::to_string(cell.n);
        cell.unguarded_loss_ratio = 0.5;
        cell.unguarded_loss_ratio_by_tensor = {{"blocks.0.attn.c_q.weight", 0.45},
                                               {"tok_emb.weight", 0.8 + 0.01 * static_cast<double>(s)}};
        cell.guard_rows = 2;
        cell.guard_rows_by_tensor = {{"tok_emb.weight", 2}};
      }
      cells.push_back(cell);
    }
  return cells;
}

/// The ten lines without `prev`.
inline std::vector<std::string> lines_of(const std::string& run, const std::string& grid, const Table& post) {
  const auto cells = run_of(run, grid, post);
  std::vector<std::string> lines;
  for (const Cell& cell : cells) lines.push_back(cell_line(cell).value());
  lines.push_back(verdict_line(judge(cells).value(), "unknown", "2026-01-31T12:00:00Z").value());
  return lines;
}

/// Entries after those of `present`, JSON Lines.
inline std::string chained(const std::vector<std::string>& bodies, std::string present = "") {
  const auto entries = parse_ledger(present, LedgerForm::json_lines, "test").value();
  std::string prev = entries.empty() ? std::string(ledger_genesis) : sha256_hex(entries.back().text);
  for (const auto& body : bodies) {
    const std::string entry = "{\"prev\":\"" + prev + "\"," + body.substr(1);
    prev = sha256_hex(entry);
    present += entry + "\n";
  }
  return present;
}

inline std::string entries_of(const std::string& run, const std::string& grid, const Table& post,
                              std::string present = "") {
  return chained(lines_of(run, grid, post), std::move(present));
}

}  // namespace hallmark::test
