#include "linalg/strip.hpp"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "linalg/strip.cpp"
#include "base/highway.hpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hallmark::HWY_NAMESPACE {

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR

template <class T>
void Accumulate(const T* a, const T* b, Index count, T* acc, Index stride) {
  accumulate_strip_ref(a, b, count, acc, stride);
}
void Subtract(const double* a, const double* b, Index count, double* acc, Index stride) {
  for (Index k = 0; k < count; ++k)
    for (Index c = 0; c < kStrip; ++c)
      for (Index r = 0; r < kLanes<double>; ++r)
        acc[c * stride + r] = std::fma(-a[k * kLanes<double> + r], b[k * kStrip + c], acc[c * stride + r]);
}
template <bool kNegate, class T>
void Column(const T* a, const T* b, Index columns, T* acc) {
  for (Index c = 0; c < columns; ++c) multiply_add_ref(a, kNegate ? -b[c] : b[c], acc + c * kLanes<T>, kLanes<T>);
}
template <class T>
void MultiplyAdd(const T* x, T c, T* y, Index length) {
  multiply_add_ref(x, c, y, length);
}

#else

namespace hn = hwy::HWY_NAMESPACE;

// 32 vector registers hold 8 x 3 accumulators, 16 hold 4 x 3.
constexpr Index kTileColumns = HWY_TARGET == HWY_AVX2 ? 4 : 8;

template <bool kNegate, class V>
HWY_INLINE V Step(V a, V b, V acc) {
  if constexpr (kNegate) return hn::NegMulAdd(a, b, acc);
  return hn::MulAdd(a, b, acc);
}

// One tile of kTileColumns columns and 3 vectors.
// Long because the accumulators are named one by one: an array of vectors would live in memory.
template <bool kNegate, class T>
void Tile(const T* HWY_RESTRICT a, const T* HWY_RESTRICT b, Index count, T* HWY_RESTRICT acc, Index stride) {
  const hn::ScalableTag<T> d;
  const auto n = static_cast<Index>(hn::Lanes(d));
#define HALLMARK_LOAD(c)                             \
  auto r##c##0 = hn::LoadU(d, acc + (c)*stride);     \
  auto r##c##1 = hn::LoadU(d, acc + (c)*stride + n); \
  auto r##c##2 = hn::LoadU(d, acc + (c)*stride + 2 * n)
#define HALLMARK_STEP(c)                     \
  {                                          \
    const auto x = hn::Set(d, b[c]);         \
    r##c##0 = Step<kNegate>(a0, x, r##c##0); \
    r##c##1 = Step<kNegate>(a1, x, r##c##1); \
    r##c##2 = Step<kNegate>(a2, x, r##c##2); \
  }
#define HALLMARK_STORE(c)                       \
  hn::StoreU(r##c##0, d, acc + (c)*stride);     \
  hn::StoreU(r##c##1, d, acc + (c)*stride + n); \
  hn::StoreU(r##c##2, d, acc + (c)*stride + 2 * n)
  HALLMARK_LOAD(0);
  HALLMARK_LOAD(1);
  HALLMARK_LOAD(2);
  HALLMARK_LOAD(3);
  if constexpr (kTileColumns == 8) {
    HALLMARK_LOAD(4);
    HALLMARK_LOAD(5);
    HALLMARK_LOAD(6);
    HALLMARK_LOAD(7);
    for (Index k = 0; k < count; ++k, a += kLanes<T>, b += kStrip) {
      const auto a0 = hn::LoadU(d, a);
      const auto a1 = hn::LoadU(d, a + n);
      const auto a2 = hn::LoadU(d, a + 2 * n);
      HALLMARK_STEP(0)
      HALLMARK_STEP(1)
      HALLMARK_STEP(2)
      HALLMARK_STEP(3)
      HALLMARK_STEP(4)
      HALLMARK_STEP(5)
      HALLMARK_STEP(6)
      HALLMARK_STEP(7)
    }
    HALLMARK_STORE(4);
    HALLMARK_STORE(5);
    HALLMARK_STORE(6);
    HALLMARK_STORE(7);
  } else {
    for (Index k = 0; k < count; ++k, a += kLanes<T>, b += kStrip) {
      const auto a0 = hn::LoadU(d, a);
      const auto a1 = hn::LoadU(d, a + n);
      const auto a2 = hn::LoadU(d, a + 2 * n);
      HALLMARK_STEP(0)
      HALLMARK_STEP(1)
      HALLMARK_STEP(2)
      HALLMARK_STEP(3)
    }
  }
  HALLMARK_STORE(0);
  HALLMARK_STORE(1);
  HALLMARK_STORE(2);
  HALLMARK_STORE(3);
#undef HALLMARK_LOAD
#undef HALLMARK_STEP
#undef HALLMARK_STORE
}

template <bool kNegate, class T>
void Tiles(const T* a, const T* b, Index count, T* acc, Index stride) {
  if (count == 0) return;  // a and b may be null then
  const auto width = 3 * static_cast<Index>(hn::Lanes(hn::ScalableTag<T>()));
  for (Index r = 0; r < kLanes<T>; r += width)
    for (Index c = 0; c < kStrip; c += kTileColumns) Tile<kNegate>(a + r, b + c, count, acc + c * stride + r, stride);
}

template <class T>
void Accumulate(const T* a, const T* b, Index count, T* acc, Index stride) {
  Tiles<false>(a, b, count, acc, stride);
}
void Subtract(const double* a, const double* b, Index count, double* acc, Index stride) {
  Tiles<true>(a, b, count, acc, stride);
}
template <bool kNegate, class T>
void Column(const T* HWY_RESTRICT a, const T* HWY_RESTRICT b, Index columns, T* HWY_RESTRICT acc) {
  const hn::ScalableTag<T> d;
  const auto n = static_cast<Index>(hn::Lanes(d));
  for (Index r = 0; r < kLanes<T>; r += n) {
    const auto x = hn::LoadU(d, a + r);
    for (Index c = 0; c < columns; ++c) {
      T* y = acc + c * kLanes<T> + r;
      hn::StoreU(Step<kNegate>(x, hn::Set(d, b[c]), hn::LoadU(d, y)), d, y);
    }
  }
}
template <class T>
void MultiplyAdd(const T* HWY_RESTRICT x, T c, T* HWY_RESTRICT y, Index length) {
  const hn::ScalableTag<T> d;
  const auto n = static_cast<Index>(hn::Lanes(d));
  const auto factor = hn::Set(d, c);
  Index i = 0;
  for (; i + n <= length; i += n) hn::StoreU(hn::MulAdd(hn::LoadU(d, x + i), factor, hn::LoadU(d, y + i)), d, y + i);
  for (; i < length; ++i) y[i] = std::fma(x[i], c, y[i]);
}

#endif

void AccumulateF(const float* a, const float* b, Index count, float* acc, Index stride) {
  Accumulate(a, b, count, acc, stride);
}
void AccumulateD(const double* a, const double* b, Index count, double* acc, Index stride) {
  Accumulate(a, b, count, acc, stride);
}
void AccumulateColumn(const float* a, const float* b, Index columns, float* acc) { Column<false>(a, b, columns, acc); }
void SubtractColumn(const double* a, const double* b, Index columns, double* acc) { Column<true>(a, b, columns, acc); }
void MultiplyAddD(const double* x, double c, double* y, Index length) { MultiplyAdd(x, c, y, length); }

}  // namespace hallmark::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hallmark {

HWY_EXPORT(AccumulateF);
HWY_EXPORT(AccumulateD);
HWY_EXPORT(Subtract);
HWY_EXPORT(AccumulateColumn);
HWY_EXPORT(SubtractColumn);
HWY_EXPORT(MultiplyAddD);

void accumulate_strip(const float* a, const float* b, Index count, float* acc, Index stride) {
  HWY_DYNAMIC_DISPATCH(AccumulateF)(a, b, count, acc, stride);
}
void accumulate_strip(const double* a, const double* b, Index count, double* acc, Index stride) {
  HWY_DYNAMIC_DISPATCH(AccumulateD)(a, b, count, acc, stride);
}
void subtract_strip(const double* a, const double* b, Index count, double* acc, Index stride) {
  HWY_DYNAMIC_DISPATCH(Subtract)(a, b, count, acc, stride);
}
void accumulate_column(const float* a, const float* b, Index columns, float* acc) {
  HWY_DYNAMIC_DISPATCH(AccumulateColumn)(a, b, columns, acc);
}
void subtract_column(const double* a, const double* b, Index columns, double* acc) {
  HWY_DYNAMIC_DISPATCH(SubtractColumn)(a, b, columns, acc);
}
void multiply_add(const double* x, double c, double* y, Index length) {
  HWY_DYNAMIC_DISPATCH(MultiplyAddD)(x, c, y, length);
}

template <class T>
void accumulate_strip_ref(const T* a, const T* b, Index count, T* acc, Index stride) {
  for (Index k = 0; k < count; ++k)
    for (Index c = 0; c < kStrip; ++c)
      for (Index r = 0; r < kLanes<T>; ++r)
        acc[c * stride + r] = std::fma(a[k * kLanes<T> + r], b[k * kStrip + c], acc[c * stride + r]);
}
template <class T>
void multiply_add_ref(const T* x, T c, T* y, Index length) {
  for (Index i = 0; i < length; ++i) y[i] = std::fma(x[i], c, y[i]);
}
template void accumulate_strip_ref(const float*, const float*, Index, float*, Index);
template void accumulate_strip_ref(const double*, const double*, Index, double*, Index);
template void multiply_add_ref(const float*, float, float*, Index);
template void multiply_add_ref(const double*, double, double*, Index);

}  // namespace hallmark
#endif
