#include "replay/ngram_cache.hpp"

#include <algorithm>
#include <cmath>

namespace hallmark {

namespace {

std::uint64_t last_bytes(std::uint64_t context, std::size_t length) {
  return context & ((std::uint64_t{1} << (8 * length)) - 1);
}

}  // namespace

const NgramCache::Tally* NgramCache::tally(std::size_t length) const {
  if (length > seen_) return nullptr;
  const auto found = tallies_[length].find(last_bytes(context_, length));
  return found == tallies_[length].end() ? nullptr : &found->second;
}

double NgramCache::probability(std::byte next) const {
  double p = 1.0 / 256;
  for (std::size_t k = 0; k <= order; ++k) {
    const Tally* counts = tally(k);
    if (!counts) break;  // a longer context has no successor either
    const auto& followed = counts->followed;
    const auto found = std::ranges::find(followed, next, &std::pair<std::byte, double>::first);
    const double times = found == followed.end() ? 0 : found->second, different = static_cast<double>(followed.size());
    p = (times + different * p) / (counts->total + different);
  }
  return p;
}

std::size_t NgramCache::known() const {
  std::size_t k = 0;
  while (k < order && tally(k + 1)) ++k;
  return k;
}

void NgramCache::see(std::byte next) {
  for (std::size_t k = 0; k <= std::min(order, seen_); ++k) {
    Tally& counts = tallies_[k][last_bytes(context_, k)];
    counts.total += 1;
    const auto found = std::ranges::find(counts.followed, next, &std::pair<std::byte, double>::first);
    if (found == counts.followed.end()) counts.followed.emplace_back(next, 1);
    else found->second += 1;
  }
  context_ = context_ << 8 | std::to_integer<std::uint64_t>(next);
  ++seen_;
}

double CacheBlend::probability(double model, std::byte next) const {
  const double a = weight(cache_.known());
  return (1 - a) * model + a * cache_.probability(next);
}

void CacheBlend::scored(double model, std::byte next) {
  const std::size_t k = cache_.known();
  shares_[k] += weight(k) * cache_.probability(next) / probability(model, next);
  bytes_[k] += 1;
  cache_.see(next);
}

std::vector<double> blended_scores(std::span<const std::byte> text, std::span<const double> scores) {
  std::vector<double> blended;
  CacheBlend blend;
  blend.see(text[0]);
  for (std::size_t t = 0; t < scores.size(); ++t) {
    const double model = std::exp(-scores[t]);
    blended.push_back(-std::log(blend.probability(model, text[t + 1])));
    blend.scored(model, text[t + 1]);
  }
  return blended;
}

}  // namespace hallmark
