// The programs of the CUDA library on the host: rounding against Grid, the codec, the fixtures that the oracle made,
// overflow, and a device that fails at any of its calls. (tests/quantize/digests.cpp compares whole layers.)
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "../fixtures/fixture.hpp"
#include "../linalg/random.hpp"
#include "../quantize/layers.hpp"
#include "executors.hpp"
#include "format/golden_float.hpp"
#include "method/rtn.hpp"

namespace host_programs_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

template <class T>
Matrix<T> matrix(const std::vector<T>& values, std::size_t rows) {
  return Eigen::Map<const Matrix<T>>(values.data(), static_cast<Index>(rows), static_cast<Index>(values.size() / rows));
}

cuda::EngineBackend backend() { return backend_of(cuda::HostExecutor(), Index{1} << 20, 16); }

}  // namespace

TEST_CASE("rounding equals Grid's at and beside every midpoint") {
  for (const char* name :
       {"gf16", "bf16", "fp16", "gf:2,1", "gf:8,1", "gf:2,12", "gf:4,3", "int2s",   "int4s",   "int8s",
        "int2", "int4", "int8", "int2z",  "int4z",  "int8z",   "nf4",    "lloyd:2", "lloyd:3", "lloyd:4"}) {
    CAPTURE(name);
    const Grid grid = *Grid::parse(name);
    const GridSpec& spec = grid.spec();
    const auto points = cuda::device_grid(grid);
    REQUIRE(points);
    std::vector<Code> codes;
    for (unsigned c = 0; c < 65536; ++c)
      if (grid.contains(static_cast<Code>(c))) codes.push_back(static_cast<Code>(c));
    std::size_t wrong = 0;
    for (const float size : {1.0F, 1367.0F / 1024, 0x1p-149F, 3e38F})
      for (const float s : {size, -size})
        for (const int zero : {0, 1, spec.last / 2 + 1, spec.last}) {
          if (!grid.takes_scale(s) || !grid.takes_zero(zero)) continue;
          const auto look = [&](double x) {
            for (const double y : {x, std::nextafter(x, 1e308), std::nextafter(x, -1e308)})
              for (const double z : {y, -y})
                wrong += points->nearest(z, {s, zero}) != grid.nearest(z, {s, zero}) ||
                         points->clipped(z, {s, zero}) != grid.clipped(z, {s, zero});
          };
          for (const Code code : codes) {
            const double g = grid.value(code, zero);
            wrong += std::bit_cast<std::uint64_t>(points->value(code, zero)) != std::bit_cast<std::uint64_t>(g);
            const auto after = static_cast<Code>(code + 1);
            look(s * g);
            if (grid.contains(after)) look(s * ((g + grid.value(after, zero)) / 2));
          }
          for (const double end : {static_cast<double>(spec.first - zero), static_cast<double>(spec.last - zero)})
            for (const double beyond : {-0.5, 0.5}) look(s * (end + beyond));
          for (const double x :
               {s * spec.largest, s * (spec.largest + 0.5), 1e300, std::numeric_limits<double>::infinity(), 0.0})
            look(x);
          const double nan = std::numeric_limits<double>::quiet_NaN();
          wrong += points->nearest(nan, {s, zero}) != grid.nearest(nan, {s, zero}) || !points->clipped(nan, {s, zero});
        }
    CHECK(wrong == 0);
  }
  CHECK(cuda::device_grid(*Grid::table("three", {-1, 0, 1})));
  std::vector<float> many(17);
  for (std::size_t k = 0; k < many.size(); ++k) many[k] = static_cast<float>(k);
  CHECK(!cuda::device_grid(*Grid::table("seventeen", many)));
}

TEST_CASE("tables, and tables that stay on the CPU, give the CPU's codes and losses") {
  std::vector<float> many(40);
  for (std::size_t k = 0; k < many.size(); ++k) many[k] = static_cast<float>(k * k) - 300;
  const Matrix<float> W = normal_matrix<float>(40, 25, 21);
  const Matrix<double> G = gram_ref(ar1_activations(50, 25, 0.8, 22));
  for (const Grid& grid :
       {*Grid::table("many", many), *Grid::table("far apart", {-0x1.001p30F, 0.5F, 1.0F, 0x1.ffep29F}),
        *Grid::parse("int4"), *Grid::parse("int4z"), *Grid::parse("nf4"), *Grid::parse("lloyd:4")})
    for (const Index group_size : {0, 8}) {
      CAPTURE(grid.name());
      Options options{grid};
      options.group_size = group_size;
      auto run = backend();
      const auto here = quantize_gptq(W, G, options),
                 there = quantize_gptq(W, G, options, std::nullopt, "w", std::nullopt, nullptr, &run);
      REQUIRE(here);
      REQUIRE(there);
      CHECK(here->codes == there->codes);
      CHECK(here->clipped == there->clipped);
      CHECK(here->kept_rtn == there->kept_rtn);
      CHECK(here->loss_final == there->loss_final);
      CHECK(here->loss_rtn == there->loss_rtn);
    }
}

TEST_CASE("the codec of arrays") {
  auto run = backend();
  std::vector<std::uint16_t> words(65536), codes(words.size());
  for (std::size_t w = 0; w < words.size(); ++w) words[w] = static_cast<std::uint16_t>(w);
  std::vector<float> values(words.size());
  REQUIRE(run.engine().decode(words, values));
  REQUIRE(run.engine().encode(values, codes));
  std::size_t wrong = 0;
  for (std::size_t w = 0; w < words.size(); ++w) {
    wrong += std::bit_cast<std::uint32_t>(values[w]) != std::bit_cast<std::uint32_t>(GF16::decode(words[w]));
    wrong += codes[w] != (GF16::is_nan(words[w]) ? GF16::nan : words[w]);
  }
  CHECK(wrong == 0);
  for (std::size_t count = 0; count < 10; ++count) {  // the elements that fill no thread
    std::vector<std::uint16_t> some(10, 0xABCD);
    REQUIRE(run.engine().encode(std::span(values).subspan(100, count), std::span(some).first(count)));
    for (std::size_t i = 0; i < some.size(); ++i) CHECK(some[i] == (i < count ? words[100 + i] : 0xABCD));
    std::vector<float> again(10, -1);
    REQUIRE(run.engine().decode(std::span(words).subspan(100, count), std::span(again).first(count)));
    for (std::size_t i = 0; i < again.size(); ++i) CHECK(again[i] == (i < count ? values[100 + i] : -1));
  }
  const Status unequal = run.engine().encode(values, std::span(codes).first(3));
  REQUIRE(!unequal);
  CHECK(unequal.error().number == 112);
}

TEST_CASE("the fixtures: Gram matrix, factor, u, codes, clipped counts and what the guard keeps") {
  std::size_t count = 0;
  for (const Fixture& f : read_fixtures()) {
    CAPTURE(f.name);
    ++count;
    auto run = backend();
    const Matrix<float> W = matrix(f.W, f.rows), X = matrix(f.X, f.tokens);
    cuda::EngineGram sum(run.engine(), X.cols());
    add_in_chunks(X, 3, [&](MatrixRef<float> part) { return sum.add(part); });
    const auto G = sum.gram();
    REQUIRE(G);
    CHECK(*G == matrix(f.G, f.columns));

    Options options{f.grid == "codebook" ? *Grid::table("fixture", f.codebook) : *Grid::parse(f.grid + "/1")};
    options.scale_rule = f.scale_rule;
    options.group_size = static_cast<Index>(f.group_size);
    options.damp_fraction = f.damp_percent;
    options.desc_act = f.desc_act;
    const auto given =
        f.scale_rule == "given" ? std::optional(Steps{matrix(f.scales, f.rows), {}, options.group_size}) : std::nullopt;

    class Look final : public Observer {
     public:
      explicit Look(const Fixture& fixture) : f_(fixture) {}
      void rows(const RecurrenceRows& r) override {
        for (Index i = 0; i < r.count; ++i) {
          ++seen;
          const FixtureRow& row = f_.gptq[static_cast<std::size_t>(r.first + i)];
          for (Index p = 0; p < r.U.columns(); ++p) {
            CHECK(r.u[p * kLanes<float> + i] == row.u[static_cast<std::size_t>(p)]);
            CHECK(r.d[p] == f_.d[static_cast<std::size_t>(p)]);
            for (Index k = 0; k <= p; ++k)
              CHECK(r.U.strip(p / kStrip)[k * kStrip + p % kStrip] ==
                    f_.U[static_cast<std::size_t>(k * r.U.columns() + p)]);
          }
          for (std::size_t j = 0; j < f_.columns; ++j)
            CHECK(r.codes(r.first + i, static_cast<Index>(j)) == row.codes[j]);
        }
      }
      void tensor(const Evidence&) override {}
      Index seen = 0;

     private:
      const Fixture& f_;
    } look(f);
    const auto result = quantize_gptq(W, *G, options, given, f.name, std::nullopt, &look, &run);
    REQUIRE(result);
    CHECK(look.seen == W.rows());
    Index clipped = 0;
    for (std::size_t i = 0; i < f.rows; ++i) {
      CHECK((result->kept_rtn[i] != 0) == f.kept_rtn[i]);
      clipped += (f.kept_rtn[i] ? f.rtn : f.gptq)[i].clipped;
    }
    CHECK(result->clipped == clipped);
  }
  CHECK(count >= 15);
}

TEST_CASE("a failing pivot and an overflow are found where the CPU finds them") {
  auto run = backend();
  Matrix<double> H = Matrix<double>::Identity(70, 70), C = H;
  H(30, 30) = C(30, 30) = -1;
  H(5, 5) = C(5, 5) = 0;
  Vector<double> d, e;
  const auto pivot = run.factor(H, d);
  REQUIRE(pivot);
  REQUIRE(*pivot);
  const auto expected = factor_udu_in_place(C, e);
  CHECK((*pivot)->pivot == expected->pivot);
  CHECK((*pivot)->value == expected->value);

  // e of the first column is about 2^127; U has an entry of 4.
  Matrix<float> W(3, 3), U(3, 3);
  W << 1, 1, 1, 1, 0x1p127F, 1, 0x1p127F, 1, 1;
  U << 1, 4, 0, 0, 1, 4, 0, 0, 1;
  const Steps steps{Matrix<float>::Ones(3, 1)};
  const std::vector<Index> order{0, 2, 1};
  const Grid grid = *Grid::parse("int4s");
  const MatrixRef<float> view(W);
  const Target target{view, grid, steps, order};
  Rounded rounded = round_to_nearest(W, grid, steps), plain = rounded;
  std::vector<Index> shown;
  const auto overflow = run.recurrence(
      target, UpperStrips<float>(U), 8, rounded, [&](Index first, Index, const float*) { shown.push_back(first); },
      nullptr);
  const auto same = run_recurrence(target, UpperStrips<float>(U), 8, plain);
  REQUIRE(overflow);
  REQUIRE(*overflow);
  REQUIRE(same);
  CHECK((*overflow)->row == same->row);
  CHECK((*overflow)->column == same->column);
  CHECK(shown.empty());  // all rows are in one block of lanes

  Matrix<float> X = Matrix<float>::Ones(2, 3);
  X(1, 2) = std::numeric_limits<float>::infinity();
  cuda::EngineGram gram(run.engine(), 3);
  const Status bad = gram.add(X);
  REQUIRE(!bad);
  CHECK(bad.error().number == 325);
}

TEST_CASE("a Gram matrix in chunks of tokens has the bits of the plain loops, and goes on after it was read") {
  auto run = backend();
  const Matrix<float> X = ar1_activations(90, 19, 0.8, 23);
  for (const Index chunk : {1, 40, 45, 90}) {
    CAPTURE(chunk);
    cuda::EngineGram sum(run.engine(), X.cols(), chunk);
    for (const Index first : {0, 30, 60}) {
      REQUIRE(sum.add(X.middleRows(first, 30)));
      CHECK(*sum.gram() == gram_ref(X.topRows(first + 30), chunk));
    }
  }
}

TEST_CASE("the sums behind the binary32 enclosures, bit for bit") {
  const test::Layer layer = layers()[3];
  const Matrix<double> G = gram_ref(layer.X);
  auto run = backend();
  Matrix<double> H = 2 * G;
  H.diagonal().array() += 1;
  const Vector<double> diagonal = H.diagonal(), twice = 2 * G.diagonal();
  const auto factor = factor_udu(H);
  REQUIRE(factor);
  const LossModel model = loss_model(*factor, diagonal, twice);
  const UpperStrips<float> U(factor->U);
  std::vector<Index> order(static_cast<std::size_t>(layer.W.cols()));
  for (std::size_t p = 0; p < order.size(); ++p) order[p] = static_cast<Index>(p);
  const Steps steps{Matrix<float>::Ones(layer.W.rows(), 1)};
  const MatrixRef<float> W(layer.W);
  const Target target{W, layer.options.grid, steps, order};
  Rounded rounded = round_to_nearest(W, layer.options.grid, steps), plain = rounded;
  std::vector<LossSums> sums, expected;
  const RowSums here{model, sums}, there{model, expected};
  REQUIRE(run.recurrence(target, U, 16, rounded, nullptr, &here));
  REQUIRE(!run_recurrence(target, U, 16, plain, nullptr, &there));
  REQUIRE(sums.size() == expected.size());
  for (std::size_t i = 0; i < sums.size(); ++i) {
    CHECK(sums[i].squares == expected[i].squares);
    CHECK(sums[i].size == expected[i].size);
    CHECK(sums[i].excess == expected[i].excess);
  }
}

TEST_CASE("a device that fails at any of its calls gives its error and no result") {
  const test::Layer layer = layers()[4];
  const Matrix<double> G = gram_ref(layer.X);
  int failures = 0;
  for (int calls = 1;; ++calls) {
    auto broken = backend_of(FailingExecutor(calls), 20 * layer.W.cols(), 32);
    const auto result =
        quantize_gptq(layer.W, G, layer.options, std::nullopt, layer.name, std::nullopt, nullptr, &broken);
    if (result) break;
    ++failures;
    REQUIRE(result.error().number == 1303);
  }
  CHECK(failures > 30);  // factorization, recurrence and both rounds of losses
}

}  // namespace host_programs_test
