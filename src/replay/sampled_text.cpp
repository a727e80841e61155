#include "replay/sampled_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error_numbers.hpp"
#include "replay/continuation.hpp"
#include "replay/draw_byte.hpp"

namespace hallmark {
namespace {

constexpr std::size_t written_together = 16;  // windows of one pass; no byte depends on it

}  // namespace

Status speaks_bytes(const Model& model) {
  if (model.config().vocab == 256) return ok();
  return Error{Exit::input, error_number::model_config, "text can be sampled from models of bytes only",
               fmt::format("vocabulary {}", model.config().vocab), "give a checkpoint with a vocabulary of 256"};
}

Expected<std::vector<std::byte>> sampled_text(const Model& model, std::size_t windows, std::size_t size,
                                              double temperature, std::uint64_t seed,
                                              const std::function<void(std::size_t windows)>& written) {
  if (!(temperature > 0) || !std::isfinite(temperature))
    return Error{Exit::usage, error_number::option_range, "a temperature is out of range",
                 fmt::format("{}", temperature), "a finite number above 0"};
  if (const Status bytes = speaks_bytes(model); !bytes) return bytes.error();
  const Continuation continuation(model, static_cast<Index>(size));
  std::vector<SplitMix64> random;
  for (SplitMix64 seeds(seed); random.size() < windows;) random.emplace_back(seeds());
  std::vector<std::byte> text(windows * size);
#pragma omp parallel for schedule(dynamic)
  for (std::size_t first = 0; first < windows; first += written_together) {
    const std::size_t count = std::min(written_together, windows - first);
    Continuation::Past past = continuation.begin(static_cast<Index>(count));
    std::vector<std::byte> inputs(count);
    for (std::size_t t = 0; t < size; ++t) {
      Matrix<double> logits;
      if (t > 0) logits = continuation.next(past, inputs);
      for (std::size_t b = 0; b < count; ++b) {
        double* const row = logits.data() + static_cast<Index>(b) * logits.cols();
        inputs[b] = t == 0 ? replay::uniform_byte(random[first + b])
                           : replay::drawn_byte(row, logits.cols(), temperature, random[first + b]);
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
  for (std::byte& byte : text) byte = replay::uniform_byte(random);
  return text;
}

}  // namespace hallmark
