// The sums of `hallmark gram --activations` shared by ranks, a chunk of tokens of one weight at a time.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "calibrate/calibration_file.hpp"
#include "pipeline/kept_sums.hpp"
#include "ranks/shared_work.hpp"

namespace hallmark {

/// What every rank knows of the run: its inputs, and the chunks of all weights in the order of the plan.
class SharedSums {
 public:
  /// Views of files and plan, which outlive this object. `ahead`: bytes of sums that may be made before their turn,
  /// also where they are more than two for each rank; as many as two of the largest for each rank are enough.
  SharedSums(Ranks& ranks, const std::vector<CalibrationFile>& files, const std::vector<GramPlan>& plan,
             double ahead = quarter_of_memory());
  /// Of this machine: what is taken for sums that wait.
  static double quarter_of_memory();
  /// Bytes that the sums which wait at rank 0 for their turn take at most, with the one whose turn it is.
  double most_waiting() const;

  /// Called by every rank first: whether all see the same program and the same activations. Errors: those of agree.
  Status agree_on(const std::string& program);
  /// The part of a rank that is not 0.
  void help();
  /// Rank 0 keeps what it gets in this state, and hands out only what that lacks. Called before sum(), after agree_on.
  void keep_in(const State& state);
  /// What is known of a weight before anything is added: for who tells the user.
  using Begun = std::function<void(const SumSoFar& so_far, std::uint64_t chunks)>;
  /// On rank 0, for every weight in the order of the plan: its chunks, summed by whoever was free, added in their order
  /// (T18_order_next_chunk); the bits of one process. Errors: those of accumulate_chunk, KeptSum and SharedItems.
  Expected<Matrix<double>> sum(std::size_t weight, const Begun& begun = {});

 private:
  struct Item {
    std::size_t weight;
    std::uint64_t chunk;
  };
  double bytes_of(const Item& item) const;
  Expected<std::map<const TensorInfo*, std::string>> digests(const std::string& program) const;
  Expected<Matrix<double>> made(std::size_t item) const;
  Expected<ItemBytes> made_bytes(std::size_t item) const;
  Expected<Matrix<double>> matrix(std::size_t item);
  Status arrived(std::size_t item, std::span<const std::byte> bytes);
  void begin();

  Ranks& ranks_;
  const std::vector<CalibrationFile>& files_;
  const std::vector<GramPlan>& plan_;
  std::vector<Item> items_;
  std::vector<std::size_t> first_item_;  // of every weight
  Window window_;
  std::vector<Dependencies> on_;
  const State* state_ = nullptr;
  std::deque<KeptSum> kept_;           // of every weight
  std::vector<SumSoFar> found_;        // of every weight, as the state was at first; without matrices
  std::vector<bool> there_;            // items that the state had at first
  std::atomic<std::size_t> next_ = 0;  // the item that is waited for
  std::optional<SharedItems> shared_;
};

}  // namespace hallmark
