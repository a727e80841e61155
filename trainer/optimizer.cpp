#include "optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace hallmark::trainer {

namespace {

// Five steps of the quintic Newton-Schulz iteration on each of u [count, rows, cols], rows <= cols: the singular values
// go near 1.
torch::Tensor orthogonalized(const torch::Tensor& u) {
  auto x = u / (u.square().sum({1, 2}, true).sqrt() + 1e-7);
  for (int i = 0; i < 5; ++i) {
    const auto a = torch::bmm(x, x.transpose(1, 2));
    const auto b = torch::baddbmm(a, a, a, -4.7750, 2.0315);
    x = torch::baddbmm(x, b, x, 3.4445, 1.0);
  }
  return x;
}

}  // namespace

Optimizer::Optimizer(Parameters& parameters, const Recipe& recipe) : recipe_(recipe) {
  for (auto& [name, weight] : parameters) {
    const auto value = weight.detach();
    Entry entry{name, weight, value.clone(), torch::zeros_like(value), {}, false, recipe.adam.scalar_rate};
    if (is_block_matrix(name, value)) {
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

// Matrices of one shape, or turned to it, are made orthogonal together.
void Optimizer::muon(const Group& group, double multiplier, double momentum) {
  std::vector<torch::Tensor> updates;
  for (const Entry* entry : group) {
    const auto gradient = entry->weight.grad();
    entry->first.mul_(momentum).add_(gradient);
    const auto update = gradient + entry->first * momentum;
    updates.push_back(update.size(0) > update.size(1) ? update.t() : update);
  }
  const auto all = orthogonalized(torch::stack(updates));
  for (std::size_t i = 0; i < group.size(); ++i) {
    auto& weight = group[i]->weight;
    const double rate = group[i]->rate * multiplier;
    const double shape =
        std::sqrt(std::max(1.0, static_cast<double>(weight.size(0)) / static_cast<double>(weight.size(1))));
    const auto update = all[static_cast<std::int64_t>(i)];
    weight.mul_(1.0 - rate * recipe_.muon.decay)
        .add_(weight.size(0) > weight.size(1) ? update.t() : update, -rate * shape);
  }
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
  std::map<std::pair<std::int64_t, std::int64_t>, Group> groups;
  for (Entry& entry : entries_) {
    if (!entry.weight.grad().defined()) continue;  // of a layer that does not take part yet
    if (!entry.muon) adam(entry, multiplier, index);
    else groups[std::minmax(entry.weight.size(0), entry.weight.size(1))].push_back(&entry);
  }
  for (const auto& [shape, group] : groups) muon(group, multiplier, momentum);
  follow(index);
  for (Entry& entry : entries_) entry.weight.mutable_grad().reset();
}

void Optimizer::follow(std::int64_t index) {
  // The running mean starts as a plain one, so that early checkpoints do not hold the first random weights.
  double keep = std::min(recipe_.ema, static_cast<double>(index) / static_cast<double>(index + 10));
  if (recipe_.swa.every > 0) {
    const bool snapshot = takes_snapshot(recipe_, index);
    if (!snapshot && snapshots_ > 0) return;
    keep = static_cast<double>(snapshots_) / static_cast<double>(snapshots_ + 1);
    snapshots_ += snapshot;
  }
  for (Entry& entry : entries_) entry.mean.mul_(keep).add_(entry.weight.detach(), 1.0 - keep);
}

Parameters Optimizer::state() const {
  Parameters all;
  for (const Entry& entry : entries_) {
    all["weight." + entry.name] = entry.weight.detach();
    all["mean." + entry.name] = entry.mean;
    all["first." + entry.name] = entry.first;
    if (!entry.muon) all["second." + entry.name] = entry.second;
  }
  return all;
}

}  // namespace hallmark::trainer
