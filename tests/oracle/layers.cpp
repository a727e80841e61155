// Whole layers as the production path rounds them, judged element by element; and one fault each, found where it is.
#include <doctest/doctest.h>

#include <cmath>

#include "../linalg/random.hpp"
#include "linalg/gram.hpp"
#include "oracle/exact_recurrence.hpp"
#include "method/evidence.hpp"
#include "method/quantize.hpp"

namespace layers_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

// Judges every row that quantize_gptq shows; where a row is to be spoiled, one number of it first.
struct Judge : Observer {
  Index spoiled_row = -1, spoiled_position = 0;
  oracle::Fault planted = oracle::Fault::nearest;
  Index seen = 0, clipped = 0;
  double largest_ratio = 0;
  std::vector<std::pair<Index, oracle::Offence>> offences;

  void rows(const RecurrenceRows& shown) override {
    const auto n = at(shown.U.columns());
    std::vector<float> U(n * n, 0.0F);
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t j = k; j < n; ++j)
        U[k * n + j] = shown.U.strip(static_cast<Index>(j) / kStrip)[k * kStrip + j % kStrip];
    const oracle::ExactRecurrence recurrence(U, n);
    const oracle::ExactGrid exact = oracle::ExactGrid::of(shown.target.grid.spec());
    for (Index r = 0; r < shown.count; ++r) {
      const Index row = shown.first + r;
      std::vector<float> w, s, u;
      std::vector<int> z;
      std::vector<oracle::Code> codes;
      for (std::size_t p = 0; p < n; ++p) {
        const Index column = shown.target.order[p];
        w.push_back(shown.target.W(row, column));
        s.push_back(shown.target.steps.scale(row, column));
        z.push_back(shown.target.steps.zero(row, column));
        u.push_back(shown.u[static_cast<Index>(p) * kLanes<float> + r]);
        codes.push_back(shown.codes(row, column));
      }
      if (row == spoiled_row) {
        const std::size_t p = at(spoiled_position);
        if (planted == oracle::Fault::nearest) codes[p] = static_cast<oracle::Code>(codes[p] ^ 1);
        else u[p] = std::nextafter(u[p] + 0x1p-12F * std::fabs(s[p]), 1e9F);
      }
      const oracle::RowVerdict verdict = recurrence.judge(exact, w, s, z, codes, u);
#pragma omp critical
      {
        ++seen;
        clipped += static_cast<Index>(verdict.clipped);
        largest_ratio = std::max(largest_ratio, verdict.largest_ratio);
        if (verdict.offence) offences.emplace_back(row, *verdict.offence);
      }
    }
  }
  void tensor(const Evidence&) override {}
};

struct Shape {
  const char* grid;
  Index rows, columns, tokens, group_size;
  bool desc_act;
};

Index run(const Shape& layer, Judge& judge) {
  Options options{*Grid::parse(layer.grid)};
  options.scale_rule = default_scale_rule(options.grid);
  options.group_size = layer.group_size;
  options.desc_act = layer.desc_act;
  options.guard = false;  // so that the clipped codes are those of the recurrence
  const Matrix<double> G = gram_ref(ar1_activations(layer.tokens, layer.columns, 0.8, 61));
  const auto result = quantize_gptq(normal_matrix<float>(layer.rows, layer.columns, 62), G, options, std::nullopt,
                                    "layer", std::nullopt, &judge);
  REQUIRE(result);
  return result->clipped;
}

}  // namespace

TEST_CASE("every element of a layer is decided, and holds") {
  Index clipped = 0;
  for (const Shape& layer : {Shape{"gf16", 50, 96, 200, 0, false}, Shape{"int4s", 49, 131, 90, 32, true},
                             Shape{"int2s", 17, 40, 60, 0, true}, Shape{"int4", 33, 60, 90, 16, true},
                             Shape{"int2", 17, 40, 60, 0, true}, Shape{"int4z", 33, 60, 90, 16, true},
                             Shape{"lloyd:4", 20, 50, 70, 0, true}, Shape{"nf4", 20, 50, 70, 8, false}}) {
    CAPTURE(layer.grid);
    Judge judge;
    CHECK(run(layer, judge) == judge.clipped);
    clipped += judge.clipped;
    CHECK(judge.seen == layer.rows);
    CHECK(judge.offences.empty());
    CHECK(judge.largest_ratio > 0.05);  // delta is a bound of the right size
    CHECK(judge.largest_ratio <= 1);
  }
  CHECK(clipped > 0);
}

TEST_CASE("one wrong code or one wrong weight is found, in its row and column") {
  for (const auto planted : {oracle::Fault::nearest, oracle::Fault::distance})
    for (const char* grid : {"int8s", "int8", "int8z", "lloyd:4"})
      for (const Index position : {0, 37, 63}) {
        CAPTURE(grid);
        Judge judge;
        judge.spoiled_row = 11;
        judge.spoiled_position = position;
        judge.planted = planted;
        run({grid, 20, 64, 100, 0, false}, judge);
        REQUIRE(judge.offences.size() == 1);
        CHECK(judge.offences[0].first == 11);
        CHECK(judge.offences[0].second.position == at(position));
        CHECK(judge.offences[0].second.fault == planted);
      }
}

}  // namespace layers_test
