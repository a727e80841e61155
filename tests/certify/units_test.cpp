// The units of every kind of processor come to the verdicts of the plain way, and decode the points of every grid.
#include "certify/unit.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "../linalg/random.hpp"
#include "base/simd.hpp"
#include "certify/contracts.hpp"
#include "certify/row_group.hpp"
#include "linalg/gram.hpp"
#include "method/quantize.hpp"

namespace units_test {

using namespace hallmark;
using namespace hallmark::test;
using contracts::Count;
using contracts::Policy;
using contracts::Report;

namespace {

std::vector<const units::Unit*> units_here() {
  std::vector<const units::Unit*> found{&units::portable};
#if defined(__x86_64__)
  for (const std::string& target : simd_targets()) {
    if (target == "AVX2") found.push_back(&units::avx2);
    if (target == "AVX3") found.push_back(&units::avx512);
  }
#endif
  return found;
}

bool same(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

struct Sample {
  Matrix<float> W;
  Matrix<double> G;
  Options options;
};

Sample layer(const std::string& grid, Index rows, Index cols) {
  Sample t{0.02F * normal_matrix<float>(rows, cols, 5),
           gram_ref(ar1_activations(2 * cols, cols, 0.9, 6)),
           {.grid = *Grid::parse(grid)}};
  t.options.scale_rule = default_scale_rule(t.options.grid);
  return t;
}

// Shows the losses of the proposal times a factor.
struct Scaling : Observer {
  Observer& inner;
  double factor;
  Scaling(Observer& o, double f) : inner(o), factor(f) {}
  void rows(const RecurrenceRows& rows) override { inner.rows(rows); }
  void tensor(const Evidence& evidence) override {
    Quantized result = evidence.result;
    for (Loss& loss : result.enclosed_proposal) loss = {factor * loss.value, factor * loss.lo, factor * loss.hi};
    inner.tensor({evidence.name, evidence.W, evidence.options, result, evidence.rtn, evidence.order, evidence.G,
                  evidence.model, evidence.U, evidence.widened});
  }
};

Report judged(const Sample& t, std::string_view target, double factor = 1) {
  REQUIRE(set_simd_target(target));
  ContractChecker checker(Policy::on);
  Scaling scaling(checker, factor);
  const auto result = t.options.method == "rtn"
                          ? quantize_rtn(t.W, t.options, std::nullopt, "layer", &scaling)
                          : quantize_gptq(t.W, t.G, t.options, std::nullopt, "layer", 64, &scaling);
  REQUIRE(set_simd_target(""));
  REQUIRE(result);
  return checker.report();
}

// One count for each contract, and how many of them exact arithmetic decided: what a certificate says.
void same_counts(const Report& a, const Report& b) {
  REQUIRE(a.counts().size() == b.counts().size());
  for (const auto& [contract, count] : a.counts()) {
    const std::string name(contract);  // clang 14 captures no structured binding
    CAPTURE(name);
    const Count& other = b.counts().find(contract)->second;
    CHECK(count.passed == other.passed);
    CHECK(count.failed == other.failed);
    CHECK(count.by_binary64 + count.by_twice_binary64 == other.by_binary64 + other.by_twice_binary64);
    CHECK(count.by_exact == other.by_exact);
  }
  CHECK(a.exact_rows() == b.exact_rows());
}

}  // namespace

TEST_CASE("every unit decodes every code of every grid") {
  for (const char* name : {"gf16", "bf16", "fp16", "gf:2,1", "gf:4,3", "gf:3,12", "gf:8,1", "int2s", "int4s", "int8s",
                           "int2", "int4", "int8", "int4z", "int8z"}) {
    CAPTURE(name);
    const Grid grid = *Grid::parse(name);
    const GridPoints points(grid);
    const units::PointRule layout = point_rule(grid);
    for (const units::Unit* unit : units_here()) {
      CAPTURE(unit->rows_at_once);
      std::array<std::uint16_t, 16> codes{};
      std::array<float, 16> value{}, below{}, above{};
      std::uint32_t wrong = 0;
      for (std::uint32_t first = 0; first < 1 << 16; first += static_cast<std::uint32_t>(unit->rows_at_once)) {
        for (std::size_t k = 0; k < unit->rows_at_once; ++k) codes[k] = static_cast<std::uint16_t>(first + k);
        unit->points(layout, codes.data(), value.data(), below.data(), above.data());
        for (std::size_t k = 0; k < unit->rows_at_once; ++k) {
          const GridPoints::Entry& entry = points.entry[first + k];
          wrong += !same(value[k], entry.value);
          if (!std::isnan(entry.value)) wrong += !same(below[k], entry.below) || !same(above[k], entry.above);
        }
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("a unit says yes to the nearest code, to ties and to both ends, and to no other code") {
  const Matrix<float> W{{0.5F, -1.5F, 2.5F, 7, -7, 9, -0.25F, 0}, {1, 2, 3, 4, 5, 6, 7, -8}};
  struct Case {
    const char* grid;
    float scale;
    std::int16_t zero;
  };
  for (const Case& c : {Case{"int4s", 1, 0},
                        {"int4", 1, 0},
                        {"int4", -1, 0},
                        {"int4", -0.375F, 0},
                        {"int4z", 1, 8},
                        {"int4z", 0.375F, 8}}) {
    CAPTURE(c.grid);
    CAPTURE(c.scale);
    const Grid grid = *Grid::parse(c.grid);
    const Matrix<float> scaled = c.scale * W;  // exact; the points are -7 .. 7 of the first grid, and -8 of the others
    Matrix<Code> right(2, 8);
    for (Index i = 0; i < 16; ++i) right.data()[i] = grid.nearest(scaled.data()[i], {c.scale, c.zero});
    CHECK(grid.value(right(0, 2), c.zero) == 2);
    const float scales[] = {c.scale, c.scale};
    const std::int16_t zeros[] = {c.zero, c.zero};
    for (const bool binary32 : {true, false})
      for (const units::Unit* unit : units_here()) {
        CAPTURE(binary32);
        const auto verdict = [&](const Matrix<Code>& codes) {
          units::Tensor tensor{};
          tensor.cols = 8;
          tensor.W = scaled.data();
          tensor.W_stride = 8;
          tensor.codes = codes.data();
          tensor.scales = scales;
          tensor.zeros = grid.spec().zero_points ? zeros : nullptr;
          tensor.either_sign = c.scale < 0;
          tensor.groups = 1;
          tensor.points = point_rule(grid);
          tensor.absolute = 0.5;
          tensor.binary32 = binary32;
          std::vector<std::int32_t> row(unit->rows_at_once, 1);
          row[0] = 0;
          std::vector<double> work(unit->work_bytes(8) / sizeof(double) + 1);
          return unit->rows(tensor, {row.data(), nullptr, 0, nullptr, nullptr}, work.data()).nearest & 3;
        };
        CHECK(verdict(right) == 3);
        for (Index j = 0; j < 8; ++j)
          for (const int step : {-1, 1}) {
            Matrix<Code> wrong = right;
            wrong(0, j) = static_cast<Code>(wrong(0, j) + step);
            const bool tie = j < 3 && step == 1;  // ties on the other side
            CHECK(verdict(wrong) == (tie ? 3U : 2U));
          }
      }
  }
}

TEST_CASE("a unit holds the rows of a Gram matrix to their bound") {
  const Sample t = layer("gf16", 1, 19);
  for (const units::Unit* unit : units_here()) {
    Vector<double> diagonal = t.G.diagonal();
    CHECK(unit->gram_row(t.G.data(), diagonal.data(), 19, -20, 38));
    for (Index j = 1; j < 19; ++j) {
      Vector<double> row = t.G.row(0);
      row[j] = 1.001 * std::sqrt(diagonal[0] * diagonal[j]);
      CHECK_FALSE(unit->gram_row(row.data(), diagonal.data(), 19, -20, 38));
    }
  }
}

TEST_CASE("every target counts as the plain way does") {
  for (const std::string grid : {"gf16", "gf:4,3", "int4s", "int4", "int4z", "int8z", "lloyd:4"}) {
    CAPTURE(grid);
    for (int variant = 0; variant < 5; ++variant) {
      CAPTURE(variant);
      Sample t = layer(grid, 53, 67);
      if (variant == 1) t.options.desc_act = true;
      if (variant == 2 && !t.options.grid.is_golden()) t.options.group_size = 24;
      if (variant == 3) t.options.guard = false;
      if (variant == 3) t.G.row(3).setZero(), t.G.col(3).setZero();
      if (variant == 4) t.options.method = "rtn";
      if (variant == 4) t.W = (t.W * 1024).array().round() / 1024;  // ties
      const Report plain = judged(t, "reference");
      CHECK(plain.failed() == 0);
      for (const std::string& target : simd_targets()) {
        CAPTURE(target);
        same_counts(plain, judged(t, target));
      }
    }
  }
}

TEST_CASE("where losses reach their bounds, and beyond, every target doubts what the plain way doubts") {
  for (const std::string grid : {"gf16", "int4s"}) {
    CAPTURE(grid);
    Sample t = layer(grid, 33, 67);
    t.options.guard = false;
    std::int64_t some = 0, all = 0;
    for (double factor = 2.5; factor < 14; factor *= 1.09) {
      CAPTURE(factor);
      const Report plain = judged(t, "reference", factor);
      const Count& count = plain.counts().find("gptq_bound_emitted")->second;
      const std::int64_t doubted = count.by_exact + count.failed;
      some += doubted > 0 && doubted < 33;
      all += doubted == 33;
      for (const std::string& target : simd_targets()) same_counts(plain, judged(t, target, factor));
    }
    CHECK(some > 0);
    CHECK(all > 0);
  }
}

TEST_CASE("numbers of extreme size are left to the enclosures, not decided wrongly") {
  for (const double size : {0x1p-300, 0x1p-60, 0x1p60, 0x1p300}) {
    CAPTURE(size);
    Sample t = layer("gf16", 9, 33);
    t.G *= size;
    const Report plain = judged(t, "reference");
    CHECK(plain.failed() == 0);
    for (const std::string& target : simd_targets()) same_counts(plain, judged(t, target));
  }
}

}  // namespace units_test
