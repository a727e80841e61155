// A quantization of files, opened and planned: what the tool and the Python package run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/run.hpp"

namespace hallmark {

/// What is read, written and asked for beside the rules.
struct QuantizeFilesRequest {
  std::string weights, calibration;  ///< calibration: "" without
  std::string output;                ///< "": the plan alone
  std::string report, config;        ///< other files of the caller's, which no output may replace; "": none
  Selection selection;
  Demands demands;
  double holdout = 0;  ///< fraction of the tokens that is held out
  bool overwrite = false;
  std::string tool;  ///< "hallmark 0.1.0"
  std::uint64_t max_shard_bytes = 0;
  cuda::EngineBackend* device = nullptr;
  bool values_checked = false;  ///< by another rank, which reads the same files
};

class QuantizationOfFiles {
 public:
  /// Opens the files, makes the plan and refuses what can be refused before any work. Errors: those of
  /// SafeTensors::open, CalibrationFile::open, make_plan, check_holdout, check_output, check_distinct, check_shards and
  /// check_values; E0416 the report has the name of a shard.
  static Expected<QuantizationOfFiles> prepare(const QuantizeFilesRequest& request, RuleSet& rules);

  const Plan& plan() const { return parts_->plan; }
  /// Every file that is read.
  const std::vector<std::string>& inputs() const { return parts_->inputs; }
  /// Precondition: an output, or a rank that is not 0. With a state finished matrices are kept there, and taken from
  /// there. Errors: those of run_quantization.
  Expected<contracts::Report> run(const RunEvents& events, const State* state = nullptr,
                                  const std::string& program = "", Ranks* ranks = nullptr) const {
    RunRequest asked = request();
    asked.state = state;
    asked.program = program;
    asked.ranks = ranks;
    return run_quantization(asked, events);
  }

 private:
  struct Parts {
    QuantizeFilesRequest asked;
    SafeTensors weights;
    std::optional<CalibrationFile> calibration;
    Plan plan;
    std::vector<std::string> inputs;
    const CalibrationFile* known() const { return calibration ? &*calibration : nullptr; }
  };
  explicit QuantizationOfFiles(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
  RunRequest request() const;
  Status check_outputs() const;
  Status check_shard_names() const;

  std::unique_ptr<Parts> parts_;  // the plan points into the files, wherever this object moves
};

}  // namespace hallmark
