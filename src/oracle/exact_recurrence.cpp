#include "oracle/exact_recurrence.hpp"

#include <algorithm>
#include <cmath>

namespace hallmark::oracle {
namespace {

const Dyadic kUnit(0x1p-24), kUnderflow(0x1p-150);

// G(m) = m v (1 + m v).
Dyadic growth(std::size_t m) {
  const Dyadic mv = Dyadic(static_cast<double>(m)) * kUnit;
  return mv * (Dyadic(1.0) + mv);
}

// The binary32 number nearest to x, ties to even, without an upper end of the range (the theorem's model has none).
Dyadic round_binary32(const Dyadic& x) {
  const mpz_class magnitude = abs(x.mantissa());
  const auto bits = static_cast<long>(mpz_sizeinbase(magnitude.get_mpz_t(), 2));
  const long lowest = std::max(x.exponent() + bits - 24, -149L);  // exponent of the last bit kept
  if (lowest <= x.exponent()) return x;
  const auto dropped = static_cast<unsigned long>(lowest - x.exponent());
  mpz_class kept = magnitude >> dropped;
  const bool half = mpz_tstbit(magnitude.get_mpz_t(), dropped - 1) != 0;
  const bool more = magnitude != 0 && mpz_scan1(magnitude.get_mpz_t(), 0) < dropped - 1;
  if (half && (more || mpz_odd_p(kept.get_mpz_t()) != 0)) ++kept;
  return Dyadic(x.sign() < 0 ? mpz_class(-kept) : kept, lowest);
}

}  // namespace

ExactRecurrence::ExactRecurrence(std::span<const float> U, std::size_t n) {
  std::vector<double> column;
  for (std::size_t j = 0; j < n; ++j) {
    column.resize(j);
    Dyadic size;
    for (std::size_t k = 0; k < j; ++k) {
      column[k] = U[k * n + j];
      size += abs(Dyadic(column[k]));
    }
    columns_.push_back(digits_of(column));
    column_size_.push_back(size);
  }
}

std::vector<ExactWeight> ExactRecurrence::weights(const ExactGrid& grid, std::span<const float> w,
                                                  std::span<const float> scale, std::span<const int> zero,
                                                  std::span<const Code> codes, std::span<const float> computed) const {
  std::vector<Dyadic> exact, rounded;
  for (std::size_t k = 0; k < codes.size(); ++k) {
    exact.push_back(Dyadic(w[k]) - Dyadic(scale[k]) * Dyadic(grid.value(codes[k], zero.empty() ? 0 : zero[k])));
    rounded.push_back(round_binary32(exact.back()));
  }
  const Digits e = digits_of(exact), e32 = digits_of(rounded);
  std::vector<ExactWeight> result;
  for (std::size_t j = 0; j < codes.size(); ++j) {
    const Dyadic chain = Dyadic(static_cast<double>(j)) * (Dyadic(1.0) + growth(j)) + column_size_[j];
    result.push_back({Dyadic(w[j]) + dot(columns_[j], e, j), growth(j + 1) * dot_of_magnitudes(columns_[j], e32, j) +
                                                                 kUnit * abs(Dyadic(computed[j])) +
                                                                 kUnderflow * chain});
  }
  return result;
}

RowVerdict ExactRecurrence::judge(const ExactGrid& grid, std::span<const float> w, std::span<const float> scale,
                                  std::span<const int> zero, std::span<const Code> codes,
                                  std::span<const float> computed) const {
  RowVerdict verdict;
  std::size_t count = 0;  // the positions that can be judged at all
  for (; count < codes.size() && !verdict.offence; ++count) {
    const bool finite =
        std::isfinite(w[count]) && std::isfinite(computed[count]) && std::isfinite(scale[count]) && scale[count] != 0;
    if (!finite) verdict.offence = Offence{Fault::not_finite, count, {}, {}, 0};
    else if (!grid.contains(codes[count])) verdict.offence = Offence{Fault::not_a_code, count, {}, {}, 0};
  }
  if (verdict.offence) --count;

  const std::vector<ExactWeight> exact =
      weights(grid, w.first(count), scale.first(count), zero.empty() ? zero : zero.first(count), codes.first(count),
              computed.first(count));
  for (std::size_t j = 0; j < count; ++j) {
    const Dyadic u(computed[j]), error = abs(u - exact[j].u), &delta = exact[j].delta;
    if (!(compare(error, delta) <= 0)) {
      verdict.offence = Offence{Fault::distance, j, error, delta, 0};
      return verdict;
    }
    const Confirmed confirmed = grid.confirm(codes[j], computed[j], scale[j], zero.empty() ? 0 : zero[j]);
    if (!confirmed.nearest) {
      const Dyadic s(scale[j]);
      const int z = zero.empty() ? 0 : zero[j];
      const Code expected = grid.nearest(u, s, z).code;
      const auto distance = [&](Code code) { return abs(u - s * Dyadic(grid.value(code, z))); };
      verdict.offence = Offence{Fault::nearest, j, distance(codes[j]), distance(expected), expected};
      return verdict;
    }
    verdict.clipped += confirmed.clipped;
    if (error.sign() != 0) {  // then delta > 0
      // slack: 1 / (1 - 2 * u) <= 1 + 2^-51 for u = 2^-53
      const double ratio = error.round_up() / delta.round_down() * (1 + 0x1p-51);
      verdict.largest_ratio = std::max(verdict.largest_ratio, ratio);
    }
  }
  return verdict;
}

}  // namespace hallmark::oracle
