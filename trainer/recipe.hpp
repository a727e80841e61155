// The recipe of one training: everything that, with the seed and the text, makes a checkpoint.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "method/options.hpp"
#include "replay/model.hpp"

namespace hallmark::trainer {

struct Recipe {
  ModelConfig model;
  std::int64_t batch;  ///< windows per step
  std::int64_t steps, warmup, warmdown;
  struct {
    double rate, momentum, momentum_start;
    std::int64_t momentum_steps;
    double decay;
  } muon;
  struct {
    double embedding_rate, table_rate, scalar_rate, beta1, beta2, decay;
  } adam;
  double ema;  ///< share of the running mean that stays after a step; 0: the weights themselves

  /// The rest need not be said; what is not said is off.
  bool orthogonal = false;  ///< matrices of the blocks start orthogonal (output projections at zero all the same)
  struct {
    std::int64_t every = 0;  ///< steps between snapshots; 0: none
    double below = 0;        ///< of warmdown(): snapshots are taken from there on
  } swa;                     ///< the plain mean of snapshots is kept, instead of the running mean
  struct {
    std::string grid;  ///< empty: none
    double below = 0;  ///< of warmdown(): the matrices of the blocks are rounded from there on
  } qat;
  enum class Order { random, coprime, curriculum } order = Order::random;  ///< of windows (windows.hpp)
  struct {
    std::size_t buckets = 10;
    double floor = 0.02;
  } curriculum;
  struct {
    std::int64_t every = 0;  ///< steps with windows of the order between two replays
    std::int64_t keep = 0;   ///< batches that a replay trains on again, each in a step of its own; 0: no replay
    double rate = 2;         ///< times the learning rate, in these steps
  } hard;                    ///< hard_batches.hpp
  struct {
    std::string grid;   ///< empty: none
    double weight = 0;  ///< of the objective beside the loss, in the last step
    double share = 0;   ///< of the steps, the last ones, in which it rises from 0 to that
  } kombucha;           ///< kombucha.hpp
  struct Stage {
    double share;  ///< of the steps
    std::int64_t layers;
  };
  std::vector<Stage> depth;  ///< empty: all layers from the first step on

  nlohmann::json source;  ///< the recipe as it was read, for the checkpoint's metadata
};

/// Share of the learning rate that the warm-down leaves in a step (from 0): 1, then linearly to 0 after the last.
double warmdown(const Recipe& recipe, std::int64_t step);
/// Multiplier of the learning rates: linear warm-up times warm-down, and in a replay times its own.
double schedule(const Recipe& recipe, std::int64_t step);
/// Layers that take part in a step.
std::int64_t layers_at(const Recipe& recipe, std::int64_t step);
bool takes_snapshot(const Recipe& recipe, std::int64_t step);
bool quantizes(const Recipe& recipe, std::int64_t step);
/// How the exporter rounds the matrices, by which the trainer rounds them: to nearest, by the grid's default rule.
Expected<Options> rounding(const Recipe& recipe);
/// Whether a step trains on a hard batch again: the last `keep` of each `every + keep` steps do.
bool replays(const Recipe& recipe, std::int64_t step);
/// Steps before this one that read windows of the order.
std::int64_t fresh_steps(const Recipe& recipe, std::int64_t step);
/// Whether the Kombucha objective is part of a step's, and with what weight.
bool pulls(const Recipe& recipe, std::int64_t step);
double pull_weight(const Recipe& recipe, std::int64_t step);
/// Whose points it pulls to: those of round to nearest by rule sdclip, k standard deviations of a row to the last code.
Expected<Options> pull_rounding(const Recipe& recipe);

/// Errors: E0201 not a recipe, or one that contradicts itself; E0393 not a model. `where` names the file.
Expected<Recipe> parse_recipe(const std::string& json, const std::string& where);
/// The same of a file. Errors: E0901 unreadable.
Expected<Recipe> load_recipe(const std::string& path);

}  // namespace hallmark::trainer
