// The sums of `hallmark gram --activations` shared by ranks, a chunk of tokens of one weight at a time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "calibrate/calibration_file.hpp"
#include "ranks/shared_work.hpp"

namespace hallmark::cli {

/// What every rank knows of the run: its inputs, and the chunks of all weights in the order of the plan.
class SharedSums {
 public:
  /// Views of files and plan, which outlive this object.
  SharedSums(Ranks& ranks, const std::vector<CalibrationFile>& files, const std::vector<GramPlan>& plan);

  /// Called by every rank first: whether all see the same program and the same activations. Errors: those of agree.
  Status agree_on(const std::string& program);
  /// The part of a rank that is not 0.
  void help();
  /// On rank 0, for every weight in the order of the plan: its chunks, summed by whoever was free, added in their order
  /// (T18_order_next_chunk); the bits of one process. Errors: those of accumulate_chunk, merge_gram and SharedItems.
  Expected<Matrix<double>> sum(std::size_t weight);

 private:
  struct Item {
    std::size_t weight;
    std::uint64_t chunk;
  };
  Expected<ItemBytes> made(std::size_t item) const;

  Ranks& ranks_;
  const std::vector<CalibrationFile>& files_;
  const std::vector<GramPlan>& plan_;
  std::vector<Item> items_;
  std::size_t taken_ = 0;
  std::optional<SharedItems> shared_;
};

}  // namespace hallmark::cli
