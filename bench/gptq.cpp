// GPTQ of one tensor, factorization and all. Counted are, in binary32 operations, rows cols^2 for the recurrence, the
// same for the guard's residual of RTN, and (2/3) cols^3 for the factorization's cols^3/3 in binary64.
#include <fmt/format.h>

#include "certify/contracts.hpp"
#include "figures.hpp"
#include "layer.hpp"
#include "linalg/factor.hpp"
#include "linalg/hessian.hpp"
#include "method/factored.hpp"
#include "method/quantize.hpp"
#include "method/rtn.hpp"
#include "method/recurrence.hpp"

namespace hallmark::bench {
namespace {

Options options(bool guard) {
  Options o{*Grid::parse("gf16")};
  o.guard = guard;
  return o;
}

// The first and last rows by the plain recurrence; under the guard a row may be RTN's.
bool right(const Tensor& t, const Quantized& result) {
  Matrix<double> H = hessian(t.G, result.lambda);
  const auto factor = factor_udu(std::move(H));
  if (!factor) return false;
  const std::vector<Index> order = processing_order(t.G, result.lambda, false);
  const Matrix<float> U = factor->U.cast<float>();
  for (const Index i : {Index{0}, t.W.rows() - 1}) {
    const Matrix<float> w = t.W.row(i);
    const Steps steps{result.steps.scales.row(i)};
    const MatrixRef<float> W(w);
    const Options o = options(false);
    Rounded rounded = round_to_nearest(W, o.grid, steps);
    if (result.kept_rtn[static_cast<std::size_t>(i)] == 0) run_recurrence_ref({W, o.grid, steps, order}, U, rounded);
    if (rounded.codes.row(0) != result.codes.row(i)) return false;
  }
  return true;
}

enum class Mode { contracts, guarded, unguarded };  // contracts: guarded, and rung 2 evaluated on every tensor

void gptq(benchmark::State& state, Index rows, Index cols, Mode mode) {
  const bool guard = mode != Mode::unguarded;
  omp_set_num_threads(omp_get_num_procs());
  const Tensor& t = tensor(rows, cols);
  use_threads(state);
  Expected<Quantized> result = Error{};
  ContractChecker contracts(contracts::Policy::on);
  Observer* observer = mode == Mode::contracts ? &contracts : nullptr;
  for (auto _ : state) result = quantize_gptq(t.W, t.G, options(guard), std::nullopt, "W", std::nullopt, observer);
  if (!contracts.report().status()) state.SkipWithError("a contract does not hold");
  if (!result || !right(t, *result)) {
    state.SkipWithError("wrong codes");
    return;
  }
  const auto r = static_cast<double>(rows), c = static_cast<double>(cols);
  set_work(state, (guard ? 2 : 1) * r * c * c + 2 * c * c * c / 3, kFlops);
  state.counters["exact_rows"] = static_cast<double>(result->exact_rows);
}

void rtn(benchmark::State& state) {
  const Tensor& t = tensor(4096, 4096);
  use_threads(state);
  for (auto _ : state) benchmark::DoNotOptimize(quantize_rtn(t.W, options(false)));
  set_work(state, 6.0 * 4096 * 4096, kBytes);
}

}  // namespace

std::vector<Figure> gptq_figures(bool large) {
  struct Size {
    Index rows, cols;
    double contracts, unguarded;  // goals
  };
  const std::vector<Size> sizes{{4096, 4096, 0.6, 0.65}, {1024, 1024, 0.45, 0.45}, {2048, 512, 0.45, 0.45}};
  std::vector<Figure> figures;
  const auto add = [&](const Size& s, Mode mode, const char* suffix, double goal) {
    const std::string name = fmt::format("GPTQ {} x {}{}", s.rows, s.cols, suffix);
    measure(
        name, [s, mode](benchmark::State& state) { gptq(state, s.rows, s.cols, mode); }, s.rows > 4096 ? 3 : 9);
    figures.push_back({name, name, "sgemm 4096", goal, 0, true});
    return name;
  };
  for (const Size& s : sizes) {
    const std::string with = add(s, Mode::contracts, ", contracts", s.contracts),
                      without = add(s, Mode::guarded, "", 0);
    add(s, Mode::unguarded, " --no-guard", s.unguarded);
    figures.push_back({fmt::format("cost of the contracts, {} x {}", s.rows, s.cols), with, without, 0.83, 0});  // 20 %
  }
  if (large)
    for (const Mode mode : {Mode::guarded, Mode::unguarded}) {
      const char* suffix = mode == Mode::guarded ? "" : " --no-guard";
      const std::string name = add({8192, 8192, 0, 0}, mode, suffix, 0);
      figures.push_back({name, name, fmt::format("GPTQ 4096 x 4096{}", suffix), 0.9, 0});
    }
  measure("RTN 4096 x 4096", rtn);
  figures.push_back({"RTN 4096 x 4096", "RTN 4096 x 4096", "memcpy", 0, 0});
  return figures;
}

}  // namespace hallmark::bench
