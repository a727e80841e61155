// The shared inner loop: every SIMD target gives the bits of the plain twin.
#include "linalg/strip.hpp"
#include "linalg/transpose.hpp"

#include <vector>

#include "random.hpp"

namespace strip_test {

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
    const Matrix<double> a = normal_matrix<double>(count, kLanes<double>, 4),
                         b = normal_matrix<double>(count, kStrip, 5);
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
      const Matrix<double> x = normal_matrix<double>(1, 70, 7), start = normal_matrix<double>(1, 70, 8);
      Matrix<double> fast = start, slow = start;
      multiply_add(x.data(), 0.3, fast.data(), length);
      multiply_add_ref(x.data(), 0.3, slow.data(), length);
      CHECK(fast == slow);
    }
  });
}

TEST_CASE("one term of any number of columns") {
  for_each_target([] {
    const Matrix<float> a = normal_matrix<float>(1, kLanes<float>, 9), b = normal_matrix<float>(1, kStrip, 10);
    const Matrix<double> A = a.cast<double>().leftCols(kLanes<double>), B = b.cast<double>();
    for (Index columns = 0; columns <= kStrip; ++columns) {
      Matrix<float> fast = normal_matrix<float>(kStrip, kLanes<float>, 11), slow = fast;
      Matrix<double> fast_minus = normal_matrix<double>(kStrip, kLanes<double>, 12), slow_minus = fast_minus;
      accumulate_column(a.data(), b.data(), columns, fast.data());
      subtract_column(A.data(), B.data(), columns, fast_minus.data());
      for (Index c = 0; c < columns; ++c) {
        multiply_add_ref(a.data(), b(0, c), slow.row(c).data(), kLanes<float>);
        multiply_add_ref(A.data(), -B(0, c), slow_minus.row(c).data(), kLanes<double>);
      }
      CHECK(fast == slow);
      CHECK(fast_minus == slow_minus);
    }
  });
}

TEST_CASE("a term is rounded once") {
  // (1 + 2^-12)^2 - 1 - 2^-11 = 2^-24 survives only if the product is not rounded before the addition; in binary64
  // 2^-54 likewise.
  for_each_target([] {
    Matrix<float> x = Matrix<float>::Constant(1, kLanes<float>, 1 + 0x1p-12F),
                  y = Matrix<float>::Constant(1, kLanes<float>, -1 - 0x1p-11F);
    accumulate_column(x.data(), x.data(), 1, y.data());
    CHECK((y.array() == 0x1p-24F).all());
    const double wide = 1 + 0x1p-27;
    double sum = -1 - 0x1p-26;
    multiply_add(&wide, wide, &sum, 1);
    CHECK(sum == 0x1p-54);
  });
}

TEST_CASE("tiles turn, with any remainder, and nothing beside them is touched") {
  for_each_target([] {
    const Matrix<float> from = normal_matrix<float>(50, 19, 13);
    for (const Index rows : {0, 1, 4, 7, 48})
      for (const Index columns : {0, 1, 3, 8, 17}) {
        CAPTURE(rows);
        CAPTURE(columns);
        Matrix<float> fast = normal_matrix<float>(18, 49, 14), slow = fast;
        transpose(from.data(), from.cols(), rows, columns, fast.data(), fast.cols());
        transpose_ref(from.data(), from.cols(), rows, columns, slow.data(), slow.cols());
        CHECK(fast == slow);
        CHECK((rows * columns == 0 || fast(columns - 1, rows - 1) == from(rows - 1, columns - 1)));
        const Matrix<std::int32_t> codes = (1000 * from).cast<std::int32_t>();
        Matrix<std::int32_t> turned = Matrix<std::int32_t>::Zero(18, 49), expected = turned;
        transpose(codes.data(), codes.cols(), rows, columns, turned.data(), turned.cols());
        transpose_ref(codes.data(), codes.cols(), rows, columns, expected.data(), expected.cols());
        CHECK(turned == expected);
      }
  });
}

}  // namespace strip_test
