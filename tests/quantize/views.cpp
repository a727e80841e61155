// W and G as views of larger buffers, rows apart and off the vectors' alignment, for both methods; and more threads
// than rows.
#include <cmath>
#include <limits>

#include "../linalg/random.hpp"
#include "linalg/gram.hpp"
#include "method/quantize.hpp"
#include "method/rtn.hpp"

namespace views_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

/// M with NaN all around: a row of another length, an entry too far, shows.
template <class T>
struct Surrounded {
  explicit Surrounded(const Matrix<T>& M)
      : all(Matrix<T>::Constant(M.rows() + 2, M.cols() + 5, std::numeric_limits<T>::quiet_NaN())),
        view(all.block(1, 3, M.rows(), M.cols())) {
    view = M;
  }
  Matrix<T> all;
  Eigen::Block<Matrix<T>> view;
};

bool same(const Expected<Quantized>& a, const Expected<Quantized>& b) {
  return a && b && a->codes == b->codes && a->steps.scales == b->steps.scales && a->steps.zeros == b->steps.zeros &&
         a->loss_final == b->loss_final && a->loss_rtn == b->loss_rtn && a->kept_rtn == b->kept_rtn &&
         a->clipped == b->clipped;
}

Options options_for(const char* grid, Index group_size) {
  Options options{*Grid::parse(grid)};
  options.scale_rule = default_scale_rule(options.grid);
  options.group_size = group_size;
  return options;
}

}  // namespace

TEST_CASE("views of larger buffers give what contiguous matrices give") {
  const Matrix<float> W = normal_matrix<float>(51, 37, 91);
  const Matrix<double> G = gram_ref(ar1_activations(60, 37, 0.8, 92));
  const Surrounded<float> w(W);
  const Surrounded<double> g(G);
  for (const Options& options : {options_for("gf16", 0), options_for("int4s", 8), options_for("int4z", 8)}) {
    const auto gptq = quantize_gptq(W, G, options);
    const auto rtn = quantize_rtn(W, options);
    REQUIRE(gptq);
    REQUIRE(rtn);
    CHECK(gptq->codes != rtn->codes);
    for_each_target([&] {
      CHECK(same(quantize_gptq(w.view, g.view, options), gptq));
      CHECK(same(quantize_rtn(w.view, options), rtn));
      CHECK(same(quantize_gptq(Eigen::MatrixXf(W), Eigen::MatrixXd(G), options), gptq));
    });
  }
}

TEST_CASE("rounding to nearest: large enough for threads, and more threads than rows") {
  struct Shape {
    Index rows, columns;
  };
  for (const Shape shape : {Shape{307, 229}, {3, 30011}, {1, 70001}, {70001, 1}}) {
    const Index rows = shape.rows;
    CAPTURE(rows);
    const Matrix<float> W = normal_matrix<float>(rows, shape.columns, 93);
    for (const Options& options : {options_for("gf16", 0), options_for("int4s", 128), options_for("int4z", 128)}) {
      std::optional<Quantized> first;
      for_each_thread_count([&] {
        const auto rounded = quantize_rtn(W, options);
        REQUIRE(rounded);
        for (const Index i : {Index{0}, rows - 1}) {
          const Steps& steps = rounded->steps;
          Steps own{steps.scales.row(i), {}, steps.group_size};
          if (steps.zeros.size() != 0) own.zeros = steps.zeros.row(i);
          const auto alone = quantize_rtn(W.row(i), options, own);
          REQUIRE(alone);
          CHECK((alone->codes == rounded->codes.row(i)));
        }
        if (first) CHECK(rounded->codes == first->codes);
        const Matrix<float> back = dequantize(rounded->codes, rounded->steps, options.grid);
        CHECK((back.cast<double>() == dequantize_f64(rounded->codes, rounded->steps, options.grid)));
        first = *rounded;
      });
    }
  }
}

}  // namespace views_test
