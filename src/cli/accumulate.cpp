#include "cli/accumulate.hpp"

#include <algorithm>
#include <optional>

#include "linalg/gram.hpp"

namespace hallmark::cli {

Expected<Matrix<double>> accumulate_gram(std::span<const CalibrationFile> files, const std::string& weight,
                                         GramSample* sample) {
  constexpr std::uint64_t chunk = 4096;  // tokens in memory at once; does not change a bit of the result
  std::optional<GramAccumulator> sum;
  for (const CalibrationFile& file : files) {
    const CalibrationEntry* entry = file.find(weight);
    if (!entry) continue;
    if (!sum) sum.emplace(static_cast<Index>(entry->cols));
    for (std::uint64_t first = 0; first < entry->tokens; first += chunk) {
      const Expected<Matrix<float>> tokens = file.activations(weight, first, std::min(chunk, entry->tokens - first));
      if (!tokens) return tokens.error();
      if (const Status added = sum->add(*tokens); !added) return added.error();
      if (sample) sample->add(*tokens);
    }
  }
  return sum->gram();
}

}  // namespace hallmark::cli
