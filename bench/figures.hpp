// What the benchmarks share. A benchmark measures one rate; a Figure puts a rate beside the rate that limits it.
#pragma once

#include <benchmark/benchmark.h>
#include <omp.h>

#include <string>
#include <vector>

namespace hallmark::bench {

/// rate(ours) / rate(limit), both at the same number of threads (limit_threads 0) or the limit at its own.
struct Figure {
  std::string what, ours, limit;
  double goal = 0;        ///< of the ratio; 0 where none is set
  int threads = 0;        ///< 0: one line for each number of threads
  bool scales = false;    ///< two threads are to be 1.8 times one
};

/// The groups of benchmarks; each registers its own and returns its figures.
std::vector<Figure> codec_figures();
std::vector<Figure> dense_figures();
std::vector<Figure> gptq_figures(bool large);
std::vector<Figure> checkpoint_figures();

/// Reports `work` per iteration (bytes or floating-point operations) as a rate.
inline void set_work(benchmark::State& state, double work, const char* unit) {
  state.counters["rate"] = benchmark::Counter(work * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  state.SetLabel(unit);
}

/// The number of threads, which is every benchmark's first argument, made that of the library.
inline int use_threads(const benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  omp_set_num_threads(threads);
  return threads;
}

/// The one way to register: with 1 thread its processor time, which the load of a shared machine does not change much, with
/// 2 threads wall time.
template <class Function>
void measure(const std::string& name, Function function) {
  benchmark::RegisterBenchmark(name.c_str(), function)->ArgName("threads")->Arg(1)->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark(name.c_str(), function)->ArgName("threads")->Arg(2)->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

inline constexpr const char* kBytes = "GB/s";
inline constexpr const char* kFlops = "GFLOP/s";

}  // namespace hallmark::bench
