#include "replay/kernels.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "replay/kernels.cpp"
#include "base/highway.hpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// exp(x) = 2^n exp(r) with n = round(x / ln 2) and r = x - n ln 2, |r| <= 0.35, by the Taylor polynomial of degree 13,
// whose remainder 0.35^14 / 14! is below 2^-56.
#ifndef HALLMARK_REPLAY_EXPONENTIAL
#define HALLMARK_REPLAY_EXPONENTIAL
namespace hallmark::replay {
namespace {

constexpr double exp_lowest = -708, exp_highest = 709;  // n stays within the exponents of normal numbers
constexpr double log2_e = 0x1.71547652b82fep+0;         // 1 / ln 2
constexpr double ln2_high = 0x1.62e42fefa38p-1;         // ln 2 = high + low; n * high is exact (42 + 11 bits)
constexpr double ln2_low = 0x1.ef35793c7673p-45;
constexpr double round_shift = 0x1.8p52;  // y + shift has round(y) in its lowest bits
constexpr std::array<double, 14> inverse_factorial = [] {
  std::array<double, 14> table{};
  double factorial = 1;
  for (int i = 0; i < 14; ++i) {
    if (i > 0) factorial *= i;
    table[static_cast<std::size_t>(i)] = 1 / factorial;
  }
  return table;
}();

double exponential_one(double x) {
  x = std::min(std::max(x, exp_lowest), exp_highest);
  const double shifted = std::fma(x, log2_e, round_shift);
  const double n = shifted - round_shift;
  const double r = std::fma(-n, ln2_low, std::fma(-n, ln2_high, x));
  double p = inverse_factorial[13];
  for (std::size_t i = 13; i-- > 0;) p = std::fma(p, r, inverse_factorial[i]);
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(p) + (std::bit_cast<std::uint64_t>(shifted) << 52));
}

}  // namespace
}  // namespace hallmark::replay
#endif

HWY_BEFORE_NAMESPACE();
namespace hallmark::replay {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR

void product_lanes(const double* x, Index ldx, const double* w, Index ldw, double* y, Index ldy, Index rows,
                   Index inner, Index cols) {
  product_ref(x, ldx, w, ldw, y, ldy, rows, inner, cols);
}
void rms_norm_lanes(const double* x, double* y, Index rows, Index cols, double epsilon) {
  rms_norm_ref(x, y, rows, cols, epsilon);
}
void exponential_lanes(double* v, Index n) { exponential_ref(v, n); }

#else

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<double>;

// One tile: kRows rows of x against kVectors vectors of columns, one accumulator for each pair.
template <int kRows, int kVectors>
HWY_INLINE void tile(const double* HWY_RESTRICT x, Index ldx, const double* HWY_RESTRICT w, Index ldw,
                     double* HWY_RESTRICT y, Index ldy, Index inner) {
  const D d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  hn::Vec<D> sum[kRows][kVectors];
  for (int i = 0; i < kRows; ++i)
    for (int j = 0; j < kVectors; ++j) sum[i][j] = hn::Zero(d);
  for (Index k = 0; k < inner; ++k) {
    hn::Vec<D> column[kVectors];
    for (int j = 0; j < kVectors; ++j) column[j] = hn::LoadU(d, w + k * ldw + j * lanes);
    for (int i = 0; i < kRows; ++i) {
      const auto value = hn::Set(d, x[i * ldx + k]);
      for (int j = 0; j < kVectors; ++j) sum[i][j] = hn::MulAdd(value, column[j], sum[i][j]);
    }
  }
  for (int i = 0; i < kRows; ++i)
    for (int j = 0; j < kVectors; ++j) hn::StoreU(sum[i][j], d, y + i * ldy + j * lanes);
}

template <int kRows, int kVectors>
HWY_INLINE void panel(const double* x, Index ldx, const double* w, Index ldw, double* y, Index ldy, Index rows,
                      Index inner) {
  Index t = 0;
  for (; t + kRows <= rows; t += kRows) tile<kRows, kVectors>(x + t * ldx, ldx, w, ldw, y + t * ldy, ldy, inner);
  for (; t < rows; ++t) tile<1, kVectors>(x + t * ldx, ldx, w, ldw, y + t * ldy, ldy, inner);
}

void product_lanes(const double* x, Index ldx, const double* w, Index ldw, double* y, Index ldy, Index rows,
                   Index inner, Index cols) {
  constexpr int kRows = HWY_TARGET == HWY_AVX2 ? 4 : 6;  // registers: 4 x 3 + 3 + 1 of 16, 6 x 4 + 4 + 1 of 32
  constexpr int kVectors = HWY_TARGET == HWY_AVX2 ? 3 : 4;
  const auto lanes = static_cast<Index>(hn::Lanes(D()));
  Index o = 0;
  for (; o + kVectors * lanes <= cols; o += kVectors * lanes)
    panel<kRows, kVectors>(x, ldx, w + o, ldw, y + o, ldy, rows, inner);
  for (; o + lanes <= cols; o += lanes) panel<kRows, 1>(x, ldx, w + o, ldw, y + o, ldy, rows, inner);
  for (; o < cols; ++o)
    for (Index t = 0; t < rows; ++t) {
      double sum = 0;
      for (Index k = 0; k < inner; ++k) sum = __builtin_fma(x[t * ldx + k], w[k * ldw + o], sum);
      y[t * ldy + o] = sum;
    }
}

// The chains of kRows rows run side by side, so that one does not wait for the other.
template <int kRows>
HWY_INLINE void norm_rows(const double* x, double* y, Index cols, double epsilon) {
  double sum[kRows] = {};
  for (Index k = 0; k < cols; ++k)
    for (int i = 0; i < kRows; ++i) sum[i] = __builtin_fma(x[i * cols + k], x[i * cols + k], sum[i]);
  for (int i = 0; i < kRows; ++i) {
    const double root = std::sqrt(sum[i] / static_cast<double>(cols) + epsilon);
    for (Index k = 0; k < cols; ++k) y[i * cols + k] = x[i * cols + k] / root;
  }
}

void rms_norm_lanes(const double* x, double* y, Index rows, Index cols, double epsilon) {
  Index t = 0;
  for (; t + 8 <= rows; t += 8) norm_rows<8>(x + t * cols, y + t * cols, cols, epsilon);
  for (; t < rows; ++t) norm_rows<1>(x + t * cols, y + t * cols, cols, epsilon);
}

void exponential_lanes(double* v, Index n) {
  const D d;
  const hn::RebindToUnsigned<D> du;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  Index i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto x = hn::Min(hn::Max(hn::LoadU(d, v + i), hn::Set(d, exp_lowest)), hn::Set(d, exp_highest));
    const auto shifted = hn::MulAdd(x, hn::Set(d, log2_e), hn::Set(d, round_shift));
    const auto power = hn::Sub(shifted, hn::Set(d, round_shift));
    const auto r = hn::NegMulAdd(power, hn::Set(d, ln2_low), hn::NegMulAdd(power, hn::Set(d, ln2_high), x));
    auto p = hn::Set(d, inverse_factorial[13]);
    for (std::size_t j = 13; j-- > 0;) p = hn::MulAdd(p, r, hn::Set(d, inverse_factorial[j]));
    hn::StoreU(hn::BitCast(d, hn::Add(hn::BitCast(du, p), hn::ShiftLeft<52>(hn::BitCast(du, shifted)))), d, v + i);
  }
  for (; i < n; ++i) v[i] = exponential_one(v[i]);
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace hallmark::replay
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hallmark::replay {

HWY_EXPORT(product_lanes);
HWY_EXPORT(rms_norm_lanes);
HWY_EXPORT(exponential_lanes);

void product(const double* x, Index ldx, const double* w, Index ldw, double* y, Index ldy, Index rows, Index inner,
             Index cols) {
  HWY_DYNAMIC_DISPATCH(product_lanes)(x, ldx, w, ldw, y, ldy, rows, inner, cols);
}

void product_ref(const double* x, Index ldx, const double* w, Index ldw, double* y, Index ldy, Index rows, Index inner,
                 Index cols) {
  for (Index t = 0; t < rows; ++t)
    for (Index o = 0; o < cols; ++o) {
      double sum = 0;
      for (Index k = 0; k < inner; ++k) sum = std::fma(x[t * ldx + k], w[k * ldw + o], sum);
      y[t * ldy + o] = sum;
    }
}

void rms_norm(const double* x, double* y, Index rows, Index cols, double epsilon) {
  HWY_DYNAMIC_DISPATCH(rms_norm_lanes)(x, y, rows, cols, epsilon);
}

void rms_norm_ref(const double* x, double* y, Index rows, Index cols, double epsilon) {
  for (Index t = 0; t < rows; ++t) {
    double sum = 0;
    for (Index k = 0; k < cols; ++k) sum = std::fma(x[t * cols + k], x[t * cols + k], sum);
    const double root = std::sqrt(sum / static_cast<double>(cols) + epsilon);
    for (Index k = 0; k < cols; ++k) y[t * cols + k] = x[t * cols + k] / root;
  }
}

void exponential(double* v, Index n) { HWY_DYNAMIC_DISPATCH(exponential_lanes)(v, n); }

void exponential_ref(double* v, Index n) {
  for (Index i = 0; i < n; ++i) v[i] = exponential_one(v[i]);
}

}  // namespace hallmark::replay
#endif
