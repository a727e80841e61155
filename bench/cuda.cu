// cuda_bench: the programs of the CUDA library on the current device, each from the start of its first kernel to the
// end of its last one (data resident), beside the device's own copy. Results are compared with the CPU's, or there is
// no number. Prints lines for the table of docs/performance.md; without a device a line NOT RUN (tools/check_cuda.sh,
// CI counts it).
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <random>
#include <stdexcept>
#include <vector>

#include "cuda/backend.hpp"
#include "cuda/device_executor.cuh"
#include "cuda/program_engine.hpp"
#include "format/codec_lanes.hpp"
#include "linalg/gram.hpp"
#include "method/quantize.hpp"

namespace hallmark::cuda {
namespace {

constexpr int kRuns = 7;  // medians of these; the first warms up

void must(cudaError_t code) {
  if (code != cudaSuccess) throw std::runtime_error(cudaGetErrorString(code));
}
void must(const Status& done) {
  if (!done) throw std::runtime_error(to_string(done.error()));
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.at(values.size() / 2);
}

/// The device's time of one stretch of kernels.
class Stretch {
 public:
  Stretch() {
    must(cudaEventCreate(&begin_));
    must(cudaEventCreate(&end_));
  }
  Stretch(const Stretch&) = delete;
  Stretch& operator=(const Stretch&) = delete;
  void begin() { must(cudaEventRecord(begin_)); }
  void end() { must(cudaEventRecord(end_)); }
  double milliseconds() const {
    float elapsed = 0;
    must(cudaEventSynchronize(end_));
    must(cudaEventElapsedTime(&elapsed, begin_, end_));
    return elapsed;
  }

 private:
  cudaEvent_t begin_, end_;  // as long as the program lives
};

/// The device, with a stretch for every program: from its first kernel to the copy of its results.
class TimedExecutor : public DeviceExecutor {
 public:
  TimedExecutor(std::string name, std::vector<double>& times)
      : DeviceExecutor(std::move(name)), stretch_(std::make_unique<Stretch>()), times_(&times) {}

  template <class Body>
  void run(const Body& body, std::int64_t phases = 1) {
    if (!std::exchange(running_, true)) stretch_->begin();
    DeviceExecutor::run(body, phases);
  }
  template <class T>
  void download(const Buffer<T>& buffer, std::span<T> values) {
    if (std::exchange(running_, false)) {
      stretch_->end();
      times_->push_back(stretch_->milliseconds());
    }
    DeviceExecutor::download(buffer, values);
  }

 private:
  std::unique_ptr<Stretch> stretch_;
  std::vector<double>* times_;
  bool running_ = false;
};

void row(const char* what, double ours, const char* unit, const char* limit, double ratio, const char* goal) {
  std::printf("| %s | %.4g %s | %s | %.2f | %s |\n", what, ours, unit, limit, ratio, goal);
}

// Bytes read and written per second, in GB/s; the copy moves as many.
double copy_rate(std::size_t bytes) {
  void *from = nullptr, *to = nullptr;
  must(cudaMalloc(&from, bytes));
  must(cudaMalloc(&to, bytes));
  must(cudaMemset(from, 1, bytes));
  Stretch stretch;
  std::vector<double> times;
  for (int i = 0; i < kRuns; ++i) {
    stretch.begin();
    must(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice));
    stretch.end();
    times.push_back(stretch.milliseconds());
  }
  must(cudaFree(from));
  must(cudaFree(to));
  return 2.0 * static_cast<double>(bytes) / median(times) / 1e6;
}

void codec(Engine& engine, std::vector<double>& times) {
  constexpr std::size_t count = std::size_t{1} << 28;
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 0.02F);
  std::vector<float> values(count), again(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = i < 65536 ? normal(random) : values[i % 65536];
  std::vector<std::uint16_t> words(count), expected(count);
  must(encode_gf16(values, expected));
  const double copy = copy_rate(count * 3);
  const auto rate = [&](const std::function<void()>& convert) {
    times.clear();
    for (int i = 0; i < kRuns; ++i) convert();
    return 6.0 * count / median(times) / 1e6;
  };
  const double encode = rate([&] { must(engine.encode(values, words)); });
  const double decode = rate([&] { must(engine.decode(words, again)); });
  must(decode_gf16(words, values));
  if (words != expected || again != values) throw std::runtime_error("the device's codec gives other bits");
  row("CUDA: GF16 encode, 2^28", encode, "GB/s", "copy on the device", encode / copy, "0.8");
  row("CUDA: GF16 decode, 2^28", decode, "GB/s", "copy on the device", decode / copy, "0.8");
}

void gptq(EngineBackend& backend, std::vector<double>& times) {
  constexpr Index n = 4096;
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  Matrix<float> W(n, n), X(2 * n, n);
  for (float& w : W.reshaped()) w = 0.02F * normal(random);
  for (Index t = 0; t < X.rows(); ++t)
    for (Index j = 0; j < n; ++j) X(t, j) = j == 0 ? normal(random) : 0.7F * X(t, j - 1) + 0.7F * normal(random);
  EngineGram sum(backend.engine(), n);
  times.clear();
  must(sum.add(X));
  const Expected<Matrix<double>> G = sum.gram();
  if (!G) throw std::runtime_error(to_string(G.error()));
  GramAccumulator cpu(n);
  must(cpu.add(X));
  if (cpu.gram() != *G) throw std::runtime_error("the device's Gram matrix has other bits");
  std::printf("| CUDA: Gram matrix, 8192 tokens x 4096 | %.4g ms | | | |\n", times.at(0));

  const Options options{*Grid::parse("gf16")};
  std::vector<double> factor, recurrence, guard;
  Matrix<Code> codes;
  for (int i = 0; i < kRuns; ++i) {
    times.clear();
    const Expected<Quantized> result =
        quantize_gptq(W, *G, options, std::nullopt, "layer", std::nullopt, nullptr, &backend);
    if (!result) throw std::runtime_error(to_string(result.error()));
    factor.push_back(times.at(0));  // the order of quantize_gptq
    recurrence.push_back(times.at(1));
    guard.push_back(times.at(2));
    codes = result->codes;
  }
  const Expected<Quantized> expected = quantize_gptq(W, *G, options);
  if (!expected || expected->codes != codes) throw std::runtime_error("the device gives other codes");
  const double given = median(recurrence), with = median(factor) + given;
  row("CUDA: GPTQ 4096 x 4096, given the factor", given, "ms", "15 ms", 15 / given, "1");
  row("CUDA: GPTQ 4096 x 4096, factorization and recurrence", with, "ms", "40 ms", 40 / with, "1");
  std::printf("| CUDA: factorization, 4096 | %.4g ms | | | |\n| CUDA: RTN's losses for the guard | %.4g ms | | | |\n",
              median(factor), median(guard));
}

}  // namespace
}  // namespace hallmark::cuda

int main() try {
  using namespace hallmark::cuda;
  const auto engine = device_engine();
  if (!engine)
    return std::printf("NOT RUN: CUDA benchmark: %s (%s)\n", engine.error().what.c_str(), engine.error().where.c_str()),
           0;
  std::vector<double> times;
  std::printf("%s; medians of %d\n\n| figure | measured | limit | ratio | goal |\n|---|---|---|---|---|\n",
              (*engine)->name().c_str(), kRuns);
  EngineBackend backend(std::make_unique<ProgramEngine<TimedExecutor>>(TimedExecutor((*engine)->name(), times)));
  codec(backend.engine(), times);
  gptq(backend, times);
  return 0;
} catch (const std::exception& error) {
  return std::fputs((std::string(error.what()) + "\n").c_str(), stderr), 1;
}
