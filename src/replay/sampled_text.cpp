#include "replay/sampled_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error_numbers.hpp"
#include "replay/calibration.hpp"
#include "replay/continuation.hpp"
#include "replay/kernels.hpp"

namespace hallmark {
namespace {

constexpr std::size_t side_by_side = 16;  // windows of one pass; no byte depends on it

std::byte uniform_byte(SplitMix64& random) { return static_cast<std::byte>(random() >> 56); }

// A byte of softmax(logits / temperature): the first whose cumulated weight is above a uniform share of all. `logits`
// is overwritten.
std::byte drawn(double* logits, Index count, double temperature, SplitMix64& random) {
  const double top = *std::max_element(logits, logits + count);
  for (Index i = 0; i < count; ++i) logits[i] = (logits[i] - top) / temperature;
  replay::exponential(logits, count);
  double sum = 0;
  for (Index i = 0; i < count; ++i) sum += logits[i];
  const double wanted = static_cast<double>(random() >> 11) * 0x1p-53 * sum;
  double cumulated = 0;
  for (Index i = 0; i < count; ++i) {
    cumulated += logits[i];
    if (cumulated > wanted) return static_cast<std::byte>(i);
  }
  return static_cast<std::byte>(count - 1);
}

}  // namespace

Expected<std::vector<std::byte>> sampled_text(const Model& model, std::size_t windows, std::size_t size,
                                              double temperature, std::uint64_t seed,
                                              const std::function<void(std::size_t windows)>& written) {
  if (!(temperature > 0) || !std::isfinite(temperature))
    return Error{Exit::usage, error_number::option_range, "a temperature is out of range",
                 fmt::format("{}", temperature), "a finite number above 0"};
  if (model.config().vocab != 256)
    return Error{Exit::input, error_number::model_config, "text can be sampled from models of bytes only",
                 fmt::format("vocabulary {}", model.config().vocab), "give a checkpoint with a vocabulary of 256"};
  const Continuation continuation(model, static_cast<Index>(size));
  std::vector<SplitMix64> random;
  for (SplitMix64 seeds(seed); random.size() < windows;) random.emplace_back(seeds());
  std::vector<std::byte> text(windows * size);
#pragma omp parallel for schedule(dynamic)
  for (std::size_t first = 0; first < windows; first += side_by_side) {
    const std::size_t count = std::min(side_by_side, windows - first);
    Continuation::Past past = continuation.begin(static_cast<Index>(count));
    std::vector<std::byte> inputs(count);
    for (std::size_t t = 0; t < size; ++t) {
      Matrix<double> logits;
      if (t > 0) logits = continuation.next(past, inputs);
      for (std::size_t b = 0; b < count; ++b) {
        double* const row = logits.data() + static_cast<Index>(b) * logits.cols();
        inputs[b] =
            t == 0 ? uniform_byte(random[first + b]) : drawn(row, logits.cols(), temperature, random[first + b]);
        text[(first + b) * size + t] = inputs[b];
      }
    }
#pragma omp critical(hallmark_sampled_text)
    if (written) written(count);
  }
  return text;
}

std::vector<std::byte> random_bytes(std::size_t size, std::uint64_t seed) {
  SplitMix64 random(seed);
  std::vector<std::byte> text(size);
  for (std::byte& byte : text) byte = uniform_byte(random);
  return text;
}

}  // namespace hallmark
