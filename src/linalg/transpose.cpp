#include "linalg/transpose.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "linalg/transpose.cpp"
#include "base/highway.hpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hallmark::HWY_NAMESPACE {

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
template <class T>
void Turn(const T* from, Index from_stride, Index rows, Index columns, T* to, Index to_stride) {
  transpose_ref(from, from_stride, rows, columns, to, to_stride);
}
#else
namespace hn = hwy::HWY_NAMESPACE;

// Squares of 4 x 4 in four registers; what is left over, entry by entry.
template <class T>
void Turn(const T* HWY_RESTRICT from, Index from_stride, Index rows, Index columns, T* HWY_RESTRICT to,
          Index to_stride) {
  const hn::FixedTag<T, 4> d;
  const hn::Repartition<std::uint64_t, decltype(d)> pairs;
  const Index whole_rows = rows / 4 * 4, whole_columns = columns / 4 * 4;
  for (Index r = 0; r < whole_rows; r += 4)
    for (Index c = 0; c < whole_columns; c += 4) {
      const T* in = from + r * from_stride + c;
      T* out = to + c * to_stride + r;
      const auto a = hn::LoadU(d, in), b = hn::LoadU(d, in + from_stride);
      const auto e = hn::LoadU(d, in + 2 * from_stride), f = hn::LoadU(d, in + 3 * from_stride);
      const auto ab_low = hn::BitCast(pairs, hn::InterleaveLower(d, a, b)),
                 ef_low = hn::BitCast(pairs, hn::InterleaveLower(d, e, f));
      const auto ab_high = hn::BitCast(pairs, hn::InterleaveUpper(d, a, b)),
                 ef_high = hn::BitCast(pairs, hn::InterleaveUpper(d, e, f));
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, ab_low, ef_low)), d, out);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, ab_low, ef_low)), d, out + to_stride);
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, ab_high, ef_high)), d, out + 2 * to_stride);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, ab_high, ef_high)), d, out + 3 * to_stride);
    }
  transpose_ref(from + whole_columns, from_stride, whole_rows, columns - whole_columns, to + whole_columns * to_stride,
                to_stride);
  transpose_ref(from + whole_rows * from_stride, from_stride, rows - whole_rows, columns, to + whole_rows, to_stride);
}
#endif

void TurnF(const float* from, Index from_stride, Index rows, Index columns, float* to, Index to_stride) {
  Turn(from, from_stride, rows, columns, to, to_stride);
}
void TurnI(const std::int32_t* from, Index from_stride, Index rows, Index columns, std::int32_t* to, Index to_stride) {
  Turn(from, from_stride, rows, columns, to, to_stride);
}

}  // namespace hallmark::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hallmark {

HWY_EXPORT(TurnF);
HWY_EXPORT(TurnI);

void transpose(const float* from, Index from_stride, Index rows, Index columns, float* to, Index to_stride) {
  HWY_DYNAMIC_DISPATCH(TurnF)(from, from_stride, rows, columns, to, to_stride);
}
void transpose(const std::int32_t* from, Index from_stride, Index rows, Index columns, std::int32_t* to,
               Index to_stride) {
  HWY_DYNAMIC_DISPATCH(TurnI)(from, from_stride, rows, columns, to, to_stride);
}

}  // namespace hallmark
#endif
