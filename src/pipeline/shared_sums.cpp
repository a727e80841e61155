#include "pipeline/shared_sums.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>

#include "base/error_numbers.hpp"
#include "base/memory.hpp"
#include "io/sha256.hpp"
#include "linalg/gram.hpp"
#include "pipeline/accumulate.hpp"
#include "pipeline/hashing.hpp"

namespace hallmark {
namespace {

constexpr std::size_t sums_ahead = 2;  // for each rank, which may wait at rank 0 for their turn whatever they take

}  // namespace

SharedSums::SharedSums(Ranks& all, const std::vector<CalibrationFile>& files, const std::vector<GramPlan>& plan,
                       double ahead)
    : ranks_(all), files_(files), plan_(plan) {
  for (std::size_t weight = 0; weight < plan.size(); ++weight) {
    first_item_.push_back(items_.size());
    for (std::uint64_t chunk = 0; chunk < gram_chunks(tokens_of(files, plan[weight].weight)); ++chunk)
      items_.push_back({weight, chunk});
  }
  first_item_.push_back(items_.size());
  window_.items = sums_ahead * static_cast<std::size_t>(all.size());
  double largest = 0;
  for (const Item& item : items_) largest = std::max(largest, window_.bytes.emplace_back(bytes_of(item)));
  window_.most_bytes = std::min(ahead, static_cast<double>(window_.items) * largest);
}

double SharedSums::quarter_of_memory() { return static_cast<double>(memory_of_process() / 4); }

double SharedSums::bytes_of(const Item& item) const {
  const auto cols = static_cast<double>(plan_[item.weight].cols);
  return cols * cols * sizeof(double);
}

double SharedSums::most_waiting() const {
  std::vector<double> bytes = window_.bytes;  // those between may be in the state
  std::ranges::sort(bytes, std::greater{});
  const auto few = std::min(bytes.size(), window_.items);
  const double largest = std::accumulate(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(few), 0.0);
  return std::min(std::max(largest, window_.most_bytes), std::accumulate(bytes.begin(), bytes.end(), 0.0));
}

// Of every tensor that is summed, hashed by ranks that see these files together.
Expected<std::map<const TensorInfo*, std::string>> SharedSums::digests(const std::string& program) const {
  std::vector<HashJob> jobs;
  std::vector<const TensorInfo*> tensors;
  std::string seen = program;
  for (const CalibrationFile& file : files_) {
    seen += fmt::format("\n{}", file.file().identity());
    for (const GramPlan& gram : plan_)
      if (const TensorInfo* const tensor = file.file().find(gram.weight + ".activations")) {
        jobs.push_back({fmt::format("{} of {}", tensor->name, &file - files_.data()), tensor->data.size()});
        tensors.push_back(tensor);
      }
  }
  const auto hashed = share_hashing(ranks_, seen, jobs, [&](const std::vector<std::size_t>& mine) {
    return hash_by_threads(mine, [&](std::size_t job) { return HashResult{sha256_mapped(tensors[job]->data)}; });
  });
  if (!hashed) return hashed.error();
  std::map<const TensorInfo*, std::string> digests;
  for (std::size_t job = 0; job < jobs.size(); ++job) digests[tensors[job]] = (*hashed)[job].front();
  return digests;
}

Status SharedSums::agree_on(const std::string& program) {
  const auto known = digests(program);
  if (!known) return known.error();
  Sha256 inputs;
  for (const GramPlan& gram : plan_) {
    inputs.update(gram.weight);
    on_.push_back(sum_dependencies(files_, gram.weight, false, program,
                                   [&](const TensorInfo& tensor) { return known->at(&tensor); }));
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
      ranks_, std::move(costs), window_, there_, [this](std::size_t item) { return made_bytes(item); },
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
