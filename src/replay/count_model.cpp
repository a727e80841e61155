#include "replay/count_model.hpp"

#include <algorithm>
#include <cmath>

namespace hallmark {

namespace {

// Occurrences of every string of `length` bytes in a text: the strings as big-endian integers, sorted, with counts.
class Counts {
 public:
  Counts(std::span<const std::byte> text, int length) {
    std::vector<std::uint64_t> all;
    all.reserve(text.size());
    const std::uint64_t mask = length == 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * length)) - 1;
    std::uint64_t key = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      key = (key << 8 | std::to_integer<std::uint64_t>(text[i])) & mask;
      if (i + 1 >= static_cast<std::size_t>(length)) all.push_back(key);
    }
    std::sort(all.begin(), all.end());
    for (std::size_t i = 0, j; i < all.size(); i = j) {
      for (j = i; j < all.size() && all[j] == all[i];) ++j;
      keys_.push_back(all[i]);
      before_.push_back(i);
    }
    before_.push_back(all.size());
  }

  struct Tally {
    double total, followed, different;
  };
  // The strings that begin with `context` (one byte shorter): how many, how many end in `next`, how many different.
  Tally tally(std::uint64_t context, std::uint64_t next) const {
    const auto at = [&](std::uint64_t key) {
      return static_cast<std::size_t>(std::lower_bound(keys_.begin(), keys_.end(), key) - keys_.begin());
    };
    const std::size_t first = at(context << 8), match = at(context << 8 | next);
    std::size_t last = match;
    while (last < keys_.size() && keys_[last] >> 8 == context) ++last;
    const bool found = match < last && keys_[match] == (context << 8 | next);
    return {static_cast<double>(before_[last] - before_[first]),
            found ? static_cast<double>(before_[match + 1] - before_[match]) : 0.0, static_cast<double>(last - first)};
  }

 private:
  std::vector<std::uint64_t> keys_;
  std::vector<std::size_t> before_;  // occurrences of smaller strings; at the end, of all
};

// p_k of every byte from p_{k-1}, in place.
void raise_order(const TrainSplit& train, std::span<const std::byte> text, int k, std::vector<double>& p) {
  const Counts counts(train.bytes(), k + 1);
  const std::uint64_t mask = (std::uint64_t{1} << (8 * k)) - 1;
  std::uint64_t context = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto next = std::to_integer<std::uint64_t>(text[i]);
    if (i >= static_cast<std::size_t>(k)) {
      const auto [total, followed, different] = counts.tally(context & mask, next);
      if (total > 0) p[i] = (followed + different * p[i]) / (total + different);
    }
    context = context << 8 | next;
  }
}

}  // namespace

std::vector<double> count_model_bits_per_byte(const TrainSplit& train, std::span<const std::byte> text, int order) {
  std::vector<double> p(text.size(), 1.0 / 256), results;
  for (int k = 0; k <= order; ++k) {
    raise_order(train, text, k, p);
    double bits = 0;
    for (std::size_t i = 1; i < p.size(); ++i) bits -= std::log2(p[i]);
    results.push_back(bits / static_cast<double>(p.size() - 1));
  }
  return results;
}

std::vector<double> count_model_bits(const TrainSplit& train, std::span<const std::byte> text, int order) {
  std::vector<double> p(text.size(), 1.0 / 256);
  for (int k = 0; k <= order; ++k) raise_order(train, text, k, p);
  for (double& value : p) value = -std::log2(value);
  return p;
}

}  // namespace hallmark
