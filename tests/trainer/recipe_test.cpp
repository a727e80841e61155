// Recipes: what they may say, what each step does by them, and which windows it reads.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include <nlohmann/json.hpp>

#include "../io/temporary_folder.hpp"
#include "recipe.hpp"
#include "windows.hpp"

using namespace hallmark;
using namespace hallmark::trainer;
using nlohmann::json;

namespace {

json tiny() { return json::parse(test::read_file("trainer/recipe-tiny.json")); }

// The tiny recipe with some of its entries replaced.
Recipe with(const json& entries) {
  json all = tiny();
  all.update(entries, true);
  const auto recipe = parse_recipe(all.dump(), "here");
  REQUIRE(recipe);
  return *recipe;
}

void refused(const json& entries, const std::string& said) {
  json all = tiny();
  all.update(entries, true);
  CAPTURE(all.dump());
  const auto recipe = parse_recipe(all.dump(), "here");
  REQUIRE(!recipe);
  const std::string printed = to_string(recipe.error());
  CAPTURE(printed);
  CHECK(printed.find(said) != std::string::npos);
  CHECK(printed.find("here: ") != std::string::npos);
}

std::vector<std::int64_t> steps_where(const Recipe& recipe, bool (*happens)(const Recipe&, std::int64_t)) {
  std::vector<std::int64_t> steps;
  for (std::int64_t step = 0; step < recipe.steps; ++step)
    if (happens(recipe, step)) steps.push_back(step);
  return steps;
}

}  // namespace

TEST_CASE("the recipes that ship are recipes; those without extras ask for none") {
  for (const char* name : {"recipe", "recipe-tiny", "recipe-published", "recipe-stack-small"}) {
    CAPTURE(name);
    REQUIRE(load_recipe("trainer/" + std::string(name) + ".json"));
  }
  const Recipe plain = with(json::object());
  CHECK(!plain.orthogonal);
  CHECK(plain.order == Recipe::Order::random);
  CHECK(steps_where(plain, takes_snapshot).empty());
  CHECK(steps_where(plain, quantizes).empty());
  CHECK(layers_at(plain, 0) == 2);
  CHECK(load_recipe("trainer/absent.json").error().number == 901);
  // Small enough to ship beside the three, and to be compared with them at equal parameters.
  std::size_t parameters = 0;
  for (const auto& [key, weight] : zero_weights(load_recipe("trainer/recipe-stack-small.json")->model))
    parameters += static_cast<std::size_t>(weight.values.size());
  CHECK(parameters <= 895249);
}

TEST_CASE("the rates, by hand: 10 steps up, and down over the last 60 of 120") {
  const Recipe recipe = with(json::object());
  CHECK(schedule(recipe, 0) == 0.1);
  CHECK(warmdown(recipe, 0) == 1);
  CHECK(schedule(recipe, 60) == 1);
  CHECK(schedule(recipe, 90) == 0.5);
  CHECK(schedule(recipe, 119) == doctest::Approx(1.0 / 60));
}

TEST_CASE("late rounding, snapshots and depth happen in the steps that the recipe says") {
  const Recipe late = with({{"qat", {{"grid", "int6"}, {"below", 0.15}}}});
  const auto rounds = steps_where(late, quantizes);
  REQUIRE(rounds.size() == 8);  // (120 - step) / 60 < 0.15
  CHECK(rounds.front() == 112);
  CHECK(rounding(late)->scale_rule == "absmax");
  const Recipe means = with({{"ema", 0}, {"swa", {{"every", 5}, {"below", 0.2}}}});
  CHECK(steps_where(means, takes_snapshot) == std::vector<std::int64_t>{109, 114, 119});
  const Recipe grown = with({{"depth", {{{"share", 0.25}, {"layers", 1}}, {{"share", 0.75}, {"layers", 2}}}}});
  CHECK(layers_at(grown, 29) == 1);
  CHECK(layers_at(grown, 30) == 2);
  CHECK(layers_at(grown, 119) == 2);
}

TEST_CASE("recipes that contradict themselves, or say what nobody reads, are refused by what they say") {
  refused({{"swa", {{"every", 5}, {"below", 0.2}}}}, "swa and ema");
  refused({{"ema", 0}, {"swa", {{"every", 500}, {"below", 0.2}}}}, "no step is left to take a snapshot");
  refused({{"ema", 0}, {"swa", {{"every", 5}, {"below", 1.2}}}}, "below");
  refused({{"qat", {{"grid", "int6"}, {"below", 0.001}}}}, "no step is left that rounds");
  refused({{"warmdown", 0}, {"qat", {{"grid", "int6"}, {"below", 0.15}}}}, "no step is left that rounds");
  refused({{"qat", {{"grid", "int99"}, {"below", 0.15}}}}, "int99");
  refused({{"qat", {{"grid", "int6"}, {"below", 0.15}, {"from", 3}}}}, "unknown key from");
  refused({{"ema", 1}}, "ema");
  refused({{"batch", 0}}, "batch");
  refused({{"init", "xavier"}}, "init cannot be xavier");
  refused({{"order", "sorted"}}, "order cannot be sorted");
  refused({{"curriculum", {{"buckets", 4}, {"floor", 0.02}}}}, "another order");
  refused({{"order", "curriculum"}, {"curriculum", {{"buckets", 1}, {"floor", 0.02}}}}, "at least 2 buckets");
  refused({{"order", "curriculum"}, {"model", {{"vocab", 300}}}}, "reads bytes");
  refused({{"depth", {{{"share", 1}, {"layers", 1}}}}}, "has not the model's layers");
  refused({{"depth", {{{"share", 0.5}, {"layers", 1}}, {{"share", 0.4}, {"layers", 2}}}}}, "do not sum to 1");
  refused({{"depth", {{{"share", 0.5}, {"layers", 2}}, {{"share", 0.5}, {"layers", 2}}}}}, "more layers");
  refused({{"model", {{"skip_gates", true}}},
           {"depth", {{{"share", 0.5}, {"layers", 1}}, {{"share", 0.5}, {"layers", 2}}}}},
          "skip_gates");
  refused({{"model", {{"xsa_layers", 3}}}}, "xsa_layers 3");
  refused({{"loops", 2}}, "unknown key loops");
}

TEST_CASE("shares of the buckets: check values, the floor, and the sum") {
  const auto start = bucket_shares(10, 0.02, 0), middle = bucket_shares(10, 0.02, 0.5),
             end = bucket_shares(10, 0.02, 1);
  CHECK(start[0] == doctest::Approx(0.19920).epsilon(1e-4));
  CHECK(start[1] == doctest::Approx(0.17707).epsilon(1e-4));
  CHECK(start[8] == doctest::Approx(0.02213).epsilon(1e-3));
  CHECK(start[9] == doctest::Approx(0.00398).epsilon(1e-3));
  for (const double share : middle) CHECK(share == doctest::Approx(0.1));
  for (std::size_t b = 0; b < 10; ++b) CHECK(end[b] == doctest::Approx(start[9 - b]));
  const auto quarter = bucket_shares(10, 0.02, 0.25);
  CHECK(quarter[0] == doctest::Approx(0.15));
  CHECK(quarter[1] == doctest::Approx(0.13889).epsilon(1e-4));
  CHECK(quarter[9] == doctest::Approx(0.05));
  CHECK(std::accumulate(quarter.begin(), quarter.end(), 0.0) == doctest::Approx(1));
}

TEST_CASE("buckets: the cheapest windows first, sizes that differ by one at most, equal costs in order") {
  const auto parts = cost_buckets({5, 1, 4, 1, 3, 9, 2}, 3);
  REQUIRE(parts.size() == 3);
  CHECK(parts[0] == std::vector<std::size_t>{1, 3, 6});
  CHECK(parts[1] == std::vector<std::size_t>{4, 2});
  CHECK(parts[2] == std::vector<std::size_t>{0, 5});
}

TEST_CASE("coprime: each window once in a turn, in another order in each, and seeds differ") {
  const Recipe recipe = with({{"order", "coprime"}, {"batch", 4}});
  const std::size_t text = 64 * 36 + 1;  // 36 windows
  REQUIRE(WindowOrder::side_by_side(text, 64) == 36);
  REQUIRE(WindowOrder::side_by_side(text - 1, 64) == 35);
  const auto turn = [&](WindowOrder& order, std::int64_t first) {
    std::vector<std::size_t> places;
    for (std::int64_t step = first; step < first + 9; ++step)
      for (const std::size_t place : order.batch(step)) places.push_back(place);
    std::vector<std::size_t> sorted = places;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < 36; ++i) CHECK(sorted[i] == 64 * i);
    return places;
  };
  auto order = WindowOrder::create(recipe, text, 47, {}).value(),
       other = WindowOrder::create(recipe, text, 48, {}).value();
  const auto first = turn(order, 0), second = turn(order, 9);
  CHECK(first != second);
  CHECK(turn(other, 0) != first);
  CHECK(turn(order, 0) == first);
  CHECK(WindowOrder::create(recipe, 64 * 3 + 1, 47, {}).error().number == 392);
}

TEST_CASE("curriculum: the shares are those of the draws, early easy and late hard; a restored order goes on alike") {
  const Recipe recipe = with({{"order", "curriculum"}, {"batch", 8}, {"steps", 2000}});
  std::vector<double> costs(100);
  for (std::size_t i = 0; i < costs.size(); ++i) costs[i] = static_cast<double>((i * 37) % 100);
  auto order = WindowOrder::create(recipe, 64 * 100 + 1, 47, costs).value();
  double easy = 0, between = 0, hard = 0;
  for (std::int64_t step = 0; step < 2000; ++step)
    for (const std::size_t place : order.batch(step)) {
      REQUIRE(place % 64 == 0);
      (step < 200 ? easy : step >= 1800 ? hard : between) += costs[place / 64];
    }
  // Mean cost at p = 0.05 and 0.95: sum over buckets of share times the bucket's mean 4.5 + 10 b.
  double expected = 0;
  const auto shares = bucket_shares(10, 0.02, 0.05);
  for (std::size_t b = 0; b < 10; ++b) expected += shares[b] * (4.5 + 10 * static_cast<double>(b));
  CHECK(easy / 1600 == doctest::Approx(expected).epsilon(0.08));
  CHECK(hard / 1600 == doctest::Approx(99 - expected).epsilon(0.04));
  auto again = WindowOrder::create(recipe, 64 * 100 + 1, 47, costs).value();
  for (std::int64_t step = 0; step < 5; ++step) again.batch(step);
  auto restored = WindowOrder::create(recipe, 64 * 100 + 1, 1, costs).value();
  restored.restore(again.state());
  for (std::int64_t step = 5; step < 9; ++step) CHECK(again.batch(step) == restored.batch(step));
  CHECK(WindowOrder::create(recipe, 64 * 9 + 1, 47, {}).error().number == 392);
}

TEST_CASE("random: any place that leaves a window and the token behind it, by the seed alone") {
  const Recipe recipe = with(json::object());
  auto order = WindowOrder::create(recipe, 66, 47, {}).value();
  std::set<std::size_t> seen;
  for (std::int64_t step = 0; step < 20; ++step)
    for (const std::size_t place : order.batch(step)) seen.insert(place);
  CHECK(seen == std::set<std::size_t>{0, 1});
  CHECK(WindowOrder::create(recipe, 64, 47, {}).error().number == 392);
}
