// What the benchmarks share. A benchmark measures one rate; a Figure puts a rate beside the rate that limits it.
#pragma once

#include <benchmark/benchmark.h>
#include <omp.h>

#include <algorithm>
#include <string>
#include <vector>

namespace hallmark::bench {

/// rate(ours) / rate(limit), both at the same number of threads (limit_threads 0) or the limit at its own.
struct Figure {
  std::string what, ours, limit;
  double goal = 0;      ///< of the ratio; 0 where none is set
  int threads = 0;      ///< 0: one line for each number of threads
  bool scales = false;  ///< two threads are to be 1.8 times one
};

/// The groups of benchmarks; each registers its own and returns its figures.
std::vector<Figure> codec_figures();
std::vector<Figure> dense_figures();
std::vector<Figure> gptq_figures(bool large);
std::vector<Figure> descent_figures(bool large);
std::vector<Figure> verify_figures();
std::vector<Figure> checkpoint_figures();

/// Reports `work` per iteration (bytes or floating-point operations) as a rate.
inline void set_work(benchmark::State& state, double work, const char* unit) {
  state.counters["rate"] =
      benchmark::Counter(work * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  state.SetLabel(unit);
}

/// The number of threads, which is every benchmark's first argument, made that of the library.
inline int use_threads(const benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  omp_set_num_threads(threads);
  return threads;
}

/// Nanoseconds in which a cache line goes from one thread to another and back. Processors that share a cache need about
/// 100; a host may put those of a virtual machine further apart, and move them while it runs.
double round_trip();

/// The one way to register: with 1 thread its processor time, which the load of a shared machine does not change much,
/// with 2 threads wall time, and how far apart the processors were.
template <class Function>
void measure(const std::string& name, Function function, int repetitions = 9) {
  const auto add = [&](int threads, const auto& measured) {
    return benchmark::RegisterBenchmark(name.c_str(), measured)
        ->ArgName("threads")
        ->Arg(threads)
        ->Repetitions(repetitions)
        ->Unit(benchmark::kMillisecond);
  };
  add(1, function);
  add(2, [function](benchmark::State& state) {
    const double before = round_trip();
    function(state);
    state.counters["round_trip"] = std::max(before, round_trip());
  })->UseRealTime();
}

inline constexpr const char* kBytes = "GB/s";
inline constexpr const char* kFlops = "GFLOP/s";

}  // namespace hallmark::bench
