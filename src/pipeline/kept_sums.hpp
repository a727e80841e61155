// What a state keeps of the sums of `hallmark gram`: of each weight the whole sum and, of activations in more than one
// chunk, the sum of the first chunks and chunks that other ranks had summed before their turn.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "calibrate/calibration_file.hpp"
#include "linalg/matrix.hpp"
#include "state/state.hpp"

namespace hallmark {

/// All that a sum depends on: the program, and the weight's tensor in every file that has it, in order. `digest`: the
/// SHA-256 of a tensor, where it is known.
Dependencies sum_dependencies(std::span<const CalibrationFile> files, const std::string& weight, bool merging,
                              const std::string& program,
                              const std::function<std::string(const TensorInfo&)>& digest = {});

/// The sum of the first `done` chunks; G is empty where there are none.
struct SumSoFar {
  Matrix<double> G = {};
  std::uint64_t done = 0;
  std::vector<std::uint64_t> later = {};  ///< chunks that are kept apart, in ascending order
  bool recorded = false;                  ///< the state has a record of the whole sum, taken or not
  std::string why_not = {};               ///< it is not taken
};

/// The records of one weight. Where a state is null nothing is kept, and nothing taken.
class KeptSum {
 public:
  /// Views of state, files and plan, which outlive this object.
  KeptSum(const State* state, std::span<const CalibrationFile> files, const GramPlan& plan, std::uint64_t chunks,
          Dependencies on)
      : state_(state), files_(files), plan_(plan), chunks_(chunks), on_(std::move(on)) {}

  SumSoFar so_far() const;
  /// One of SumSoFar::later, where its record is whole.
  std::optional<Matrix<double>> chunk(std::uint64_t index) const;
  /// A chunk before its turn; the only one is the whole sum. Errors: those of State::keep; E0902 an input changed.
  Status keep_chunk(std::uint64_t index, std::span<const std::byte> bytes);

  /// The whole sum: `sum`, and then chunk by chunk what chunk_of gives, in their order (T18_order_next_chunk). What it
  /// comes to is kept after every chunk. Errors: those of chunk_of, merge_gram and keep_chunk.
  Expected<Matrix<double>> finish(SumSoFar sum, const std::function<Expected<Matrix<double>>(std::uint64_t)>& chunk_of);

 private:
  std::string chunk_name(std::uint64_t index) const;
  std::string first_name() const { return "the sum so far of " + plan_.weight; }
  std::optional<Matrix<double>> matrix_of(std::span<const std::byte> bytes) const;
  Status keep(const std::string& name, std::span<const std::byte> bytes) const;

  const State* state_;
  std::span<const CalibrationFile> files_;
  const GramPlan& plan_;
  std::uint64_t chunks_;
  Dependencies on_;
  bool whole_kept_ = false;  // by keep_chunk
};

/// The bytes of a matrix in binary64.
inline std::span<const std::byte> binary64_bytes(const Matrix<double>& M) {
  return std::as_bytes(std::span(M.data(), static_cast<std::size_t>(M.size())));
}

}  // namespace hallmark
