// Round to nearest and back: the codes are the grid's nearest points, and dequantized numbers are exact.
#include "method/quantize.hpp"
#include "method/rtn.hpp"

#include "../linalg/random.hpp"

namespace rtn_test {

using namespace hallmark;
using namespace hallmark::test;

TEST_CASE("every code is the grid's nearest point under the scale of its row and group") {
  for (const char* name : {"gf16", "int4s", "gf:4,3", "int4", "int4z", "nf4", "lloyd:4"})
    for (const Index group_size : {0, 7}) {
      CAPTURE(name);
      const Matrix<float> W = normal_matrix<float>(9, 60, 91);
      Options options{*Grid::parse(name)};
      options.scale_rule = default_scale_rule(options.grid);
      options.group_size = group_size;
      for_each_target([&] {
        const auto result = quantize_rtn(W, options);
        REQUIRE(result);
        Index clipped = 0;
        for (Index i = 0; i < W.rows(); ++i)
          for (Index j = 0; j < W.cols(); ++j) {
            const Step s = result->steps.at(i, j);
            CHECK(result->codes(i, j) == options.grid.nearest(W(i, j), s));
            clipped += options.grid.clipped(W(i, j), s);
          }
        CHECK(result->clipped == clipped);
        CHECK(result->loss_rtn.empty());
      });
    }
}

TEST_CASE("dequantized numbers are s g exactly, and round to their own codes") {
  const Matrix<float> W = normal_matrix<float>(20, 30, 92);
  for (const char* name : {"gf16", "int8s", "int4", "int4z", "nf4", "lloyd:4"}) {
    CAPTURE(name);
    Options options{*Grid::parse(name)};
    options.scale_rule = default_scale_rule(options.grid);
    const auto result = quantize_rtn(W, options);
    REQUIRE(result);
    const Matrix<float> points = dequantize(result->codes, result->steps, options.grid);
    CHECK(points.cast<double>() == dequantize_f64(result->codes, result->steps, options.grid));
    CHECK(points != W);
    CHECK(quantize_rtn(points, options, result->steps)->codes == result->codes);
  }
}

TEST_CASE("GF16 is dequantized by rows on every target, groups and codes outside the grid included") {
  const Grid grid = *Grid::parse("gf16");
  const Matrix<float> W = normal_matrix<float>(3, 50, 93);
  for (const Index group_size : {0, 7}) {
    Steps steps{normal_matrix<float>(3, groups_of(50, group_size), 94).cwiseAbs(), {}, group_size};
    for (float& s : steps.scales.reshaped()) s = round_up(s, 11);
    Matrix<Code> codes = round_to_nearest(W, grid, steps).codes;
    codes(1, 9) = 0x7E00;  // infinity: no point of the grid
    codes(2, 3) = 0x7E01;
    for_each_target([&] {
      const Matrix<float> points = dequantize(codes, steps, grid);
      for (Index i = 0; i < 3; ++i)
        for (Index j = 0; j < 50; ++j) {
          const double expected = static_cast<double>(steps.scale(i, j)) * grid.value(codes(i, j));
          if (!grid.contains(codes(i, j))) CHECK(std::isnan(points(i, j)));
          else CHECK(static_cast<double>(points(i, j)) == expected);
        }
    });
  }
}

TEST_CASE("a weight of -0 is read as +0") {
  Options options{*Grid::parse("gf16")};
  Matrix<float> W(1, 2);
  W << -0.0F, 1.0F;
  CHECK(quantize_rtn(W, options)->codes(0, 0) == 0x0000);
}

}  // namespace rtn_test
