#include "method/loss_sums.hpp"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "method/loss_sums.cpp"
#include "base/highway.hpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hallmark::HWY_NAMESPACE {

// Adds and returns true, or leaves it to the plain twin.
#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
bool AddColumns(const LossWeights&, Index, Index, const float*, const float*, double*, double*, double*) {
  return false;
}
#else
namespace hn = hwy::HWY_NAMESPACE;

bool AddColumns(const LossWeights& weights, Index begin, Index columns, const float* e, const float* t, double* squares,
                double* size, double* excess) {
  const hn::ScalableTag<double> dd;
  const hn::Rebind<float, decltype(dd)> df;
  const auto n = static_cast<Index>(hn::Lanes(dd));
  for (Index r = 0; r < kLanes<float>; r += n) {
    auto a = hn::Load(dd, squares + r), b = hn::Load(dd, size + r), c = hn::Load(dd, excess + r);
    for (Index k = 0; k < columns; ++k) {
      const auto product = hn::PromoteTo(dd, hn::LoadU(df, t + k * kLanes<float> + r));
      const auto error = hn::Abs(hn::PromoteTo(dd, hn::LoadU(df, e + k * kLanes<float> + r)));
      a = hn::MulAdd(hn::Mul(hn::Set(dd, weights.d[begin + k]), product), product, a);
      b = hn::MulAdd(error, hn::Set(dd, weights.root[begin + k]), b);
      c = hn::MulAdd(hn::Mul(hn::Set(dd, weights.excess[begin + k]), error), error, c);
    }
    hn::Store(a, dd, squares + r);
    hn::Store(b, dd, size + r);
    hn::Store(c, dd, excess + r);
  }
  return true;
}
#endif

}  // namespace hallmark::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hallmark {

HWY_EXPORT(AddColumns);

void LossLanes::add(const LossWeights& weights, Index begin, Index columns, const float* e, const float* t) {
  if (!HWY_DYNAMIC_DISPATCH(AddColumns)(weights, begin, columns, e, t, squares_.data(), size_.data(), excess_.data()))
    add_ref(weights, begin, columns, e, t);
}

void LossLanes::add_ref(const LossWeights& weights, Index begin, Index columns, const float* e, const float* t) {
  for (std::size_t r = 0; r < squares_.size(); ++r)
    for (Index k = 0; k < columns; ++k) {
      const std::size_t at = static_cast<std::size_t>(k * kLanes<float>) + r;
      const double product = t[at], error = std::fabs(static_cast<double>(e[at]));
      squares_[r] = std::fma(weights.d[begin + k] * product, product, squares_[r]);
      size_[r] = std::fma(error, weights.root[begin + k], size_[r]);
      excess_[r] = std::fma(weights.excess[begin + k] * error, error, excess_[r]);
    }
}

}  // namespace hallmark
#endif
