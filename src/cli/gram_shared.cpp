#include "cli/gram_shared.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/error_numbers.hpp"
#include "cli/gram_sums.hpp"
#include "io/sha256.hpp"
#include "linalg/gram.hpp"
#include "pipeline/accumulate.hpp"

namespace hallmark::cli {
namespace {

constexpr std::size_t ahead = 2;  // matrices for each rank that may wait at rank 0 for their turn

}  // namespace

SharedSums::SharedSums(Ranks& all, const std::vector<CalibrationFile>& files, const std::vector<GramPlan>& plan)
    : ranks_(all), files_(files), plan_(plan) {
  for (std::size_t weight = 0; weight < plan.size(); ++weight)
    for (std::uint64_t chunk = 0; chunk < gram_chunks(tokens_of(files, plan[weight].weight)); ++chunk)
      items_.push_back({weight, chunk});
}

Status SharedSums::agree_on(const std::string& program) {
  Sha256 inputs;
  for (const GramPlan& gram : plan_) {
    inputs.update(gram.weight);
    for (const auto& [name, value] : sum_dependencies(files_, gram.weight, false, program))
      inputs.update(fmt::format("\n{}: {}", name, value));
  }
  return agree(ranks_, {{"the program", program}, {"the activations' SHA-256", inputs.hex()}});
}

Expected<ItemBytes> SharedSums::made(std::size_t item) const {
  const Expected<Matrix<double>> G = accumulate_chunk(files_, plan_[items_[item].weight].weight, items_[item].chunk);
  if (!G) return G.error();
  for (const CalibrationFile& file : files_)
    if (const Status same = file.file().unchanged(); !same) return same.error();
  const auto bytes = std::as_bytes(std::span(G->data(), static_cast<std::size_t>(G->size())));
  return ItemBytes(bytes.begin(), bytes.end());
}

void SharedSums::help() {
  make_shared_items(ranks_, [this](std::size_t item) { return made(item); });
}

Expected<Matrix<double>> SharedSums::sum(std::size_t weight) {
  if (!shared_) {
    std::vector<double> costs;
    for (const Item& item : items_) {
      const std::uint64_t tokens = tokens_of(files_, plan_[item.weight].weight);
      const auto cols = static_cast<double>(plan_[item.weight].cols);
      const std::uint64_t rest = tokens - std::min(tokens, item.chunk * static_cast<std::uint64_t>(kGramChunk));
      costs.push_back(cols * cols * static_cast<double>(std::min(rest, static_cast<std::uint64_t>(kGramChunk))));
    }
    shared_.emplace(
        ranks_, std::move(costs), ahead * static_cast<std::size_t>(ranks_.size()),
        std::vector<bool>(items_.size(), false), [this](std::size_t item) { return made(item); },
        [](std::size_t, std::span<const std::byte>) { return ok(); });
  }
  const auto cols = static_cast<Index>(plan_[weight].cols);
  Matrix<double> G;
  for (; taken_ < items_.size() && items_[taken_].weight == weight; ++taken_) {
    const Expected<ItemBytes> bytes = shared_->take(taken_);
    if (!bytes) return bytes.error();
    Matrix<double> next(cols, cols);
    if (bytes->size() != static_cast<std::size_t>(next.size()) * sizeof(double))
      return Error{Exit::internal, error_number::unexpected_exception, "a rank sent something else than a matrix",
                   plan_[weight].weight, "report this as a bug"};
    std::memcpy(next.data(), bytes->data(), bytes->size());
    if (items_[taken_].chunk > 0) {
      Expected<Matrix<double>> merged = merge_gram(G, next);
      if (!merged) return merged;
      next = *std::move(merged);
    }
    G = std::move(next);
  }
  return G;
}

}  // namespace hallmark::cli
