#include "pipeline/accumulate.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "cuda/backend.hpp"

namespace hallmark {
namespace {

constexpr std::uint64_t tokens_at_once = 1024;  // in memory; does not change a bit of the result

// Tokens first .. last - 1 of the weight, counted through all files, in portions.
template <class Use>
Status for_tokens(std::span<const CalibrationFile> files, const std::string& weight, std::uint64_t first,
                  std::uint64_t last, const Use& use) {
  std::uint64_t before = 0;  // tokens of the files before this one
  for (const CalibrationFile& file : files) {
    const CalibrationEntry* entry = file.find(weight);
    if (!entry) continue;
    const std::uint64_t end = std::min(entry->tokens, std::max(last, before) - before);
    for (std::uint64_t t = std::max(first, before) - before; t < end; t += tokens_at_once) {
      const Expected<Matrix<float>> tokens = file.activations(weight, t, std::min(tokens_at_once, end - t));
      if (!tokens) return tokens.error();
      if (const Status used = use(*tokens); !used) return used;
    }
    before += entry->tokens;
  }
  return ok();
}

// The columns of the weight in the first file that has it, which there is.
Index columns_of(std::span<const CalibrationFile> files, const std::string& weight) {
  const auto has = std::ranges::find_if(files, [&](const CalibrationFile& file) { return file.find(weight); });
  return static_cast<Index>(has->find(weight)->cols);
}

constexpr std::uint64_t all_tokens = std::numeric_limits<std::uint64_t>::max();

}  // namespace

Expected<Matrix<double>> accumulate_gram(std::span<const CalibrationFile> files, const std::string& weight,
                                         GramSample* sample, cuda::Engine* engine) {
  const auto sum_in = [&](auto& sum) {
    return for_tokens(files, weight, 0, all_tokens, [&](const Matrix<float>& tokens) {
      if (sample) sample->add(tokens);
      return sum.add(tokens);
    });
  };
  if (engine) {
    cuda::EngineGram sum(*engine, columns_of(files, weight));
    if (const Status added = sum_in(sum); !added) return added.error();
    return sum.gram();
  }
  GramAccumulator sum(columns_of(files, weight));
  if (const Status added = sum_in(sum); !added) return added.error();
  return sum.gram();
}

std::uint64_t tokens_of(std::span<const CalibrationFile> files, const std::string& weight) {
  std::uint64_t tokens = 0;
  for (const CalibrationFile& file : files)
    if (const CalibrationEntry* entry = file.find(weight)) tokens += entry->tokens;
  return tokens;
}

std::uint64_t gram_chunks(std::uint64_t tokens, Index chunk) {
  return tokens == 0 ? 1 : (tokens - 1) / static_cast<std::uint64_t>(chunk) + 1;
}

Expected<Matrix<double>> accumulate_chunk(std::span<const CalibrationFile> files, const std::string& weight,
                                          std::uint64_t index, Index chunk) {
  const std::uint64_t first = index * static_cast<std::uint64_t>(chunk);
  GramAccumulator sum(columns_of(files, weight), chunk);
  const Status added = for_tokens(files, weight, first, first + static_cast<std::uint64_t>(chunk),
                                  [&](const Matrix<float>& tokens) { return sum.add(tokens); });
  if (!added) return added.error();
  return sum.gram();
}

Expected<TargetGrams> accumulate_target(std::span<const CalibrationFile> files, std::span<const CalibrationFile> behind,
                                        const std::string& weight) {
  std::optional<TargetAccumulator> sum;
  for (std::size_t f = 0; f < files.size(); ++f) {
    const CalibrationEntry* entry = files[f].find(weight);
    if (!entry) continue;
    if (!sum) sum.emplace(static_cast<Index>(entry->cols));
    for (std::uint64_t first = 0; first < entry->tokens; first += tokens_at_once) {
      const std::uint64_t count = std::min(tokens_at_once, entry->tokens - first);
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
