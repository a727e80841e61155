#include "scale/deviation.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "format/codec_lanes.hpp"
#include "scale/candidates.hpp"

namespace hallmark {

double deviation(std::span<const float> w) {
  if (w.size() < 2) return 0;
  const auto n = static_cast<double>(w.size());
  double sum = 0, squares = 0;
  for (const double x : w) sum += x;
  for (const double x : w) squares += (x - sum / n) * (x - sum / n);
  return std::sqrt(squares / (n - 1));
}

double sdclip_k(int bits) {
  constexpr std::array k{2.0, 2.34, 2.68, 12.85, 12.85, 14.0, 20.0};  // from 2 bits to 8
  return k[static_cast<std::size_t>(std::clamp(bits, 2, 8) - 2)];
}

Steps clipped_at_deviations(const ScaleInput& input, std::span<const double> factor) {
  const double k = sdclip_k(input.grid.spec().bits);
  const Index groups = groups_of(input.cols, input.group_size);
  return per_group(input, [&](std::span<const float> w) {
    const Index from = w.data() - input.w, group = input.group_size == 0 ? 0 : from % input.cols / input.group_size;
    const auto at = static_cast<std::size_t>(from / input.cols * groups + group);
    const double clip = (factor.empty() ? 1 : factor[at]) * k * deviation(w);
    const double magnitude = clip > 0 ? clip : largest_magnitude(w);
    return Step(magnitude > 0 ? scale_to_largest(input.grid.spec(), w, magnitude) : 1);
  });
}

}  // namespace hallmark
