// The recipe of one training: everything that, with the seed and the text, makes a checkpoint.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.hpp"
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
  double ema;
  nlohmann::json source;  ///< the recipe as it was read, for the checkpoint's metadata
};

/// Reads a recipe; every key is required and no other is allowed. Errors: E0901 unreadable, E0201 not a recipe, E0393
/// not a model.
Expected<Recipe> load_recipe(const std::string& path);

}  // namespace hallmark::trainer
