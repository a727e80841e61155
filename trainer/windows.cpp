#include "windows.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "base/error_numbers.hpp"

namespace hallmark::trainer {

std::vector<double> bucket_shares(std::size_t buckets, double floor, double progress) {
  std::vector<double> shares;
  for (std::size_t b = 0; b < buckets; ++b) {
    const double depth = static_cast<double>(b) / static_cast<double>(buckets - 1);
    shares.push_back(std::max((1 - depth) * (1 - progress) + depth * progress, floor));
  }
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (double& share : shares) share /= sum;
  return shares;
}

std::vector<std::vector<std::size_t>> cost_buckets(const std::vector<double>& costs, std::size_t buckets) {
  std::vector<std::size_t> order(costs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return costs[a] < costs[b]; });
  std::vector<std::vector<std::size_t>> parts(buckets);
  for (std::size_t rank = 0; rank < order.size(); ++rank) parts[rank * buckets / order.size()].push_back(order[rank]);
  return parts;
}

std::size_t WindowOrder::side_by_side(std::size_t text_size, Index window) {
  return text_size == 0 ? 0 : (text_size - 1) / static_cast<std::size_t>(window);
}

Expected<WindowOrder> WindowOrder::create(const Recipe& recipe, std::size_t text_size, std::uint64_t seed,
                                          const std::vector<double>& costs) {
  using Order = Recipe::Order;
  const std::size_t windows = side_by_side(text_size, recipe.model.window);
  const std::size_t least = recipe.order == Order::random    ? 1
                            : recipe.order == Order::coprime ? static_cast<std::size_t>(recipe.batch)
                                                             : recipe.curriculum.buckets;
  if (windows < least)
    return Error{Exit::input, error_number::text_short, "the text is too short to be trained on",
                 std::to_string(text_size) + " tokens are " + std::to_string(windows) + " windows of " +
                     std::to_string(recipe.model.window) + ", the order asks for " + std::to_string(least),
                 "use more text"};
  WindowOrder order(recipe, text_size, seed);
  if (recipe.order == Order::curriculum) order.buckets_ = cost_buckets(costs, recipe.curriculum.buckets);
  return order;
}

// Window k mod n of turn k / n. Each turn draws a start and a stride of its own.
std::size_t WindowOrder::coprime_window(std::uint64_t k) const {
  const std::uint64_t n = side_by_side(text_size_, recipe_.model.window);
  SplitMix64 turn(seed_ ^ (k / n + 1));
  const std::uint64_t start = turn.below(n);
  std::uint64_t stride = 1 + turn.below(n);
  while (std::gcd(stride, n) != 1) stride = 1 + turn.below(n);
  return (start + (k % n) * stride) % n;
}

std::size_t WindowOrder::place(std::int64_t step, std::size_t i) {
  const auto window = static_cast<std::size_t>(recipe_.model.window);
  switch (recipe_.order) {
    case Recipe::Order::random: return generator_.below(text_size_ - window);
    case Recipe::Order::coprime:
      return window * coprime_window(static_cast<std::uint64_t>(fresh_steps(recipe_, step) * recipe_.batch) + i);
    case Recipe::Order::curriculum: break;
  }
  const double progress = static_cast<double>(step) / static_cast<double>(recipe_.steps);
  const auto shares = bucket_shares(buckets_.size(), recipe_.curriculum.floor, progress);
  double left = static_cast<double>(generator_() >> 11) * 0x1p-53;
  std::size_t bucket = 0;
  while (bucket + 1 < shares.size() && left >= shares[bucket]) left -= shares[bucket++];
  return window * buckets_[bucket][generator_.below(buckets_[bucket].size())];
}

std::vector<std::size_t> WindowOrder::batch(std::int64_t step) {
  std::vector<std::size_t> places(static_cast<std::size_t>(recipe_.batch));
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = place(step, i);
  return places;
}

}  // namespace hallmark::trainer
