#include "pipeline/accumulate.hpp"

#include <algorithm>
#include <optional>

#include "cuda/backend.hpp"
#include "linalg/gram.hpp"

namespace hallmark {
namespace {

constexpr std::uint64_t chunk = 1024;  // tokens in memory at once; does not change a bit of the result

}  // namespace

Expected<Matrix<double>> accumulate_gram(std::span<const CalibrationFile> files, const std::string& weight,
                                         GramSample* sample, cuda::Engine* engine) {
  std::optional<GramAccumulator> sum;
  std::optional<cuda::EngineGram> device_sum;
  for (const CalibrationFile& file : files) {
    const CalibrationEntry* entry = file.find(weight);
    if (!entry) continue;
    const auto columns = static_cast<Index>(entry->cols);
    if (engine && !device_sum) device_sum.emplace(*engine, columns);
    if (!engine && !sum) sum.emplace(columns);
    for (std::uint64_t first = 0; first < entry->tokens; first += chunk) {
      const Expected<Matrix<float>> tokens = file.activations(weight, first, std::min(chunk, entry->tokens - first));
      if (!tokens) return tokens.error();
      if (const Status added = engine ? device_sum->add(*tokens) : sum->add(*tokens); !added) return added.error();
      if (sample) sample->add(*tokens);
    }
  }
  if (engine) return device_sum->gram();
  return sum->gram();
}

Expected<TargetGrams> accumulate_target(std::span<const CalibrationFile> files, std::span<const CalibrationFile> behind,
                                        const std::string& weight) {
  std::optional<TargetAccumulator> sum;
  for (std::size_t f = 0; f < files.size(); ++f) {
    const CalibrationEntry* entry = files[f].find(weight);
    if (!entry) continue;
    if (!sum) sum.emplace(static_cast<Index>(entry->cols));
    for (std::uint64_t first = 0; first < entry->tokens; first += chunk) {
      const std::uint64_t count = std::min(chunk, entry->tokens - first);
      const Expected<Matrix<float>> X = files[f].activations(weight, first, count);
      if (!X) return X.error();
      const Expected<Matrix<float>> moved = behind[f].activations(weight, first, count);
      if (!moved) return moved.error();
      if (const Status added = sum->add(*X, *moved); !added) return added.error();
    }
  }
  return sum->grams();
}

}  // namespace hallmark
