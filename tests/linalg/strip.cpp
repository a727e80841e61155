// The shared inner loop: every SIMD target gives the bits of the plain twin.
#include "linalg/strip.hpp"

#include <vector>

#include "random.hpp"

using namespace hallmark;
using namespace hallmark::test;

namespace {

template <class T>
void check_accumulate() {
  for (const Index count : {0, 1, 2, 7, 130}) {
    CAPTURE(count);
    const Index stride = kLanes<T> + 3;
    const Matrix<T> a = normal_matrix<T>(count, kLanes<T>, 1), b = normal_matrix<T>(count, kStrip, 2);
    const Matrix<T> start = normal_matrix<T>(kStrip, stride, 3);
    Matrix<T> fast = start, slow = start;
    accumulate_strip(a.data(), b.data(), count, fast.data(), stride);
    accumulate_strip_ref(a.data(), b.data(), count, slow.data(), stride);
    CHECK(fast == slow);
    CHECK((count == 0) == (fast == start));
    CHECK(fast.rightCols(3) == start.rightCols(3));  // nothing beyond the lanes is touched
  }
}

}  // namespace

TEST_CASE("accumulate_strip is its plain twin, bit for bit, on every target") {
  for_each_target([] {
    check_accumulate<float>();
    check_accumulate<double>();
  });
}

TEST_CASE("subtract_strip accumulates the negated lanes") {
  for_each_target([] {
    const Index count = 37;
    const Matrix<double> a = normal_matrix<double>(count, kLanes<double>, 4), b = normal_matrix<double>(count, kStrip, 5);
    Matrix<double> fast = normal_matrix<double>(kStrip, kLanes<double>, 6), slow = fast;
    const Matrix<double> negated = -a;
    subtract_strip(a.data(), b.data(), count, fast.data(), kLanes<double>);
    accumulate_strip_ref(negated.data(), b.data(), count, slow.data(), kLanes<double>);
    CHECK(fast == slow);
  });
}

TEST_CASE("multiply_add handles every length") {
  for_each_target([] {
    for (Index length = 0; length <= 70; ++length) {
      const Matrix<float> x = normal_matrix<float>(1, 70, 7), start = normal_matrix<float>(1, 70, 8);
      Matrix<float> fast = start, slow = start;
      multiply_add(x.data(), 0.3F, fast.data(), length);
      multiply_add_ref(x.data(), 0.3F, slow.data(), length);
      CHECK(fast == slow);
    }
  });
}

TEST_CASE("a term is rounded once") {
  // (1 + 2^-12)^2 - 1 - 2^-11 = 2^-24 survives only if the product is not rounded before the addition.
  for_each_target([] {
    const float x = 1 + 0x1p-12F;
    float y = -1 - 0x1p-11F;
    multiply_add(&x, x, &y, 1);
    CHECK(y == 0x1p-24F);
  });
}
