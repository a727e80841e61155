#include "pipeline/accumulate.hpp"

#include <algorithm>
#include <optional>

#include "cuda/backend.hpp"
#include "linalg/gram.hpp"

namespace hallmark {

Expected<Matrix<double>> accumulate_gram(std::span<const CalibrationFile> files, const std::string& weight,
                                         GramSample* sample, cuda::Engine* engine) {
  constexpr std::uint64_t chunk = 1024;  // tokens in memory at once; does not change a bit of the result
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

}  // namespace hallmark
