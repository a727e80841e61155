// A quantization by several ranks: rank 0 takes every matrix in order and writes, all ranks make them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/input_digests.hpp"
#include "pipeline/run.hpp"
#include "ranks/shared_work.hpp"

namespace hallmark {

/// Quantizes and judges one matrix, whose digests it enters.
using MakeMatrix = std::function<Expected<QuantizedTensor>(const PlannedMatrix& planned, const InputDigests& digests)>;

/// The part of a rank that is not 0, to its end. Errors of a matrix are told to rank 0. Errors: none of its own.
Status help_quantization(const RunRequest& request, const MakeMatrix& make);

class SharedQuantization {
 public:
  /// Waits for the digests of the inputs and compares them, the program and all options over the ranks; then the others
  /// work. With a state every matrix is kept as soon as it is there. All arguments outlive the object. Errors: agree.
  static Expected<std::unique_ptr<SharedQuantization>> begin(const RunRequest& request, const RunEvents& events,
                                                             const InputDigests& digests, const MakeMatrix& make);

  /// As if it had been made here, now; in the order of the plan. Errors: those of SharedItems::take and State::keep.
  Expected<QuantizedTensor> take(const PlannedMatrix& planned);

 private:
  SharedQuantization(const RunRequest& request, const RunEvents& events, const InputDigests& digests,
                     const MakeMatrix& make);

  const RunRequest& request_;
  const RunEvents& events_;
  const InputDigests& digests_;
  const MakeMatrix& make_;
  std::vector<std::string> why_not_;  ///< of each matrix that has a record which is not taken
  std::vector<bool> kept_;            ///< those whose record is taken
  std::optional<SharedItems> items_;
};

}  // namespace hallmark
