#include "recipe.hpp"

#include <fstream>

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
  all.done();
  return recipe;
}

}  // namespace

Expected<Recipe> load_recipe(const std::string& path) {
  std::ifstream stream(path);
  if (!stream)
    return Error{Exit::io, error_number::cannot_read, "the recipe cannot be read", path,
                 "check its name and permissions"};
  try {
    const auto json = nlohmann::json::parse(stream);
    const auto model = parse_config(json.at("model").dump(), path);
    if (!model) return model.error();
    return parse(json, *model);
  } catch (const std::exception& failure) {
    return Error{Exit::usage, error_number::command_line, "the file is not a recipe", path + ": " + failure.what(),
                 "compare it with trainer/recipe.json"};
  }
}

}  // namespace hallmark::trainer
