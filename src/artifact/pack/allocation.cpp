#include "artifact/pack/allocation.hpp"

#include <algorithm>
#include <limits>

namespace hallmark::pack {

namespace {

constexpr std::size_t most_entries = std::size_t{1} << 26, least_capacities = std::size_t{1} << 14;

}  // namespace

Allocation::Allocation(std::span<const std::vector<Candidate>> matrices, std::uint64_t most) : matrices_(matrices) {
  std::uint64_t largest = 0;
  for (const std::vector<Candidate>& candidates : matrices) {
    const auto [small, large] = std::ranges::minmax(candidates, {}, &Candidate::bytes);
    smallest_.push_back(small.bytes);
    least_ += small.bytes;
    largest += large.bytes;
  }
  const std::uint64_t range = std::min(most, largest) - std::min({least_, most, largest});
  const std::uint64_t capacities = std::max(least_capacities, most_entries / std::max<std::size_t>(1, matrices.size()));
  unit_ = 1 + range / capacities;
  capacities_ = range / unit_ + 1;

  chosen_.resize(matrices.size() * capacities_);
  std::vector<double> before(capacities_, 0.0), least(capacities_);
  for (std::size_t m = 0; m < matrices.size(); ++m) {
    std::ranges::fill(least, std::numeric_limits<double>::infinity());
    std::uint8_t* const chosen = chosen_.data() + m * capacities_;
    for (std::size_t c = 0; c < matrices[m].size(); ++c) {
      const std::size_t units = extra(matrices[m][c], m);
      for (std::size_t k = units; k < capacities_; ++k)
        if (const double loss = before[k - units] + matrices[m][c].loss; loss < least[k]) {
          least[k] = loss;
          chosen[k] = static_cast<std::uint8_t>(c);
        }
    }
    before.swap(least);
  }
}

std::size_t Allocation::extra(const Candidate& candidate, std::size_t matrix) const {
  return (candidate.bytes - smallest_[matrix] + unit_ / 2) / unit_;
}

std::vector<std::size_t> Allocation::at(std::size_t capacity) const {
  std::vector<std::size_t> choice(matrices_.size());
  for (std::size_t m = matrices_.size(); m-- > 0;) {
    choice[m] = chosen_[m * capacities_ + capacity];
    capacity -= extra(matrices_[m][choice[m]], m);
  }
  return choice;
}

std::optional<std::vector<std::size_t>> Allocation::within(std::uint64_t limit) const {
  if (limit < least_) return std::nullopt;
  // Where sizes were rounded the choice of so many units can have more bytes than they stand for.
  for (std::size_t k = std::min((limit - least_) / unit_, capacities_ - 1);; --k) {
    std::vector<std::size_t> choice = at(k);
    if (bytes_of(matrices_, choice) <= limit) return choice;
    if (k == 0) break;
  }
  std::vector<std::size_t> smallest;
  for (const std::vector<Candidate>& candidates : matrices_)
    smallest.push_back(
        static_cast<std::size_t>(std::ranges::min_element(candidates, {}, &Candidate::bytes) - candidates.begin()));
  return smallest;
}

std::uint64_t bytes_of(std::span<const std::vector<Candidate>> matrices, std::span<const std::size_t> choice) {
  std::uint64_t bytes = 0;
  for (std::size_t m = 0; m < matrices.size(); ++m) bytes += matrices[m][choice[m]].bytes;
  return bytes;
}

}  // namespace hallmark::pack
