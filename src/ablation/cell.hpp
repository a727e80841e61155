// One cell of the ablation (one seed, one number of calibration batches), as measured and as a line of JSON.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hallmark {

/// How often one contract or check was evaluated in a cell. A cell with a failure is an error of the run, so a recorded
/// count of failures is 0; it is written all the same, so that a line says what was checked.
struct ContractCount {
  std::string name;
  std::int64_t passed = 0, failed = 0;
};

struct Cell {
  std::string run;  ///< 128 random bits, 32 hexadecimal digits; common to the lines of a run
  std::uint64_t seed = 0;
  std::int64_t n = 0;  ///< calibration batches; 0 is RTN
  std::string grid;    ///< short name
  std::string git_sha;
  std::string timestamp;  ///< UTC, when the cell ended: 2026-01-31T12:34:56Z
  std::int64_t wallclock_ms = 0;

  double reconstruction_mse = 0;          ///< |(W - What) X|^2 per row and token, on batches that no N uses
  std::optional<double> calibration_mse;  ///< the same on the cell's own batches; none for n = 0
  double bpb_pre_quant = 0, bpb_post_quant = 0;
  std::int64_t eval_bytes = 0;  ///< bytes of validation text that were read

  std::int64_t guard_rows = 0;                               ///< rows in which the guard chose RTN over GPTQ
  std::map<std::string, std::int64_t> guard_rows_by_tensor;  ///< tensors with at least one
  /// sum of the plain losses of unguarded GPTQ over that of RTN, on the cell's own Gram matrices; n > 0 only.
  /// A tensor that RTN reproduces without loss has none.
  std::optional<double> unguarded_loss_ratio;
  std::map<std::string, double> unguarded_loss_ratio_by_tensor;

  std::string checkpoint_digest, text_digest, codes_digest;
  std::optional<std::string> calibration_offsets_digest, gram_digest;  ///< none for n = 0
  std::string reconstruction_offsets_digest, reconstruction_gram_digest;
  std::map<std::string, double> count_model_bpb;  ///< bits per byte of count models on the same text, by order
  std::vector<ContractCount>
      contracts;                      ///< of contracts/generated/contracts.hpp; in older ledgers the checks stand here
  std::vector<ContractCount> checks;  ///< check_tensor and the held-out windows; absent in older ledgers
};

/// One JSON object on one line, fixed key order, without `prev`; doubles in the shortest form that reads back to the
/// same bits. Errors: E0122 a value that is not finite.
Expected<std::string> cell_line(const Cell& cell);

/// The cell in a line made by cell_line, with or without `prev`; other keys are allowed and ignored.
/// `place` names file and line in messages. Errors: E0373.
Expected<Cell> parse_cell(std::string_view line, const std::string& place);

/// Whether the line is a verdict, not a cell: an object with the key `verdict`.
bool is_verdict_line(std::string_view line);

}  // namespace hallmark
