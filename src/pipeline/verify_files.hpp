// The verification of files, opened and compared: what the tool and the Python package run.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "artifact/file_format.hpp"
#include "certify/slack_plot.hpp"
#include "pipeline/verify.hpp"
#include "pipeline/work_progress.hpp"
#include "ranks/ranks.hpp"
#include "state/state.hpp"

namespace hallmark {

/// Hears how much of the work is done, and of what.
/// What is verified, and how.
struct VerifyRequest {
  std::string quantized, weights, calibration;  ///< calibration: "" without
  std::string certificate;                      ///< "": the one beside the model
  bool certified = true;                        ///< false: the codes alone, nothing is claimed
  bool reproduce = false;
  ExactRows exact = {};
  const State* state = nullptr;  ///< where judgements are kept and taken from; null: nowhere
  std::string program = {};      ///< with a state or ranks: what tells this program from others
  /// Of each matrix that has a record in the state: why it is not taken, or "" where it is.
  std::function<void(const std::string& matrix, const std::string& why_not)> resumed = {};
  Ranks* ranks = nullptr;  ///< that share the work; null: this process alone
  /// Hears of the judgements within a matrix, while exact arithmetic makes them in this process alone.
  WorkProgress within_matrix = {};
};

/// The files of a verification.
struct VerifyInputs {
  std::unique_ptr<QuantizedModel> model;
  SafeTensors weights;
  std::optional<CalibrationFile> calibration;
  std::optional<CertificateReader> certificate;
  std::string certificate_name;

  /// Errors: those of read_quantized, CertificateReader, SafeTensors and CalibrationFile.
  static Expected<VerifyInputs> open(const VerifyRequest& request);
  const CalibrationFile* known() const { return calibration ? &*calibration : nullptr; }
  std::vector<std::string> paths() const;
};

/// What was found of one matrix.
struct VerifiedLine {
  std::string name, judged;
  double ratio = 0, slack = 0;
  std::uint64_t rows = 0, guard_rows = 0, contracts = 0;
  bool losses = false, of_a_run = false;  ///< slack and contracts were compared with those of a run
};

/// What was found, for the table, the picture and the last line.
struct Findings {
  std::vector<VerifiedLine> lines;
  std::vector<TensorSlack> slacks;
  std::vector<std::string> not_judged;  ///< by hallmark-check, with the reason
  bool unjudged_contracts = false, unjudged_bounds = false, unjudged_scales = false,
       unjudged_counts = false;        ///< only a run tells
  bool unjudged_exact_losses = false;  ///< only `exact` tells: they lie in their enclosures
  std::optional<Error> mismatch;       ///< the first
  std::uint64_t rows = 0, exact_elements = 0, accepted = 0, worse_rows = 0;
  std::uint64_t held_out = 0;  ///< matrices whose certificate speaks of the first tokens only
  JudgedRows judged;
  double largest_ratio = 0;
};

/// Headers, tensors that pass through, and matrix by matrix codes and losses, to the first mismatch. With a state every
/// judgement is kept there, and one that is kept there and still valid is taken: what is found is the same. With
/// several ranks so is what rank 0 finds; the others judge for it, and find nothing themselves. Errors: those of agree
/// and SharedItems; those of what was opened, of plan_of, judge_stored, reproduce and State::keep; E0711 files that are
/// not those of the certificate.
Expected<Findings> verify_files(const VerifyRequest& request, VerifyInputs& in, const WorkProgress& progress = {});

/// Whether nothing is left over and no file changed meanwhile. Errors: E0711, E0710, E0902.
Status check_rest(VerifyInputs& in);

}  // namespace hallmark
