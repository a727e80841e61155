// hallmark_bench [--long] [--markdown=FILE] [Google Benchmark's flags]: runs everything and writes the table of
// figures. A benchmark whose result was wrong has no number, and the exit code is 1.
#include <cblas.h>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <map>
#include <string_view>
#include <thread>

#include "base/simd.hpp"
#include "cli/build_info.hpp"
#include "figures.hpp"

namespace hallmark::bench {
namespace {

constexpr double kFar = 200;  // ns for a round trip of a cache line; about 100 and 350 have been seen

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

// Prints as the console does and keeps every repetition.
class Collector : public benchmark::ConsoleReporter {
 public:
  Collector() : ConsoleReporter(OO_Tabular) {}
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      wrong |= run.error_occurred;
      if (run.error_occurred || run.run_type != Run::RT_Iteration) continue;
      Series& series = all[run.run_name.function_name + "/" + run.run_name.args];
      const auto distance = run.counters.find("round_trip");
      (distance != run.counters.end() && distance->second > kFar ? series.far : series.near)
          .push_back(run.counters.at("rate"));
      series.unit = run.report_label;
    }
  }

  struct Series {
    std::vector<double> near, far;  // rates; those of one thread are near
    std::string unit;
    double rate() const { return median(near.empty() ? far : near); }
    const char* place() const { return near.empty() ? " (far apart)" : ""; }
  };
  std::map<std::string, Series> all;
  bool wrong = false;
};

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
  return "unknown processor";
}

// Processes that waited for a processor, on average over the last minute.
double load() {
  double average = 0;
  return getloadavg(&average, 1) == 1 ? average : 0;
}

std::string table(const std::vector<Figure>& figures, const Collector& measured) {
  const unsigned processors = std::thread::hardware_concurrency();
  const double waiting = load();
  std::string text = fmt::format(
      "{}, {} logical processors, SIMD target {}, OpenBLAS kernels {}; {}, {}; commit {}; {:%Y-%m-%d} (UTC).\nMedians "
      "of one run, "
      "repetitions "
      "interleaved; 1 thread by its processor time, 2 threads by wall time of the repetitions in which a cache line "
      "needed at most {} ns from one "
      "processor to the other and back, or of all where there is none (far apart); the second table's last column is "
      "of the others.{}\n\n"
      "| figure | threads | rate | limit | its rate | ratio | goal |\n|---|---|---|---|---|---|---|\n",
      processor(), processors, simd_target(), openblas_get_corename(), build_info::compiler, build_info::flags,
      build_info::git_sha, fmt::gmtime(std::time(nullptr)), kFar,
      waiting > processors + 1 ? fmt::format(" Others used the machine (load average {:.0f}).", waiting) : "");
  for (const Figure& f : figures)
    for (const int threads : {1, 2}) {
      if (f.threads != 0 && f.threads != threads) continue;
      const std::string key = fmt::format("/threads:{}", threads);
      const auto ours = measured.all.find(f.ours + key), limit = measured.all.find(f.limit + key);
      if (ours == measured.all.end() || limit == measured.all.end()) {
        text += fmt::format("| {} | {} | no number | {} | | | |\n", f.what, threads, f.limit);
        continue;
      }
      const double a = ours->second.rate(), b = limit->second.rate();
      text += fmt::format("| {} | {} | {:.4g} {}{} | {} | {:.4g} {}{} | {:.2f} | {} |\n", f.what, threads, a / 1e9,
                          ours->second.unit, ours->second.place(), f.limit, b / 1e9, limit->second.unit,
                          limit->second.place(), a / b,
                          f.goal == 0 ? "" : fmt::format("{}{}", f.goal, a / b >= f.goal ? "" : " **missed**"));
    }
  text += "\n| two threads against one | ratio | goal | processors far apart |\n|---|---|---|---|\n";
  const auto scaling = [&](const std::string& name, double goal) {
    const auto one = measured.all.find(name + "/threads:1"), two = measured.all.find(name + "/threads:2");
    if (one == measured.all.end() || two == measured.all.end()) return;
    const auto& far = two->second.far;
    const double alone = one->second.rate(), ratio = two->second.rate() / alone;
    text += fmt::format("| {} | {:.2f}{} | {} | {} |\n", name, ratio, two->second.place(),
                        goal == 0 ? "" : fmt::format("{}{}", goal, ratio >= goal ? "" : " **missed**"),
                        far.empty() ? ""
                                    : fmt::format("{:.2f}, {} of {}", median(far) / alone, far.size(),
                                                  two->second.near.size() + far.size()));
  };
  for (const char* limit : {"sgemm 4096", "dsyrk 4096", "memcpy"}) scaling(limit, 0);  // what the machine itself does
  for (const Figure& f : figures)
    if (f.scales) scaling(f.ours, 1.8);
  return text;
}

}  // namespace

double round_trip() {
  constexpr int kTrips = 4000;
  alignas(64) static std::atomic<int> line;
  line = 0;
  const auto start = std::chrono::steady_clock::now();
#pragma omp parallel num_threads(2)
  for (int trip = 0; trip < kTrips; ++trip) {  // one thread waits for even numbers, the other for odd ones
    const int mine = 2 * trip + omp_get_thread_num();
    while (line.load(std::memory_order_acquire) != mine) continue;
    line.store(mine + 1, std::memory_order_release);
  }
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / kTrips;
}

}  // namespace hallmark::bench

int main(int argc, char** argv) {
  using namespace hallmark::bench;
  bool large = false;
  std::string markdown;
  std::vector<char*> rest;
  for (int i = 0; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--long") large = true;
    else if (argument.starts_with("--markdown=")) markdown = argument.substr(11);
    else rest.push_back(argv[i]);
  }
  int count = static_cast<int>(rest.size());
  benchmark::Initialize(&count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(count, rest.data())) return 2;

  std::vector<Figure> figures = codec_figures();
  for (Figure& f : dense_figures()) figures.push_back(std::move(f));
  for (Figure& f : gptq_figures(large)) figures.push_back(std::move(f));
  for (Figure& f : descent_figures(large)) figures.push_back(std::move(f));
  for (Figure& f : verify_figures()) figures.push_back(std::move(f));
  if (large)
    for (Figure& f : checkpoint_figures()) figures.push_back(std::move(f));
  Collector measured;
  if (benchmark::RunSpecifiedBenchmarks(&measured) == 0) return 2;  // it has said that nothing has such a name
  const std::string text = table(figures, measured);
  if (markdown.empty()) std::cout << "\n" << text;
  else if (!(std::ofstream(markdown) << text)) return 9;
  return measured.wrong ? 1 : 0;
}
