// A whole quantization: from a plan to a container and its certificate.
#pragma once

#include <functional>
#include <string>

#include "pipeline/quantize_planned.hpp"
#include "pipeline/work_progress.hpp"
#include "ranks/ranks.hpp"
#include "state/state.hpp"

namespace hallmark {

struct RunRequest {
  const SafeTensors& weights;
  const CalibrationFile* calibration;  ///< null without
  const Plan& plan;
  std::string output;
  bool overwrite = false;
  std::string tool;  ///< "hallmark 0.1.0"
  Demands demands;
  cuda::EngineBackend* device = nullptr;
  std::uint64_t max_shard_bytes = 0;  ///< of tensors, where the output is an index; 0: as W is cut
  const State* state = nullptr;       ///< where finished matrices are kept and taken from; null: nowhere
  std::string program = {};           ///< with a state or ranks: what tells this program from others
  Ranks* ranks = nullptr;             ///< that share the work; null: this process alone
};

/// Who wants to see how it goes; called from the caller's thread.
struct RunEvents {
  WorkProgress progress;
  std::function<Status(const PlannedMatrix& planned, const QuantizedTensor& result)> finished;  ///< in order
  /// Of each matrix that has a record in the state: why it is not taken, or "" where it is. Before `finished`.
  std::function<void(const PlannedMatrix& planned, const std::string& why_not)> resumed = {};
  WorkProgress within_matrix = {};  ///< of exact judgements, in this process alone
};

/// Tensors in each shard, where the output is an index (container_cut). Errors: those of container_cut.
Expected<std::vector<std::uint64_t>> planned_cut(const RunRequest& request);

/// Quantizes matrix by matrix, writes container and certificate beside the arithmetic, reopens and checks. All files
/// appear whole or not at all. With a state every matrix is kept there when it is finished, and one that is kept there
/// of the same inputs, options and program is taken instead of being quantized; the bytes of all outputs, and what
/// `finished` sees but for LoadedMatrix, are the same. Errors: E0411, E0410, E0416 and those of the writers before any
/// work; those of quantize_planned, of `finished` and of the contracts; those of State::keep; E0621 exact arithmetic
/// contradicts; E0902 an input changed meanwhile. With several ranks rank 0 does all of this, and the others make
/// matrices for it: they write nothing, hear of nothing and report nothing; errors those of agree and SharedItems too.
Expected<contracts::Report> run_quantization(const RunRequest& request, const RunEvents& events);

}  // namespace hallmark
