#include "replay/calibration.hpp"

#include <bit>

#include "base/error_numbers.hpp"
#include "io/sha256.hpp"

namespace hallmark {

std::uint64_t SplitMix64::operator()() {
  std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

std::uint64_t SplitMix64::below(std::uint64_t n) {
  const std::uint64_t rejected = (0 - n) % n;  // 2^64 mod n
  for (;;)
    if (const std::uint64_t word = (*this)(); word >= rejected) return word % n;
}

Expected<CalibrationPlan> CalibrationPlan::draw(const TrainSplit& train, std::uint64_t seed, std::size_t batches) {
  const std::size_t places = train.bytes().size() / calibration_window;
  const std::size_t wanted = (reconstruction_batches + batches) * calibration_batch;
  if (places < wanted)
    return Error{Exit::input, error_number::text_short, "the train text is too short for the calibration",
                 std::to_string(train.bytes().size()) + " bytes, " + std::to_string(wanted * calibration_window) +
                     " needed for " + std::to_string(reconstruction_batches) + " + " + std::to_string(batches) +
                     " batches of windows that do not overlap",
                 "use a folder with more text"};
  CalibrationPlan plan;
  std::vector<bool> taken(places);
  for (SplitMix64 generator(seed); plan.offsets_.size() < wanted;) {
    const std::uint64_t place = generator.below(places);
    if (taken[place]) continue;
    taken[place] = true;
    plan.offsets_.push_back(place * calibration_window);
  }
  return plan;
}

std::span<const std::uint64_t> CalibrationPlan::calibration(std::size_t n) const {
  return std::span(offsets_).subspan(reconstruction_batches * calibration_batch, n * calibration_batch);
}

std::span<const std::uint64_t> CalibrationPlan::reconstruction() const {
  return std::span(offsets_).first(reconstruction_batches * calibration_batch);
}

std::vector<std::span<const std::byte>> windows_at(const TrainSplit& train, std::span<const std::uint64_t> offsets) {
  std::vector<std::span<const std::byte>> windows;
  for (const std::uint64_t offset : offsets) windows.push_back(train.bytes().subspan(offset, calibration_window));
  return windows;
}

std::string offsets_digest(std::span<const std::uint64_t> offsets) {
  static_assert(std::endian::native == std::endian::little);
  return sha256_hex(std::as_bytes(offsets));
}

}  // namespace hallmark
