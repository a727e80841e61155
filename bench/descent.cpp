// Searched codes of one tensor: a sweep of descent, counted 2 rows cols^2, and whole runs beside one GPTQ, counted as
// its operations, so that the ratio of the rates is that of the times.
#include "method/descent.hpp"

#include <cmath>

#include "figures.hpp"
#include "format/trellis.hpp"
#include "layer.hpp"
#include "method/factored.hpp"
#include "method/quantize.hpp"
#include "method/rtn.hpp"
#include "method/trellis.hpp"

namespace hallmark::bench {
namespace {

Options int4(const char* method = "gptq", const char* rule = "absmax") {
  Options options{*Grid::parse("int4s")};
  options.method = method;
  options.scale_rule = rule;
  return options;
}

void sweep(benchmark::State& state, Index n) {
  omp_set_num_threads(omp_get_num_procs());
  const Tensor& t = tensor(n, n);
  const Options options = int4();
  const Steps steps = *checked_steps(t.W, options, std::nullopt);
  const Rounded rtn = round_to_nearest(t.W, options.grid, steps);
  const ScaledGram gram(t.G);
  use_threads(state);
  Descended found;
  for (auto _ : state) found = descend(t.W, options.grid, ScaleStorage::f32, gram, rtn.codes, steps, 1, false);
  for (const Index i : {Index{0}, n - 1}) {
    Matrix<Code> codes = rtn.codes;
    sweep_ref(t.W, options.grid, steps, gram, codes, i);
    if (codes.row(i) != found.rounded.codes.row(i)) state.SkipWithError("wrong codes");
  }
  const auto c = static_cast<double>(n);
  set_work(state, 2 * c * c * c, kFlops);
}

void sweep_by_twin(benchmark::State& state) {
  const Tensor& t = tensor(1024, 1024);
  const Options options = int4();
  const Steps steps = *checked_steps(t.W, options, std::nullopt);
  const Rounded rtn = round_to_nearest(t.W, options.grid, steps);
  const ScaledGram gram(t.G);
  use_threads(state);
  Matrix<Code> codes = rtn.codes;
  for (auto _ : state)
    for (Index i = 0; i < 16; ++i) sweep_ref(t.W, options.grid, steps, gram, codes, i);
  set_work(state, 2.0 * 16 * 1024 * 1024, kFlops);
}

// Trellis codes of 16 rows, or by the twin of one, of 1024 columns: the feedback of 48 paths, counted kTrellisPaths
// cols^2 a row.
void paths(benchmark::State& state, bool twin) {
  const Tensor& t = tensor(1024, 1024);
  Backend cpu;
  const Factored factored = *factor_hessian(1024, t.G, 0.01, false, "W", std::nullopt, cpu);
  const UpperStrips<float> strips(factored.factor.U);
  const Matrix<float> U = factored.factor.U.cast<float>();
  const float s =
      std::sqrt(t.W.squaredNorm() / static_cast<float>(t.W.size())) / static_cast<float>(trellis::kDeviation);
  const auto row = [&](Index i) { return std::span<const float>(t.W.row(i).data(), 1024); };
  const auto plain = [&](Index i) { return trellis_path_ref(row(i), s, 2, factored.order, U, factored.factor.d); };
  const Index rows = twin ? 1 : 16;
  use_threads(state);
  std::vector<TrellisPath> found(16);
  for (auto _ : state) {
    if (twin) found[0] = plain(0);
#pragma omp parallel for schedule(dynamic) if (!twin)
    for (Index i = 0; i < rows; ++i)
      if (!twin)
        found[static_cast<std::size_t>(i)] = trellis_path(row(i), s, 2, factored.order, strips, factored.factor.d);
  }
  if (found[0].codes != plain(0).codes) state.SkipWithError("wrong codes");
  set_work(state, static_cast<double>(rows * kTrellisPaths) * 1024 * 1024, kFlops);
}

void whole(benchmark::State& state, Index n, const Options& options) {
  omp_set_num_threads(omp_get_num_procs());
  const Tensor& t = tensor(n, n);
  use_threads(state);
  const MatrixRef<float> W(t.W);
  const MatrixRef<double> G(t.G);
  for (auto _ : state)
    if (!quantize({"W", W, &G}, options)) state.SkipWithError("no codes");
  const auto c = static_cast<double>(n);
  set_work(state, (2 + 2.0 / 3) * c * c * c, kFlops);
}

}  // namespace

std::vector<Figure> descent_figures(bool large) {
  std::vector<Figure> figures;
  const auto add = [&](const std::string& name, const auto& function, const std::string& limit, double goal,
                       int repetitions) {
    measure(name, function, repetitions);
    figures.push_back({name, name, limit, goal, 0});
  };
  add(
      "descent, sweep of 1024 x 1024", [](benchmark::State& s) { sweep(s, 1024); }, "sgemm 4096", 0, 9);
  measure("sweep, plain twin", sweep_by_twin, 3);
  figures.push_back({"descent, sweep of 1024 x 1024", "descent, sweep of 1024 x 1024", "sweep, plain twin", 0, 1});
  add(
      "trellis, 16 rows of 1024", [](benchmark::State& s) { paths(s, false); }, "sgemm 4096", 0, 3);
  measure(
      "trellis, plain twin", [](benchmark::State& s) { paths(s, true); }, 1);
  figures.push_back({"trellis, 16 rows of 1024", "trellis, 16 rows of 1024", "trellis, plain twin", 0, 1});
  if (!large) return figures;
  add(
      "descent, sweep of 4096 x 4096", [](benchmark::State& s) { sweep(s, 4096); }, "sgemm 4096", 0.5, 3);
  measure(
      "GPTQ to int4s, 4096 x 4096", [](benchmark::State& s) { whole(s, 4096, int4()); }, 3);
  add(
      "search of 14 ratios, 4096 x 4096", [](benchmark::State& s) { whole(s, 4096, int4("gptq", "search")); },
      "GPTQ to int4s, 4096 x 4096", 0.125, 3);
  add(
      "best --effort 3, 4096 x 4096", [](benchmark::State& s) { whole(s, 4096, int4("best")); },
      "GPTQ to int4s, 4096 x 4096", 0.067, 3);
  return figures;
}

}  // namespace hallmark::bench
