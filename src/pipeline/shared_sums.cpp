#include "pipeline/shared_sums.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/error_numbers.hpp"
#include "io/sha256.hpp"
#include "linalg/gram.hpp"
#include "pipeline/accumulate.hpp"

namespace hallmark {
namespace {

constexpr std::size_t sums_ahead = 2;  // matrices for each rank that may wait at rank 0 for their turn

}  // namespace

SharedSums::SharedSums(Ranks& all, const std::vector<CalibrationFile>& files, const std::vector<GramPlan>& plan)
    : ranks_(all), files_(files), plan_(plan) {
  for (std::size_t weight = 0; weight < plan.size(); ++weight) {
    first_item_.push_back(items_.size());
    for (std::uint64_t chunk = 0; chunk < gram_chunks(tokens_of(files, plan[weight].weight)); ++chunk)
      items_.push_back({weight, chunk});
  }
  first_item_.push_back(items_.size());
}

Status SharedSums::agree_on(const std::string& program) {
  Sha256 inputs;
  for (const GramPlan& gram : plan_) {
    inputs.update(gram.weight);
    on_.push_back(sum_dependencies(files_, gram.weight, false, program));
    for (const auto& [name, value] : on_.back()) inputs.update(fmt::format("\n{}: {}", name, value));
  }
  return agree(ranks_, {{"the program", program}, {"the activations' SHA-256", inputs.hex()}});
}

Expected<Matrix<double>> SharedSums::made(std::size_t item) const {
  Expected<Matrix<double>> G = accumulate_chunk(files_, plan_[items_[item].weight].weight, items_[item].chunk);
  if (!G) return G;
  for (const CalibrationFile& file : files_)
    if (const Status same = file.file().unchanged(); !same) return same.error();
  return G;
}

Expected<ItemBytes> SharedSums::made_bytes(std::size_t item) const {
  const Expected<Matrix<double>> G = made(item);
  if (!G) return G.error();
  const auto bytes = binary64_bytes(*G);
  return ItemBytes(bytes.begin(), bytes.end());
}

void SharedSums::help() {
  make_shared_items(ranks_, [this](std::size_t item) { return made_bytes(item); });
}

void SharedSums::keep_in(const State& state) { state_ = &state; }

// What nobody has to make is known, and the others begin.
void SharedSums::begin() {
  there_.assign(items_.size(), false);
  for (std::size_t weight = 0; weight < plan_.size(); ++weight) {
    const std::size_t first = first_item_[weight], chunks = first_item_[weight + 1] - first;
    SumSoFar& sum =
        found_.emplace_back(kept_.emplace_back(state_, files_, plan_[weight], chunks, on_[weight]).so_far());
    sum.G.resize(0, 0);
    for (std::uint64_t chunk = 0; chunk < sum.done; ++chunk) there_[first + chunk] = true;
    for (const std::uint64_t chunk : sum.later) there_[first + chunk] = true;
  }
  std::vector<double> costs;
  for (const Item& item : items_) {
    const std::uint64_t tokens = tokens_of(files_, plan_[item.weight].weight);
    const auto cols = static_cast<double>(plan_[item.weight].cols);
    const std::uint64_t rest = tokens - std::min(tokens, item.chunk * static_cast<std::uint64_t>(kGramChunk));
    costs.push_back(cols * cols * static_cast<double>(std::min(rest, static_cast<std::uint64_t>(kGramChunk))));
  }
  shared_.emplace(
      ranks_, std::move(costs), sums_ahead * static_cast<std::size_t>(ranks_.size()), there_,
      [this](std::size_t item) { return made_bytes(item); },
      [this](std::size_t item, std::span<const std::byte> bytes) { return arrived(item, bytes); });
}

// The item that is waited for is added to the sum at once, which is kept then.
Status SharedSums::arrived(std::size_t item, std::span<const std::byte> bytes) {
  return item == next_ ? ok() : kept_[items_[item].weight].keep_chunk(items_[item].chunk, bytes);
}

Expected<Matrix<double>> SharedSums::matrix(std::size_t item) {
  const Item& of = items_[item];
  if (there_[item]) {
    auto kept = kept_[of.weight].chunk(of.chunk);
    return kept ? *std::move(kept) : made(item);  // gone since
  }
  next_ = item;
  const Expected<ItemBytes> bytes = shared_->take(item);
  if (!bytes) return bytes.error();
  const auto cols = static_cast<Index>(plan_[of.weight].cols);
  Matrix<double> G(cols, cols);
  if (bytes->size() != static_cast<std::size_t>(G.size()) * sizeof(double))
    return Error{Exit::internal, error_number::unexpected_exception, "a rank sent something else than a matrix",
                 plan_[of.weight].weight, "report this as a bug"};
  std::memcpy(G.data(), bytes->data(), bytes->size());
  return G;
}

Expected<Matrix<double>> SharedSums::sum(std::size_t weight, const Begun& begun) {
  if (!shared_) begin();
  const std::size_t first = first_item_[weight];
  SumSoFar& sum = found_[weight];
  if (begun) begun(sum, first_item_[weight + 1] - first);
  if (sum.done > 0) {
    SumSoFar kept = kept_[weight].so_far();
    if (kept.done == sum.done) sum.G = std::move(kept.G);
    else sum.done = 0;  // gone since
  }
  return kept_[weight].finish(std::move(sum), [&](std::uint64_t chunk) { return matrix(first + chunk); });
}

}  // namespace hallmark
