// hallmark-train: trains one checkpoint from a recipe, a seed and a text folder.
#include <torch/torch.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>

#include "base/error_numbers.hpp"
#include "network.hpp"
#include "optimizer.hpp"
#include "replay/calibration.hpp"
#include "replay/forward.hpp"
#include "replay/model.hpp"
#include "replay/text.hpp"

namespace hallmark::trainer {
namespace {

using Bytes = std::span<const std::byte>;

torch::Tensor windows_at(Bytes text, const std::vector<std::size_t>& offsets, std::int64_t length,
                         torch::Device device) {
  auto ids = torch::empty({static_cast<std::int64_t>(offsets.size()), length}, torch::kInt64);
  auto* out = ids.data_ptr<std::int64_t>();
  for (const std::size_t offset : offsets)
    for (const std::byte byte : text.subspan(offset, static_cast<std::size_t>(length)))
      *out++ = std::to_integer<std::int64_t>(byte);
  return ids.to(device);
}

torch::Tensor random_windows(Bytes text, const Recipe& recipe, SplitMix64& generator, torch::Device device) {
  const std::size_t places = text.size() - static_cast<std::size_t>(recipe.model.window);
  std::vector<std::size_t> offsets(static_cast<std::size_t>(recipe.batch));
  for (auto& offset : offsets) offset = generator.below(places);
  return windows_at(text, offsets, recipe.model.window + 1, device);
}

// Every byte of the text but the first is predicted once, from at most `window` bytes before it in its own window.
double bits_per_byte(const Network& network, Bytes text, std::int64_t window, torch::Device device) {
  torch::NoGradGuard no_gradient;
  const std::size_t inputs = text.size() - 1, step = static_cast<std::size_t>(window);
  double nats = 0;
  for (std::size_t offset = 0; offset < inputs; offset += 16 * step) {
    std::vector<std::size_t> whole;
    for (std::size_t start = offset; start < std::min(offset + 16 * step, inputs); start += step) {
      if (start + step <= inputs) whole.push_back(start);
      else
        nats += static_cast<double>(inputs - start) *
                network.loss(windows_at(text, {start}, static_cast<std::int64_t>(inputs - start) + 1, device))
                    .item<double>();
    }
    if (!whole.empty())
      nats += static_cast<double>(whole.size() * step) *
              network.loss(windows_at(text, whole, window + 1, device)).item<double>();
  }
  return nats / std::log(2.0) / static_cast<double>(inputs);
}

Weights to_weights(const Parameters& parameters) {
  Weights weights;
  for (const auto& [name, tensor] : parameters) {
    const auto value = tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
    const Index rows = value.dim() == 2 ? value.size(0) : 1;
    weights[name] = {Eigen::Map<const Matrix<float>>(value.data_ptr<float>(), rows, value.numel() / rows),
                     static_cast<int>(value.dim())};
  }
  return weights;
}

struct Arguments {
  std::string recipe = "trainer/recipe.json", text = std::string(default_text_folder), output, device = "cpu";
  std::uint64_t seed = 0;
  int threads = 1;
  std::int64_t every = 0;
  bool check = false;
};

// Two assertions: training took a quarter of the bits away, and the binary64 replay of the written file gives the
// validation figure that LibTorch gave in binary32.
Status check(const std::string& path, Bytes validation, double before, double after) {
  constexpr double fallen = 0.75, agreement = 1e-4;
  const auto model = load_model(path);
  if (!model) return model.error();
  const auto replayed = hallmark::bits_per_byte(*model, validation, model->config().window);
  if (!replayed) return replayed.error();
  std::printf("validation %.4f bits per byte before training, %.6f after, %.6f by the replay\n", before, after,
              *replayed);
  if (!(after < fallen * before))
    return Error{Exit::contract, error_number::loss_did_not_fall, "the loss did not fall",
                 std::to_string(before) + " to " + std::to_string(after), "see the steps above"};
  if (!(std::abs(*replayed - after) < agreement))
    return Error{Exit::contract, error_number::replay_disagrees, "trainer and replay disagree on one checkpoint",
                 std::to_string(after) + " and " + std::to_string(*replayed), "compare network.cpp with forward.cpp"};
  std::printf("PASS: the loss fell, and trainer and replay agree\n");
  return ok();
}

Status check_length(Bytes text, Bytes validation, std::int64_t window) {
  if (text.size() > static_cast<std::size_t>(window) && validation.size() >= 2) return ok();
  return Error{Exit::input, error_number::text_short, "the text is too short for one window",
               std::to_string(text.size()) + " bytes of train text, window " + std::to_string(window), "use more text"};
}

Metadata metadata_of(const Arguments& arguments, const Recipe& recipe, const Corpus& corpus,
                     const torch::Device& device) {
  return {
      {"hallmark.recipe", recipe.source.dump()},
      {"hallmark.seed", std::to_string(arguments.seed)},
      {"hallmark.text.sha256", corpus.digest},
      {"hallmark.text.train.sha256", corpus.train.digest()},
      {"hallmark.text.validation.sha256", corpus.validation.digest()},
      {"hallmark.trainer.libtorch", std::to_string(TORCH_VERSION_MAJOR) + "." + std::to_string(TORCH_VERSION_MINOR) +
                                        "." + std::to_string(TORCH_VERSION_PATCH) + " " + device.str()}};
}

void print_step(std::int64_t steps, double bits, std::int64_t bytes, std::chrono::steady_clock::time_point start) {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("step %lld  loss %.4f bits  %.0f bytes/s\n", static_cast<long long>(steps), bits,
              static_cast<double>(bytes) / seconds);
  std::fflush(stdout);
}

Status train(const Arguments& arguments) {
  const auto recipe = load_recipe(arguments.recipe);
  if (!recipe) return recipe.error();
  const auto corpus = load_corpus(arguments.text);
  if (!corpus) return corpus.error();
  const Bytes text = corpus->train.bytes();
  const Bytes validation =
      corpus->validation.bytes().first(std::min(evaluation_bytes, corpus->validation.bytes().size()));
  if (const auto enough = check_length(text, validation, recipe->model.window); !enough) return enough.error();

  torch::set_num_threads(arguments.threads);
  const torch::Device device(arguments.device);
  Network network(recipe->model, arguments.seed, device);
  Optimizer optimizer(network.parameters(), *recipe);
  SplitMix64 generator(arguments.seed);  // the order of windows depends on nothing but the seed

  Metadata metadata = metadata_of(arguments, *recipe, *corpus, device);
  // Evaluates the running mean and writes it as the checkpoint.
  auto save = [&](std::int64_t steps) -> Expected<double> {
    Network mean = network;
    mean.parameters() = optimizer.mean();
    const double bpb = bits_per_byte(mean, validation, recipe->model.window, device);
    if (arguments.output.empty()) return bpb;
    metadata["hallmark.steps"] = std::to_string(steps);
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.6f", bpb);
    metadata["hallmark.validation.bpb"] = digits;
    const auto written = write_model(arguments.output, true, recipe->model, to_weights(optimizer.mean()), metadata);
    if (!written) return written.error();
    return bpb;
  };

  const double before = arguments.check ? bits_per_byte(network, validation, recipe->model.window, device) : 0;
  const auto start = std::chrono::steady_clock::now();
  double recent = 0;
  for (std::int64_t step = 0; step < recipe->steps; ++step) {
    const auto loss = network.loss(random_windows(text, *recipe, generator, device));
    loss.backward();
    optimizer.step(step);
    const double bits = loss.item<double>() / std::log(2.0);
    if (!std::isfinite(bits))
      return Error{Exit::numeric, error_number::loss_not_finite, "the loss is not finite",
                   "step " + std::to_string(step), "lower the rates"};
    recent = step == 0 ? bits : 0.98 * recent + 0.02 * bits;
    if ((step + 1) % 100 == 0 || step + 1 == recipe->steps) {
      print_step(step + 1, recent, (step + 1) * recipe->batch * recipe->model.window, start);
    }
    if (arguments.every > 0 && (step + 1) % arguments.every == 0 && step + 1 < recipe->steps) {
      const auto bpb = save(step + 1);
      if (!bpb) return bpb.error();
      std::printf("step %lld  validation %.4f bits per byte\n", static_cast<long long>(step + 1), *bpb);
    }
  }
  const auto bpb = save(recipe->steps);
  if (!bpb) return bpb.error();
  std::printf("validation %.4f bits per byte after %lld steps\n", *bpb, static_cast<long long>(recipe->steps));
  if (arguments.check) return check(arguments.output, validation, before, *bpb);
  return ok();
}

}  // namespace
}  // namespace hallmark::trainer

int main(int argc, char** argv) {
  hallmark::trainer::Arguments arguments;
  CLI::App app("Train one checkpoint for the replay");
  app.add_option("--recipe", arguments.recipe, "recipe file")->capture_default_str();
  app.add_option("--seed", arguments.seed, "training seed")->required();
  app.add_option("--text", arguments.text, "text folder")->capture_default_str();
  app.add_option("--output", arguments.output, "checkpoint to write (.safetensors)");
  app.add_option("--save-every", arguments.every, "also write the running mean every so many steps");
  app.add_option("--threads", arguments.threads, "threads")->capture_default_str();
  app.add_option("--device", arguments.device, "cpu or cuda")->capture_default_str();
  app.add_flag("--check", arguments.check, "fail unless the loss fell and the replay agrees on the written checkpoint")
      ->needs("--output");
  CLI11_PARSE(app, argc, argv);
  try {
    const auto status = hallmark::trainer::train(arguments);
    if (status) return 0;
    std::cerr << hallmark::to_string(status.error());
    return static_cast<int>(status.error().exit);
  } catch (const std::exception& failure) {  // LibTorch throws
    std::cerr << hallmark::to_string({hallmark::Exit::internal, hallmark::error_number::writer_misuse,
                                      "LibTorch failed", failure.what(), "report this"});
    return 1;
  }
}
