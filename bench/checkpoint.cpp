// The whole `hallmark quantize` with GPTQ, as a user runs it, against its kernels' time: the work on numbers alone
// (Gram accumulation, quantize_gptq with guard, contracts and certificate observer) on the same tensors in memory. The
// checkpoint is that of GPT-2 small (498 MB of binary32: 12 layers, embeddings that pass through), its calibration 4096
// tokens or their Gram matrices; its files are made once in a temporary folder, stay in the page cache and are removed
// at the end.
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <random>

#include "certify/certificate_observer.hpp"
#include "certify/contracts.hpp"
#include "command.hpp"
#include "figures.hpp"
#include "calibrate/calibration_file.hpp"
#include "linalg/gram.hpp"
#include "method/quantize.hpp"

namespace hallmark::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kLayers = 12, kTokens = 4096;

struct Layer {
  const char* name;
  std::uint64_t rows, cols;
};
constexpr Layer kMatrices[] = {
    {"attn.c_attn", 2304, 768}, {"attn.c_proj", 768, 768}, {"mlp.c_fc", 3072, 768}, {"mlp.c_proj", 768, 3072}};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::vector<float> normals(std::uint64_t count, float deviation) {
  static std::mt19937 random(7);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

/// W and both forms of C. Every layer has the same numbers: the work on them does not depend on that.
struct Checkpoint {
  TemporaryFolder folder{"checkpoint"};
  std::string weights = folder.path / "w.safetensors", activations = folder.path / "activations.safetensors",
              grams = folder.path / "grams.safetensors";

  Checkpoint() {
    std::vector<TensorPlan> w{{"wte.weight", DType::F32, {50257, 768}}, {"wpe.weight", DType::F32, {1024, 768}}}, c;
    std::vector<GramPlan> g;
    for (std::uint64_t layer = 0; layer < kLayers; ++layer)
      for (const auto& [name, rows, cols] : kMatrices) {
        const std::string weight = fmt::format("h.{}.{}.weight", layer, name);
        w.push_back({weight, DType::F32, {rows, cols}});
        c.push_back({weight + ".activations", DType::F32, {kTokens, cols}});
        g.push_back({weight, cols, kTokens});
      }
    auto w_file = required(SafeTensorsWriter::create(weights, false, w, {}));
    for (const std::uint64_t rows : {std::uint64_t{50257}, std::uint64_t{1024}})
      require(w_file.write<float>(rows == 1024 ? "wpe.weight" : "wte.weight", normals(rows * 768, 0.02F)));
    auto c_file = required(SafeTensorsWriter::create(activations, false, c, {}));
    std::vector<Matrix<double>> gram;
    for (std::uint64_t m = 0; m < std::size(kMatrices); ++m) {
      const auto& [name, rows, cols] = kMatrices[m];
      const std::vector<float> values = normals(rows * cols, 0.02F);
      GramAccumulator sum(static_cast<Index>(cols));
      std::vector<float> tokens = normals(kTokens * cols, 0.7F);  // made an AR(1) sequence over the columns
      for (std::uint64_t i = 0; i < tokens.size(); ++i)
        tokens[i] = i % cols == 0 ? tokens[i] : 0.7F * tokens[i - 1] + tokens[i];
      require(sum.add(Eigen::Map<const Matrix<float>>(tokens.data(), kTokens, static_cast<Index>(cols))));
      gram.push_back(sum.gram());
      for (std::uint64_t layer = 0; layer < kLayers; ++layer) {
        require(w_file.write<float>(fmt::format("h.{}.{}.weight", layer, name), values));
        require(c_file.write<float>(fmt::format("h.{}.{}.weight.activations", layer, name), tokens));
      }
    }
    require(w_file.commit());
    require(c_file.commit());
    require(write_grams(grams, false, g,
                        [&](std::size_t i) -> Expected<Matrix<double>> { return gram[i % std::size(kMatrices)]; }));
  }
};

const Checkpoint& checkpoint() {
  static const Checkpoint files;
  return files;
}

double size_of_weights() { return static_cast<double>(fs::file_size(checkpoint().weights)); }

void command(benchmark::State& state, const std::string& calibration) {
  const Checkpoint& files = checkpoint();
  const std::string output = files.folder.path / "q.safetensors";
  for (auto _ : state)
    if (run_tool({HALLMARK_TOOL, "quantize", "--weights", files.weights, "--calibration", calibration, "--threads",
                  std::to_string(state.range(0)), "--overwrite", "--output", output}) != 0)
      state.SkipWithError("the command failed");
  fs::remove(output);
  set_work(state, size_of_weights(), kBytes);
}

void kernels(benchmark::State& state, const std::string& calibration) {
  use_threads(state);
  const auto weights = required(SafeTensors::open(checkpoint().weights));
  const auto file = required(CalibrationFile::open(calibration));
  const Options options{*Grid::parse("gf16")};
  for (auto _ : state) {
    double seconds = 0;
    for (const auto& [weight, entry] : file.entries()) {
      const TensorInfo& tensor = *weights.find(weight);
      Matrix<float> W(static_cast<Index>(tensor.shape[0]), static_cast<Index>(tensor.shape[1]));
      require(widen(tensor, 0, std::span(W.data(), static_cast<std::size_t>(W.size()))));
      Matrix<float> X;
      Matrix<double> G;
      if (entry.is_gram) G = required(file.gram(weight)).view();
      else X = required(file.activations(weight, 0, entry.tokens));

      const Clock::time_point start = Clock::now();
      ContractChecker checker(contracts::Policy::on);
      if (!entry.is_gram) {
        GramSample sample(W, contracts::Policy::on);
        GramAccumulator sum(X.cols());
        if (!sum.add(X)) state.SkipWithError("refused");
        sample.add(X);
        G = sum.gram();
        sample.judge(weight, G, checker.report());
      }
      const MatrixRef<double> gram = G;
      CertificateObserver seen(&gram, options, {}, true);
      Observers watching{&seen, &checker};
      const auto result = quantize_gptq(W, G, options, std::nullopt, weight, std::nullopt, &watching);
      seconds += seconds_since(start);
      if (!result || !checker.report().status()) state.SkipWithError("refused");
    }
    state.SetIterationTime(seconds);
  }
  set_work(state, size_of_weights(), kBytes);
}

}  // namespace

std::vector<Figure> checkpoint_figures() {
  std::vector<Figure> figures;
  for (const std::string form : {"activations", "grams"}) {
    const auto path = [form] { return form == "grams" ? checkpoint().grams : checkpoint().activations; };
    const std::string whole = "quantize, 500 MB, " + form, part = "its kernels alone, " + form;
    const auto once = [](auto* benchmark) {
      benchmark->ArgName("threads")->Arg(2)->Iterations(1)->Repetitions(3)->Unit(benchmark::kMillisecond);
    };
    once(benchmark::RegisterBenchmark(whole.c_str(), [path](benchmark::State& s) {
           command(s, path());
         })->UseRealTime());
    once(benchmark::RegisterBenchmark(part.c_str(), [path](benchmark::State& s) {
           kernels(s, path());
         })->UseManualTime());
    figures.push_back({whole, whole, part, 0.77, 2});  // at most 1.3 times the kernels' time
  }
  return figures;
}

}  // namespace hallmark::bench
