// Which text the calibration sees: windows of the train split, drawn once per seed. Nothing here accepts a
// ValidationSplit.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "replay/text.hpp"

namespace hallmark {

inline constexpr std::size_t calibration_window = 256;  ///< bytes
inline constexpr std::size_t calibration_batch = 16;    ///< windows
inline constexpr std::size_t reconstruction_batches = 8;

/// Offsets of windows in the train split. No two windows of one plan overlap, so that the reconstruction loss is
/// measured on text that no Gram matrix has seen.
class CalibrationPlan {
 public:
  /// Draws the reconstruction batches first, then `batches` calibration batches: with the same seed and text, the
  /// first N batches are the same whatever `batches` is, and so are the reconstruction batches.
  /// The split is cut into windows; each draw takes splitmix64(seed) modulo their number (values of the incomplete last
  /// turn are drawn again), and a window that was taken before is drawn again.
  /// Errors: E0392 the split has fewer windows than asked for.
  static Expected<CalibrationPlan> draw(const TrainSplit& train, std::uint64_t seed, std::size_t batches);

  /// The first n batches, 16 windows each, in order. Precondition: n <= batches drawn.
  std::span<const std::uint64_t> calibration(std::size_t n) const;
  std::span<const std::uint64_t> reconstruction() const;

 private:
  std::vector<std::uint64_t> offsets_;
};

/// The text of some windows, a view into the split.
std::vector<std::span<const std::byte>> windows_at(const TrainSplit& train, std::span<const std::uint64_t> offsets);

/// SHA-256 of offsets as 64-bit little-endian words, in order; identifies the calibration of a cell.
std::string offsets_digest(std::span<const std::uint64_t> offsets);

/// splitmix64: a fixed sequence of 64-bit words for each seed.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}
  std::uint64_t operator()();
  /// Uniform in 0..n-1: words of the incomplete last turn are drawn again. Precondition: n > 0.
  std::uint64_t below(std::uint64_t n);
  /// The seed of a generator that goes on as this one does.
  std::uint64_t state() const { return state_; }

 private:
  std::uint64_t state_;
};

}  // namespace hallmark
