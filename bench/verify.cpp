// `hallmark verify` of one matrix beside the `hallmark quantize` that made it, each as a user runs it, on files in the
// page cache. Both are counted as the bytes of W, so that the ratio of the rates is that of the times, the other way.
#include "calibrate/calibration_file.hpp"
#include "command.hpp"
#include "figures.hpp"
#include "io/safetensors.hpp"
#include "layer.hpp"

namespace hallmark::bench {
namespace {

constexpr std::uint64_t kSize = 4096;

/// W and C of one matrix, and what `quantize` makes of them.
struct OneMatrix {
  TemporaryFolder folder{"matrix"};
  std::string weights = folder.path / "w.safetensors", grams = folder.path / "c.safetensors",
              quantized = folder.path / "q.safetensors";

  OneMatrix() {
    const Tensor& t = tensor(kSize, kSize);
    auto file = required(SafeTensorsWriter::create(weights, false, {{"w", DType::F32, {kSize, kSize}}}, {}));
    require(file.write<float>("w", {t.W.data(), static_cast<std::size_t>(t.W.size())}));
    require(file.commit());
    require(write_grams(grams, false, {{"w", kSize, 2 * kSize}},
                        [&](std::size_t) -> Expected<Matrix<double>> { return t.G; }));
  }

  int quantize(const std::string& threads) const {
    return run_tool({HALLMARK_TOOL, "quantize", "--weights", weights, "--calibration", grams, "--threads", threads,
                     "--overwrite", "--output", quantized});
  }
  int verify(const std::string& threads) const {
    return run_tool(
        {HALLMARK_TOOL, "verify", quantized, "--weights", weights, "--calibration", grams, "--threads", threads});
  }
};

const OneMatrix& files() {
  static const OneMatrix made;
  return made;
}

void measure_command(const std::string& name, int (OneMatrix::*command)(const std::string&) const) {
  const auto run = [command](benchmark::State& state) {
    if (!std::filesystem::exists(files().quantized) && files().quantize("2") != 0)
      return state.SkipWithError("nothing to verify");
    for (auto _ : state)
      if ((files().*command)(std::to_string(state.range(0))) != 0) state.SkipWithError("the command failed");
    set_work(state, 4.0 * kSize * kSize, kBytes);
  };
  benchmark::RegisterBenchmark(name.c_str(), run)
      ->ArgName("threads")
      ->Arg(2)
      ->Iterations(1)
      ->Repetitions(5)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

}  // namespace

std::vector<Figure> verify_figures() {
  const std::string verify = "verify, 4096 x 4096", quantize = "quantize, 4096 x 4096";
  measure_command(quantize, &OneMatrix::quantize);
  measure_command(verify, &OneMatrix::verify);
  return {{verify, verify, quantize, 1, 2}};  // it takes at most as long
}

}  // namespace hallmark::bench
