#include "hard_batches.hpp"

#include <algorithm>
#include <utility>

namespace hallmark::trainer {

namespace {

using Written = std::vector<std::pair<double, std::vector<std::size_t>>>;

bool harder(const HardBatches::Batch& a, const HardBatches::Batch& b) { return a.loss > b.loss; }

// Batches that are kept after so many steps.
std::int64_t kept_after(const Recipe& recipe, std::int64_t done) {
  const auto& [every, keep, rate] = recipe.hard;
  if (keep == 0) return 0;
  const std::int64_t in_cycle = done % (every + keep);
  return std::min({in_cycle, keep, every + keep - in_cycle});
}

}  // namespace

void HardBatches::saw(double loss, std::vector<std::size_t> places) {
  Batch batch{loss, std::move(places)};
  const auto place = std::upper_bound(batches_.begin(), batches_.end(), batch, harder);
  batches_.insert(place, std::move(batch));
  if (static_cast<std::int64_t>(batches_.size()) > recipe_.hard.keep) batches_.pop_back();
}

HardBatches::Batch HardBatches::take() {
  Batch hardest = std::move(batches_.front());
  batches_.erase(batches_.begin());
  return hardest;
}

std::string HardBatches::state() const {
  Written written;
  for (const auto& [loss, places] : batches_) written.emplace_back(loss, places);
  return nlohmann::json(written).dump();  // each loss by the shortest text that reads back as the same number
}

bool HardBatches::restore(const std::string& text, std::int64_t done, std::size_t last_place) {
  std::vector<Batch> batches;
  try {
    for (auto& [loss, places] : nlohmann::json::parse(text).get<Written>()) {
      if (static_cast<std::int64_t>(places.size()) != recipe_.batch) return false;
      if (std::any_of(places.begin(), places.end(), [&](std::size_t place) { return place > last_place; }))
        return false;
      batches.push_back({loss, std::move(places)});
    }
  } catch (const nlohmann::json::exception&) {
    return false;
  }
  if (static_cast<std::int64_t>(batches.size()) != kept_after(recipe_, done)) return false;
  if (!std::is_sorted(batches.begin(), batches.end(), harder)) return false;
  batches_ = std::move(batches);
  return true;
}

}  // namespace hallmark::trainer
