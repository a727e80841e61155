#include "optimizer.hpp"

#include <algorithm>
#include <cmath>

namespace hallmark::trainer {

namespace {

// Five steps of the quintic Newton-Schulz iteration: the singular values of u go near 1.
torch::Tensor orthogonalized(const torch::Tensor& u) {
  const bool tall = u.size(0) > u.size(1);
  auto x = tall ? u.t() : u;
  x = x / (x.norm() + 1e-7);
  for (int i = 0; i < 5; ++i) {
    const auto a = torch::mm(x, x.t());
    const auto b = torch::addmm(a, a, a, -4.7750, 2.0315);
    x = torch::addmm(x, b, x, 3.4445, 1.0);
  }
  return tall ? x.t() : x;
}

}  // namespace

double schedule(const Recipe& recipe, std::int64_t index) {
  const auto ratio = [](std::int64_t a, std::int64_t b) {
    return b > 0 ? std::min(1.0, static_cast<double>(a) / static_cast<double>(b)) : 1.0;
  };
  return ratio(index + 1, recipe.warmup) * ratio(recipe.steps - index, recipe.warmdown);
}

Optimizer::Optimizer(Parameters& parameters, const Recipe& recipe) : recipe_(recipe) {
  for (auto& [name, weight] : parameters) {
    const auto value = weight.detach();
    Entry entry{weight, value.clone(), torch::zeros_like(value), {}, false, recipe.adam.scalar_rate};
    if (name.starts_with("blocks.") && value.dim() == 2) {
      entry.muon = true;
      entry.rate = recipe.muon.rate;
    } else if ((name.starts_with("bigram.") || name.starts_with("ve_shared.")) && value.dim() == 2) {
      entry.rate = recipe.adam.table_rate;
    } else if (value.dim() == 2) {
      entry.rate = recipe.adam.embedding_rate;
    }
    if (!entry.muon) entry.second = torch::zeros_like(value);
    mean_[name] = entry.mean;
    entries_.push_back(std::move(entry));
  }
}

void Optimizer::muon(Entry& entry, double multiplier, double momentum) {
  const auto gradient = entry.weight.grad();
  entry.first.mul_(momentum).add_(gradient);
  const auto update = orthogonalized(gradient + entry.first * momentum);
  const double rate = entry.rate * multiplier;
  const double shape =
      std::sqrt(std::max(1.0, static_cast<double>(update.size(0)) / static_cast<double>(update.size(1))));
  entry.weight.mul_(1.0 - rate * recipe_.muon.decay).add_(update, -rate * shape);
}

void Optimizer::adam(Entry& entry, double multiplier, std::int64_t index) {
  const auto& options = recipe_.adam;
  const auto gradient = entry.weight.grad();
  const double power = static_cast<double>(index + 1);
  const double rate = entry.rate * multiplier;
  entry.first.mul_(options.beta1).add_(gradient, 1.0 - options.beta1);
  entry.second.mul_(options.beta2).addcmul_(gradient, gradient, 1.0 - options.beta2);
  const auto root = (entry.second / (1.0 - std::pow(options.beta2, power))).sqrt_().add_(1e-8);
  entry.weight.mul_(1.0 - rate * options.decay)
      .addcdiv_(entry.first, root, -rate / (1.0 - std::pow(options.beta1, power)));
}

void Optimizer::step(std::int64_t index) {
  torch::NoGradGuard no_gradient;
  const double multiplier = schedule(recipe_, index);
  const auto& options = recipe_.muon;
  const double warm = std::min(
      1.0, static_cast<double>(index) / static_cast<double>(std::max<std::int64_t>(1, options.momentum_steps)));
  const double momentum = options.momentum_start + warm * (options.momentum - options.momentum_start);
  // The mean starts as a plain one, so that early checkpoints do not hold the first random weights.
  const double keep = std::min(recipe_.ema, static_cast<double>(index) / static_cast<double>(index + 10));
  for (Entry& entry : entries_) {
    if (entry.muon) muon(entry, multiplier, momentum);
    else adam(entry, multiplier, index);
    entry.mean.mul_(keep).add_(entry.weight.detach(), 1.0 - keep);
    entry.weight.mutable_grad().reset();
  }
}

}  // namespace hallmark::trainer
