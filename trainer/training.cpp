#include "training.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "distance.hpp"
#include "hard_batches.hpp"
#include "network.hpp"
#include "optimizer.hpp"
#include "replay/count_model.hpp"
#include "replay/evaluate.hpp"
#include "replay/forward.hpp"
#include "replay/model.hpp"
#include "replay/pieces.hpp"
#include "replay/tokens.hpp"
#include "state.hpp"
#include "windows.hpp"

namespace hallmark::trainer {

namespace {

using Tokens = std::span<const Index>;

// What a training reads.
struct Text {
  std::vector<Index> train, validation;  // of the validation split the part that is evaluated
  std::vector<double> costs;             // of windows side by side, for a curriculum
  std::uint64_t predicted_bytes = 0;  // of text, for which the predicted tokens of the evaluated part stand; 0: unknown
  Metadata digests;
};

// What windows side by side cost a count model of order 2 that is fitted to the same text.
std::vector<double> window_costs(const TrainSplit& train, Index window) {
  const auto bits = count_model_bits(train, train.bytes(), 2);
  const auto length = static_cast<std::size_t>(window);
  std::vector<double> costs(WindowOrder::side_by_side(bits.size(), window));
  for (std::size_t i = 0; i < costs.size(); ++i)
    for (std::size_t t = 0; t < length; ++t) costs[i] += bits[i * length + 1 + t];
  return costs;
}

Expected<Text> read_text(const std::string& folder, const std::string& pieces, const Recipe& recipe) {
  Text text;
  if (recipe.model.vocab == 256) {
    const auto corpus = load_corpus(folder);
    if (!corpus) return corpus.error();
    text.train = byte_ids(corpus->train.bytes());
    text.validation = byte_ids(corpus->validation.bytes());
    text.digests = {{"hallmark.text.sha256", corpus->digest},
                    {"hallmark.text.train.sha256", corpus->train.digest()},
                    {"hallmark.text.validation.sha256", corpus->validation.digest()}};
    if (recipe.order == Recipe::Order::curriculum) text.costs = window_costs(corpus->train, recipe.model.window);
  } else {
    auto corpus = load_tokens(folder, recipe.model.vocab);
    if (!corpus) return corpus.error();
    text.train = std::move(corpus->train);
    text.validation = std::move(corpus->validation);
    text.digests = {{"hallmark.text.train.sha256", corpus->train_digest},
                    {"hallmark.text.validation.sha256", corpus->validation_digest}};
  }
  text.validation.resize(std::min(evaluation_bytes, text.validation.size()));
  if (text.validation.size() < 2)
    return Error{Exit::input, error_number::text_short, "the text is too short to be evaluated",
                 std::to_string(text.validation.size()) + " tokens of validation text", "use more text"};
  if (pieces.empty()) return text;
  const auto bytes = text_bytes(pieces, text.validation, recipe.model.vocab);
  if (!bytes) return bytes.error();
  text.predicted_bytes = *bytes;
  return text;
}

torch::Tensor windows_at(Tokens text, const std::vector<std::size_t>& offsets, std::int64_t length,
                         torch::Device device) {
  auto ids = torch::empty({static_cast<std::int64_t>(offsets.size()), length}, torch::kInt64);
  auto* out = ids.data_ptr<std::int64_t>();
  for (const std::size_t offset : offsets)
    out = std::copy_n(text.data() + offset, static_cast<std::size_t>(length), out);
  return ids.to(device);
}

// Every token of the text but the first is predicted once, from at most `window` tokens before it in its own window.
double mean_bits_of(const Network& network, Tokens text, std::int64_t window, torch::Device device) {
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
  for (const auto& [name, tensor] : parameters) weights[name] = {to_matrix(tensor), static_cast<int>(tensor.dim())};
  return weights;
}

// The network's parameters become those of a checkpoint.
Status begin_with(const std::string& path, const ModelConfig& config, Parameters& parameters) {
  const auto file = SafeTensors::open(path);
  if (!file) return file.error();
  auto weights = read_weights(*file, config, path);
  if (!weights) return weights.error();
  const auto model = Model::create(config, std::move(*weights), {}, path);
  if (!model) return model.error();
  torch::NoGradGuard no_gradient;
  for (auto& [name, tensor] : parameters)
    tensor.copy_(torch::from_blob(const_cast<float*>((*model)[name].data()), tensor.sizes(), torch::kFloat32));
  std::printf("begins with the %zu tensors of %s\n", parameters.size(), path.c_str());
  return ok();
}

const char* unit(const ModelConfig& config) { return config.vocab == 256 ? "bits per byte" : "bits per token"; }

std::string figure_key(const ModelConfig& config) {
  return config.vocab == 256 ? "hallmark.validation.bpb" : "hallmark.validation.bits_per_token";
}

class Training {
 public:
  Training(const Arguments& arguments, const Recipe& recipe, Text text, WindowOrder order)
      : arguments_(arguments),
        recipe_(recipe),
        text_(std::move(text)),
        order_(std::move(order)),
        hard_(recipe),
        device_(arguments.device),
        network_(recipe.model, arguments.seed, device_, recipe.orthogonal, layers_at(recipe, 0)) {}

  Status run() {
    if (!arguments_.start.empty())
      if (auto begun = begin_with(arguments_.start, recipe_.model, network_.parameters()); !begun) return begun;
    const double before = arguments_.check ? validation(network_) : 0;
    optimizer_.emplace(network_.parameters(), recipe_);
    if (auto resumed = resume(); !resumed) return resumed;
    start_ = std::chrono::steady_clock::now();
    for (first_ = progress_.step; progress_.step < recipe_.steps;)
      if (auto stepped = step(); !stepped) return stepped;
    const auto bits = save();
    if (!bits) return bits.error();
    std::printf("validation %.4f %s after %lld steps\n", *bits, unit(recipe_.model),
                static_cast<long long>(recipe_.steps));
    return arguments_.check ? check(before, *bits) : ok();
  }

 private:
  double validation(const Network& network) const {
    return mean_bits_of(network, text_.validation, recipe_.model.window, device_);
  }

  // What the bits of this training depend on.
  Metadata identity() const {
    Metadata all = text_.digests;
    all["hallmark.recipe"] = recipe_.source.dump();
    all["hallmark.seed"] = std::to_string(arguments_.seed);
    all["hallmark.trainer.libtorch"] =
        fmt::format("{}.{}.{} {}", TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR, TORCH_VERSION_PATCH, device_.str());
    return all;
  }
  Metadata state_identity() const {
    Metadata all = identity();
    all["threads"] = std::to_string(arguments_.threads);
    all["start"] = arguments_.start;
    return all;
  }

  Status resume() {
    if (arguments_.state.empty()) return ok();
    if (!arguments_.resume && std::filesystem::exists(arguments_.state))
      return Error{Exit::infeasible, error_number::state_not_empty, "the state holds an earlier training",
                   arguments_.state, "go on with it by --resume, or name another file"};
    const auto read = read_state(arguments_.state, optimizer_->state(), state_identity());
    if (!read) return read.error();
    if (!*read) return ok();
    progress_ = **read;
    const std::size_t last_place = text_.train.size() - static_cast<std::size_t>(recipe_.model.window) - 1;
    if (!hard_.restore(progress_.hard, progress_.step, last_place))
      return foreign_state(arguments_.state, "its hard batches are not those of this recipe after this step");
    order_.restore(progress_.generator);
    optimizer_->restore_snapshots(progress_.snapshots);
    network_.use_layers(layers_at(recipe_, std::max<std::int64_t>(progress_.step - 1, 0)));
    std::printf("goes on after step %lld\n", static_cast<long long>(progress_.step));
    return ok();
  }

  // The network grows where a stage begins: the loss of that step's windows is printed with both depths.
  void grow(std::int64_t layers, const torch::Tensor& windows) {
    if (layers == network_.layers()) return;
    torch::NoGradGuard no_gradient;
    const auto before = network_.layers();
    const double small = network_.loss(windows).item<double>();
    network_.use_layers(layers);
    std::printf("layers %lld to %lld: loss %.9g before, %.9g after\n", static_cast<long long>(before),
                static_cast<long long>(layers), small, network_.loss(windows).item<double>());
  }

  // Adds the gradient of the Kombucha objective in the matrices that take part to that of the loss. Its first step says
  // at what weight the two are equally long.
  Status pull(std::int64_t at) {
    torch::NoGradGuard no_gradient;
    Parameters matrices, of_loss;
    for (const auto& [name, weight] : network_.parameters())
      if (is_block_matrix(name, weight) && weight.grad().defined()) {
        matrices[name] = weight;
        of_loss[name] = weight.grad();
      }
    const auto distance = distance_to_codes(matrices, pull_rounding(recipe_).value());
    if (!distance) return distance.error();
    if (!pulls(recipe_, at - 1))
      std::printf("kombucha from step %lld: distance %.6f, gradients equally long at weight %.4g\n",
                  static_cast<long long>(at + 1), distance->mean, length(of_loss) / length(distance->gradient));
    const double weight = pull_weight(recipe_, at);
    for (auto& [name, gradient] : of_loss)
      if (weight > 0) gradient.add_(distance->gradient.at(name), weight);
    return ok();
  }

  Status step() {
    const std::int64_t at = progress_.step;
    const bool again = replays(recipe_, at);
    const auto batch = again ? hard_.take() : HardBatches::Batch{0, order_.batch(at)};
    const auto windows = windows_at(text_.train, batch.places, recipe_.model.window + 1, device_);
    grow(layers_at(recipe_, at), windows);
    if (quantizes(recipe_, at))
      if (auto rounded = network_.quantize(rounding(recipe_).value()); !rounded) return rounded;
    const auto loss = network_.loss(windows);
    loss.backward();
    if (pulls(recipe_, at))
      if (auto pulled = pull(at); !pulled) return pulled;
    optimizer_->step(at);
    const double bits = loss.item<double>() / std::log(2.0);
    if (!std::isfinite(bits))
      return Error{Exit::numeric, error_number::loss_not_finite, "the loss is not finite", "step " + std::to_string(at),
                   "lower the rates"};
    if (again) {
      if (!replays(recipe_, at - 1))
        std::printf("step %lld trains again on the hardest batch: %.9g bits then, %.9g now\n",
                    static_cast<long long>(at + 1), batch.loss, bits);
    } else {
      hard_.saw(bits, batch.places);
      progress_.recent = at == 0 ? bits : 0.98 * progress_.recent + 0.02 * bits;
    }
    ++progress_.step;
    return report();
  }

  // Prints, writes the state and the mean, each as often as it was asked for.
  Status report() {
    const std::int64_t done = progress_.step;
    const bool last = done == recipe_.steps;
    if (done % 100 == 0 || last) {
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
      std::printf("step %lld  loss %.4f bits  %.0f tokens/s\n", static_cast<long long>(done), progress_.recent,
                  static_cast<double>((done - first_) * recipe_.batch * recipe_.model.window) / seconds);
    }
    if (!arguments_.state.empty() && (last || done % arguments_.state_every == 0)) {
      progress_.generator = order_.state();
      progress_.hard = hard_.state();
      progress_.snapshots = optimizer_->snapshots();
      if (auto kept = write_state(arguments_.state, progress_, optimizer_->state(), state_identity()); !kept)
        return kept;
    }
    std::fflush(stdout);
    if (last || arguments_.every == 0 || done % arguments_.every != 0) return ok();
    const auto bits = save();
    if (!bits) return bits.error();
    std::printf("step %lld  validation %.4f %s\n", static_cast<long long>(done), *bits, unit(recipe_.model));
    return ok();
  }

  // Evaluates the mean, as it is and as it will be exported, and writes it as the checkpoint.
  Expected<double> save() {
    Network mean(recipe_.model, arguments_.seed, device_, false, network_.layers());
    mean.parameters() = optimizer_->mean();
    const double bits = validation(mean);
    Metadata metadata = identity();
    metadata["hallmark.steps"] = std::to_string(progress_.step);
    metadata[figure_key(recipe_.model)] = fmt::format("{:.6f}", bits);
    if (text_.predicted_bytes > 0) {
      const double tokens = static_cast<double>(text_.validation.size() - 1);
      const double bpb = bits * tokens / static_cast<double>(text_.predicted_bytes);
      metadata["hallmark.validation.bpb"] = fmt::format("{:.6f}", bpb);
      std::printf("validation %.6f bits per byte, by the pieces of %.0f tokens\n", bpb, tokens);
    }
    if (!recipe_.qat.grid.empty()) {
      if (auto rounded = mean.quantize(rounding(recipe_).value()); !rounded) return rounded.error();
      const double exported = validation(mean);
      metadata[figure_key(recipe_.model) + "." + recipe_.qat.grid] = fmt::format("{:.6f}", exported);
      std::printf("rounded to %s: validation %.6f %s\n", recipe_.qat.grid.c_str(), exported, unit(recipe_.model));
    }
    if (!recipe_.kombucha.grid.empty()) {
      const auto distance = distance_to_codes(optimizer_->mean(), pull_rounding(recipe_).value());
      if (!distance) return distance.error();
      std::printf("distance to %s codes: %.6f\n", recipe_.kombucha.grid.c_str(), distance->mean);
    }
    if (arguments_.output.empty()) return bits;
    const auto written = write_model(arguments_.output, true, recipe_.model, to_weights(optimizer_->mean()), metadata);
    if (!written) return written.error();
    return bits;
  }

  // Two assertions: training took a quarter of the bits away, and the binary64 replay of the written file gives the
  // validation figure that LibTorch gave in binary32.
  Status check(double before, double after) const {
    constexpr double fallen = 0.75, agreement = 1e-4;
    const auto model = load_model(arguments_.output, Reads::tokens);
    if (!model) return model.error();
    const auto replayed = bits_per_token(*model, text_.validation, model->config().window);
    if (!replayed) return replayed.error();
    std::printf("validation %.4f %s before training, %.6f after, %.6f by the replay\n", before, unit(recipe_.model),
                after, *replayed);
    if (!(std::abs(*replayed - after) < agreement))
      return Error{Exit::contract, error_number::replay_disagrees, "trainer and replay disagree on one checkpoint",
                   std::to_string(after) + " and " + std::to_string(*replayed), "compare network.cpp with forward.cpp"};
    if (!(after < fallen * before))
      return Error{Exit::contract, error_number::loss_did_not_fall, "the loss did not fall",
                   std::to_string(before) + " to " + std::to_string(after), "see the steps above"};
    std::printf("PASS: the loss fell, and trainer and replay agree\n");
    return ok();
  }

  const Arguments& arguments_;
  const Recipe recipe_;
  Text text_;
  WindowOrder order_;
  HardBatches hard_;
  torch::Device device_;
  Network network_;
  std::optional<Optimizer> optimizer_;
  Progress progress_;
  std::int64_t first_ = 0;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace

Status train(const Arguments& arguments) {
  const auto recipe = load_recipe(arguments.recipe);
  if (!recipe) return recipe.error();
  if (!arguments.start.empty() && recipe->depth.size() > 1)
    return Error{Exit::usage, error_number::command_line, "a network that grows cannot start with trained blocks",
                 arguments.recipe + ": depth, and --start " + arguments.start, "leave one of the two out"};
  if (!arguments.pieces.empty() && recipe->model.vocab == 256)
    return Error{Exit::usage, error_number::command_line, "a model of bytes, and the pieces of tokens",
                 arguments.recipe + ": vocab 256, and --pieces " + arguments.pieces, "leave --pieces out"};
  auto text = read_text(arguments.text, arguments.pieces, *recipe);
  if (!text) return text.error();
  auto order = WindowOrder::create(*recipe, text->train.size(), arguments.seed, text->costs);
  if (!order) return order.error();
  torch::set_num_threads(arguments.threads);
  return Training(arguments, *recipe, std::move(*text), std::move(*order)).run();
}

}  // namespace hallmark::trainer
