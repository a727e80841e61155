#include "recipe.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

#include "base/error_numbers.hpp"

namespace hallmark::trainer {

namespace {

// Takes keys out of an object one by one, so that what is left over is a misspelling.
class Fields {
 public:
  explicit Fields(nlohmann::json object) : object_(std::move(object)) {}
  template <class T>
  void take(const char* key, T& value) {
    value = object_.at(key).get<T>();
    object_.erase(key);
  }
  bool has(const char* key) const { return object_.contains(key); }
  Fields object(const char* key) {
    nlohmann::json inner;
    take(key, inner);
    return Fields(inner);
  }
  void done() const {
    if (!object_.empty()) throw std::invalid_argument("unknown key " + object_.begin().key());
  }

 private:
  nlohmann::json object_;
};

// One of some words.
template <class T>
T word(Fields& fields, const char* key, std::initializer_list<std::pair<const char*, T>> words) {
  std::string found;
  fields.take(key, found);
  for (const auto& [name, value] : words)
    if (found == name) return value;
  throw std::invalid_argument(std::string(key) + " cannot be " + found);
}

void take_extras(Fields& all, Recipe& recipe) {
  if (all.has("init")) recipe.orthogonal = word<bool>(all, "init", {{"normal", false}, {"orthogonal", true}});
  if (all.has("swa")) {
    Fields swa = all.object("swa");
    swa.take("every", recipe.swa.every);
    swa.take("below", recipe.swa.below);
    swa.done();
  }
  if (all.has("qat")) {
    Fields qat = all.object("qat");
    qat.take("grid", recipe.qat.grid);
    qat.take("below", recipe.qat.below);
    qat.done();
  }
  if (all.has("hard")) {
    Fields hard = all.object("hard");
    hard.take("every", recipe.hard.every);
    hard.take("keep", recipe.hard.keep);
    if (hard.has("rate")) hard.take("rate", recipe.hard.rate);
    hard.done();
  }
  if (all.has("kombucha")) {
    Fields kombucha = all.object("kombucha");
    kombucha.take("grid", recipe.kombucha.grid);
    kombucha.take("weight", recipe.kombucha.weight);
    kombucha.take("share", recipe.kombucha.share);
    kombucha.done();
  }
  using Order = Recipe::Order;
  if (all.has("order"))
    recipe.order = word<Order>(
        all, "order", {{"random", Order::random}, {"coprime", Order::coprime}, {"curriculum", Order::curriculum}});
  if (all.has("curriculum")) {
    Fields curriculum = all.object("curriculum");
    curriculum.take("buckets", recipe.curriculum.buckets);
    curriculum.take("floor", recipe.curriculum.floor);
    curriculum.done();
    if (recipe.order != Order::curriculum) throw std::invalid_argument("curriculum, and another order of windows");
  }
  if (all.has("depth")) {
    nlohmann::json stages;
    all.take("depth", stages);
    for (const auto& stage : stages) {
      Fields fields(stage);
      fields.take("share", recipe.depth.emplace_back().share);
      fields.take("layers", recipe.depth.back().layers);
      fields.done();
    }
  }
}

Recipe parse(const nlohmann::json& json, const ModelConfig& model) {
  Recipe recipe{};
  recipe.model = model;
  recipe.source = json;
  Fields all(json);
  all.object("model");
  all.take("batch", recipe.batch);
  all.take("steps", recipe.steps);
  all.take("warmup", recipe.warmup);
  all.take("warmdown", recipe.warmdown);
  Fields muon = all.object("muon");
  muon.take("rate", recipe.muon.rate);
  muon.take("momentum", recipe.muon.momentum);
  muon.take("momentum_start", recipe.muon.momentum_start);
  muon.take("momentum_steps", recipe.muon.momentum_steps);
  muon.take("decay", recipe.muon.decay);
  muon.done();
  Fields adam = all.object("adam");
  adam.take("embedding_rate", recipe.adam.embedding_rate);
  adam.take("table_rate", recipe.adam.table_rate);
  adam.take("scalar_rate", recipe.adam.scalar_rate);
  adam.take("beta1", recipe.adam.beta1);
  adam.take("beta2", recipe.adam.beta2);
  adam.take("decay", recipe.adam.decay);
  adam.done();
  all.take("ema", recipe.ema);
  take_extras(all, recipe);
  all.done();
  return recipe;
}

// What the stages of the depth say against themselves or the model; empty: nothing.
std::string stages_fault(const Recipe& r) {
  if (r.depth.empty()) return {};
  double sum = 0;
  std::int64_t before = 0;
  for (const auto& [share, layers] : r.depth) {
    if (!(share > 0) || layers <= before) return "depth: shares above 0, and more layers in each stage";
    sum += share;
    before = layers;
  }
  if (std::abs(sum - 1) > 1e-9) return "depth: the shares do not sum to 1";
  if (before != r.model.layers) return "depth: the last stage has not the model's layers";
  if (r.model.skip_gates && r.depth.size() > 1) return "depth and skip_gates: a gate cannot start closed";
  return {};
}

// The last steps, in which the Kombucha objective is part of what is trained on.
std::int64_t pulling_steps(const Recipe& recipe) {
  return std::llround(recipe.kombucha.share * static_cast<double>(recipe.steps));
}

// What replay and objective say against themselves or the steps; empty: nothing.
std::string extras_fault(const Recipe& r) {
  const auto& [every, keep, rate] = r.hard;
  if (keep < 0 || keep > every) return "hard: keep is a number of batches, of every at most";
  if (!(rate > 0)) return "hard: a rate above 0, times the learning rate";
  if (keep > 0 && every >= r.steps) return "hard: no step is left that replays";
  if (!(r.kombucha.weight >= 0)) return "kombucha: a weight of at least 0";
  if (!(r.kombucha.share >= 0 && r.kombucha.share <= 1)) return "kombucha: share, of the steps, is from 0 to 1";
  if (r.kombucha.grid.empty()) return {};
  if (pulling_steps(r) < 1) return "kombucha: no step is left that pulls";
  const auto known = pull_rounding(r);
  if (known && (!known->grid.is_integer() || known->grid.spec().zero_points))
    return "kombucha: the points of " + r.kombucha.grid + " are not the multiples of a step";
  return {};
}

// What entries say against each other; empty: nothing.
std::string contradiction(const Recipe& r) {
  if (r.batch < 1 || r.steps < 1) return "batch and steps are at least 1";
  if (!(r.ema >= 0 && r.ema < 1)) return "ema: from 0 to below 1";
  for (const double below : {r.swa.below, r.qat.below})
    if (!(below >= 0 && below <= 1)) return "below: from 0 to 1, a share of the learning rate";
  if (r.swa.every < 0) return "swa: every is a number of steps";
  if (r.swa.every > 0 && r.ema > 0) return "swa and ema: only one mean can be kept; write \"ema\": 0";
  const auto some = [&](auto happens) {
    for (std::int64_t step = 0; step < r.steps; ++step)
      if (happens(r, step)) return true;
    return false;
  };
  if (r.swa.every > 0 && !some(takes_snapshot)) return "swa: no step is left to take a snapshot";
  if (!r.qat.grid.empty() && !some(quantizes)) return "qat: no step is left that rounds";
  const auto& [buckets, floor] = r.curriculum;
  if (buckets < 2 || !(floor >= 0 && floor <= 1)) return "curriculum: at least 2 buckets, a floor from 0 to 1";
  if (r.order == Recipe::Order::curriculum && r.model.vocab != 256)
    return "order curriculum: the count model that tells easy windows reads bytes";
  if (const auto fault = extras_fault(r); !fault.empty()) return fault;
  return stages_fault(r);
}

Error no_recipe(const std::string& where, const std::string& reason) {
  return {Exit::usage, error_number::command_line, "the file is not a recipe", where + ": " + reason,
          "compare it with trainer/recipe.json and docs/replay.md"};
}

}  // namespace

double warmdown(const Recipe& recipe, std::int64_t step) {
  if (recipe.warmdown <= 0) return 1;
  return std::min(1.0, static_cast<double>(recipe.steps - step) / static_cast<double>(recipe.warmdown));
}

double schedule(const Recipe& recipe, std::int64_t step) {
  const double warm =
      recipe.warmup > 0 ? std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(recipe.warmup)) : 1.0;
  return warm * warmdown(recipe, step) * (replays(recipe, step) ? recipe.hard.rate : 1);
}

std::int64_t layers_at(const Recipe& recipe, std::int64_t step) {
  double share = 0;
  for (const auto& stage : recipe.depth) {
    share += stage.share;
    if (static_cast<double>(step) < share * static_cast<double>(recipe.steps)) return stage.layers;
  }
  return recipe.model.layers;
}

bool takes_snapshot(const Recipe& recipe, std::int64_t step) {
  return recipe.swa.every > 0 && (step + 1) % recipe.swa.every == 0 && warmdown(recipe, step) < recipe.swa.below;
}

bool quantizes(const Recipe& recipe, std::int64_t step) {
  return !recipe.qat.grid.empty() && warmdown(recipe, step) < recipe.qat.below;
}

Expected<Options> rounding(const Recipe& recipe) {
  auto grid = Grid::parse(recipe.qat.grid);
  if (!grid) return grid.error();
  return Options{.grid = *grid, .method = "rtn"};
}

bool replays(const Recipe& recipe, std::int64_t step) {
  const auto& [every, keep, rate] = recipe.hard;
  return keep > 0 && step % (every + keep) >= every;
}

std::int64_t fresh_steps(const Recipe& recipe, std::int64_t step) {
  const auto& [every, keep, rate] = recipe.hard;
  if (keep == 0) return step;
  return step / (every + keep) * every + std::min(step % (every + keep), every);
}

bool pulls(const Recipe& recipe, std::int64_t step) {
  return !recipe.kombucha.grid.empty() && step >= recipe.steps - pulling_steps(recipe);
}

double pull_weight(const Recipe& recipe, std::int64_t step) {
  const std::int64_t all = pulling_steps(recipe), before = recipe.steps - all;
  return recipe.kombucha.weight * static_cast<double>(step + 1 - before) / static_cast<double>(all);
}

Expected<Options> pull_rounding(const Recipe& recipe) {
  auto grid = Grid::parse(recipe.kombucha.grid);
  if (!grid) return grid.error();
  return Options{.grid = *grid, .method = "rtn", .scale_rule = "sdclip"};
}

Expected<Recipe> parse_recipe(const std::string& text, const std::string& where) {
  try {
    const auto json = nlohmann::json::parse(text);
    const auto model = parse_config(json.at("model").dump(), where, Reads::tokens);
    if (!model) return model.error();
    Recipe recipe = parse(json, *model);
    if (const auto fault = contradiction(recipe); !fault.empty()) return no_recipe(where, fault);
    if (!recipe.qat.grid.empty())
      if (const auto known = rounding(recipe); !known) return located(where, known.error());
    if (!recipe.kombucha.grid.empty())
      if (const auto known = pull_rounding(recipe); !known) return located(where, known.error());
    return recipe;
  } catch (const std::exception& failure) {
    return no_recipe(where, failure.what());
  }
}

Expected<Recipe> load_recipe(const std::string& path) {
  std::ifstream stream(path);
  if (!stream)
    return Error{Exit::io, error_number::cannot_read, "the recipe cannot be read", path,
                 "check its name and permissions"};
  return parse_recipe({std::istreambuf_iterator<char>(stream), {}}, path);
}

}  // namespace hallmark::trainer
