// A line of the league's ledger: one entry in one division on one checkpoint.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "ledger/ledger.hpp"

namespace hallmark {

struct LeagueLine {
  std::string run;         ///< 128 random bits, common to the lines of a run
  std::int64_t lines = 0;  ///< how many lines the whole run has
  std::string entry, division;
  std::uint64_t seed = 0;
  std::map<std::string, std::string> options;  ///< of every tensor but the embedding, as files carry them
  std::optional<std::string> embedding;        ///< the id of the embedding's grid where it has its own
  std::string git_sha, timestamp;
  double seconds = 0;  ///< processor time of the quantization, all threads

  std::map<std::string, double> loss;           ///< by tensor: upper end of loss_G on the calibration text, all rows
  std::map<std::string, double> relative_loss;  ///< to that of the division's baseline, where that loses anything
  double mean_relative_loss = 0;                ///< their geometric mean
  double stored_bits = 0;     ///< for each weight: codes at the grid's width, and steps as they are stored
  double container_bits = 0;  ///< the same with codes in the bytes of a container
  double entropy_bits = 0;    ///< the same with codes at the order-0 entropy of their tensor
  double bpb_float = 0, bpb_quantized = 0, damage = 0;  ///< damage: their difference
  std::int64_t eval_bytes = 0, batches = 0, guard_rows = 0;

  std::string checkpoint_digest, text_digest, calibration_offsets_digest, gram_digest, codes_digest;
  std::string contracts = "off";                       ///< the policy
  std::map<std::string, std::int64_t> contracts_held;  ///< how often each was evaluated and held

  /// What no other line of a run has.
  std::string key() const;
};

/// exp of the mean of ln x, x in the order of the names; 1 where there is none.
double geometric_mean(const std::map<std::string, double>& values);

/// One JSON object on one line, without `prev`. Errors: E0122 a value that is not finite.
Expected<std::string> league_line(const LeagueLine& line);

/// The line in a text made by league_line, with or without `prev`. `place` names file and line in messages.
/// Errors: E0373 a key is missing or not what it must be, damage and means included.
Expected<LeagueLine> parse_league_line(std::string_view text, const std::string& place);

/// All lines of a ledger; the chain was checked when it was read. Errors: those of parse_league_line; E0375 a line that
/// stands twice in its run; E0376 lines of a run that disagree in what they share: the number of lines, commit, text,
/// evaluated bytes and, on one checkpoint, its digests and bits per byte.
Expected<std::vector<LeagueLine>> league_lines(std::span<const LedgerEntry> entries, const std::string& place);

/// The lines of the last run in the ledger, whole or not; empty where there is none.
std::vector<LeagueLine> last_run(std::span<const LeagueLine> lines);
/// Those of the last run that is whole or, where none is, of the last run, without entries that have not met all its
/// checkpoints yet. Errors: E0377 no such line.
Expected<std::vector<LeagueLine>> run_to_report(std::span<const LeagueLine> lines, const std::string& place);

}  // namespace hallmark
