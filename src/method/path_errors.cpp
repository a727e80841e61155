#include "method/path_errors.hpp"

#include <algorithm>

#include "linalg/strip.hpp"

namespace hallmark {
namespace {

void permute(const PathErrors::Parents& from, float* lanes) {
  PathErrors::Lanes old;
  std::copy_n(lanes, old.size(), old.begin());
  for (std::size_t r = 0; r < from.size(); ++r) lanes[r] = old[from[r]];
}

}  // namespace

PathErrors::PathErrors(const UpperStrips<float>& U) : U_(U), e_(at(U.count() * kStrip * kPaths), 0.0F) { forget(); }

const float* PathErrors::sums(Index p) {
  if (p % kStrip == 0) {
    for (Index k = 0; k < p - kStrip; ++k) permute(origin_, &e_[at(k * kPaths)]);
    forget();
    sum_.fill(0);
    accumulate_strip(e_.data(), U_.strip(p / kStrip), p, sum_.data(), kPaths);
  }
  return &sum_[at(p % kStrip * kPaths)];
}

void PathErrors::follow(Index p, const Parents& from) {
  const Index first = p / kStrip * kStrip;
  for (Index k = first; k < p; ++k) permute(from, &e_[at(k * kPaths)]);
  for (Index c = p - first; c < kStrip; ++c) permute(from, &sum_[at(c * kPaths)]);
  const Parents before = origin_;
  for (std::size_t r = 0; r < from.size(); ++r) origin_[r] = before[from[r]];
}

void PathErrors::add(Index p, const Lanes& e) {
  const Index c = p % kStrip;
  std::copy(e.begin(), e.end(), &e_[at(p * kPaths)]);
  if (c + 1 < kStrip)
    accumulate_column(e.data(), U_.strip(p / kStrip) + p * kStrip + c + 1, kStrip - c - 1, &sum_[at((c + 1) * kPaths)]);
}

void PathErrors::forget() {
  for (std::size_t r = 0; r < origin_.size(); ++r) origin_[r] = static_cast<std::uint8_t>(r);
}

}  // namespace hallmark
