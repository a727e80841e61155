// Recipes: what they may say, what each step does by them, which windows it reads, and where weights are pulled to.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include <nlohmann/json.hpp>

#include "../io/temporary_folder.hpp"
#include "hard_batches.hpp"
#include "kombucha.hpp"
#include "method/quantized.hpp"
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
  CHECK(steps_where(plain, replays).empty());
  CHECK(steps_where(plain, pulls).empty());
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

TEST_CASE("hard batches: 40 steps, then 10 that replay at three times the rate; keep 0 is none") {
  const Recipe recipe = with({{"hard", {{"every", 40}, {"keep", 10}, {"rate", 3}}}});
  const auto again = steps_where(recipe, replays);
  REQUIRE(again.size() == 20);
  CHECK(again.front() == 40);
  CHECK(again[9] == 49);
  CHECK(again[10] == 90);
  CHECK(schedule(recipe, 39) == 1);
  CHECK(schedule(recipe, 49) == 3);
  CHECK(schedule(recipe, 90) == 1.5);
  CHECK(schedule(recipe, 100) == doctest::Approx(1.0 / 3));
  for (const auto& [step, fresh] : {std::pair(0, 0), {40, 40}, {45, 40}, {50, 40}, {51, 41}, {95, 80}, {119, 99}})
    CHECK(fresh_steps(recipe, step) == fresh);
  CHECK(with({{"hard", {{"every", 40}, {"keep", 10}}}}).hard.rate == 2);
  const Recipe none = with({{"hard", {{"every", 40}, {"keep", 0}}}});
  CHECK(steps_where(none, replays).empty());
  CHECK(fresh_steps(none, 119) == 119);
}

TEST_CASE("the Kombucha objective's weight rises over the last share of the steps, and arrives") {
  const Recipe recipe = with({{"kombucha", {{"grid", "int6"}, {"weight", 6}, {"share", 0.1}}}});
  const auto pulled = steps_where(recipe, pulls);
  REQUIRE(pulled.size() == 12);
  CHECK(pulled.front() == 108);
  CHECK(pull_weight(recipe, 108) == 0.5);
  CHECK(pull_weight(recipe, 119) == 6);
  CHECK(pull_rounding(recipe)->scale_rule == "sdclip");
  CHECK(steps_where(with({{"kombucha", {{"grid", "int6"}, {"weight", 6}, {"share", 1}}}}), pulls).size() == 120);
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
  refused({{"hard", {{"every", 8}, {"keep", 9}}}}, "of every at most");
  refused({{"hard", {{"every", 8}, {"keep", -1}}}}, "of every at most");
  refused({{"hard", {{"every", 8}, {"keep", 2}, {"rate", 0}}}}, "a rate above 0");
  refused({{"hard", {{"every", 120}, {"keep", 2}}}}, "no step is left that replays");
  refused({{"hard", {{"every", 8}, {"keep", 2}, {"share", 1}}}}, "unknown key share");
  refused({{"kombucha", {{"grid", "int6"}, {"weight", -1}, {"share", 0.1}}}}, "weight of at least 0");
  refused({{"kombucha", {{"grid", "int6"}, {"weight", 1}, {"share", 1.1}}}}, "share, of the steps");
  refused({{"kombucha", {{"grid", "int6"}, {"weight", 1}, {"share", 0.004}}}}, "no step is left that pulls");
  refused({{"kombucha", {{"grid", "int99"}, {"weight", 1}, {"share", 0.1}}}}, "int99");
  refused({{"kombucha", {{"grid", "gf16"}, {"weight", 1}, {"share", 0.1}}}}, "the points of gf16");
  refused({{"kombucha", {{"grid", "int4z"}, {"weight", 1}, {"share", 0.1}}}}, "the points of int4z");
  refused({{"kombucha", {{"grid", "int6"}, {"weight", 1}, {"share", 0.1}, {"rule", 1}}}}, "unknown key rule");
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
  // Steps that replay visit no window: the turns are the same without them.
  auto replayed = WindowOrder::create(with({{"order", "coprime"}, {"batch", 4}, {"hard", {{"every", 6}, {"keep", 3}}}}),
                                      text, 47, {})
                      .value();
  for (std::int64_t fresh = 0; fresh < 9; ++fresh)
    CHECK(replayed.batch(fresh < 6 ? fresh : fresh + 3) == order.batch(fresh));
}

TEST_CASE("the hardest batches are kept, of equal ones the first, and taken once, the hardest first") {
  const Recipe recipe = with({{"batch", 1}, {"hard", {{"every", 6}, {"keep", 3}}}});
  HardBatches hard(recipe);
  const std::vector<double> losses{2, 5, 3, 5, 1, 3};
  for (std::size_t i = 0; i < losses.size(); ++i) hard.saw(losses[i], {10 * i});
  const std::string kept = hard.state();
  CHECK(kept == "[[5.0,[10]],[5.0,[30]],[3.0,[20]]]");
  CHECK(hard.take().places == std::vector<std::size_t>{10});
  CHECK(hard.take().places == std::vector<std::size_t>{30});
  const auto last = hard.take();
  CHECK(last.loss == 3);
  CHECK(last.places == std::vector<std::size_t>{20});
  CHECK(hard.state() == "[]");

  HardBatches restored(recipe);
  REQUIRE(restored.restore(kept, 6, 30));
  restored.take();
  HardBatches later(recipe);
  REQUIRE(later.restore(restored.state(), 7, 30));  // one of three is replayed
  CHECK(later.take().places == std::vector<std::size_t>{30});
  const auto foreign = [&](const std::string& text, std::int64_t done, std::size_t last_place) {
    return !HardBatches(recipe).restore(text, done, last_place);
  };
  CHECK(foreign(kept, 2, 30));
  CHECK(foreign(kept, 7, 30));
  CHECK(foreign(kept, 6, 29));
  CHECK(foreign(kept.substr(1), 6, 30));
  CHECK(foreign("[[5,[10]],[6,[30]],[3,[20]]]", 6, 30));
  CHECK(foreign("[[5,[10]],[5,[30]],[3,[20,4]]]", 6, 30));
  CHECK(foreign("[[5,[10]],[5,[-30]],[3,[20]]]", 6, 30));
  CHECK(foreign("{}", 0, 30));
  HardBatches none(with({{"batch", 1}}));
  none.saw(1, {0});
  CHECK(none.state() == "[]");
  CHECK(none.restore("[]", 50, 30));
}

TEST_CASE("what pulls at a matrix is the gradient of its distance to the multiples of each row's step") {
  const Options options = pull_rounding(with({{"kombucha", {{"grid", "int4"}, {"weight", 1}, {"share", 1}}}})).value();
  Matrix<float> W = Matrix<float>::Zero(3, 16);  // a row of zeros, and one with a weight beyond the grid
  for (Index j = 0; j < W.cols(); ++j) {
    W(0, j) = std::sin(3.0f * static_cast<float>(j) + 1);
    W(2, j) = 0.01f * static_cast<float>(j % 5) - 0.02f;
  }
  W(2, 7) = 2;
  const Steps steps = checked_steps(W, options, std::nullopt).value();
  const auto squares = [&](Index i, Index j, double w) {
    const double in_steps = w / steps.scale(i, j);
    return (in_steps - std::round(in_steps)) * (in_steps - std::round(in_steps));
  };
  const auto pull = pull_to_codes(W, options);
  REQUIRE(pull);
  double sum = 0;
  for (Index i = 0; i < W.rows(); ++i)
    for (Index j = 0; j < W.cols(); ++j) {
      sum += squares(i, j, W(i, j));
      const double h = 1e-4, slope = (squares(i, j, W(i, j) + h) - squares(i, j, W(i, j) - h)) / (2 * h);
      CHECK(pull->gradient(i, j) == doctest::Approx(slope).epsilon(1e-5));
    }
  CHECK(sum > 0.1);
  CHECK(options.grid.clipped(W(2, 7), steps.at(2, 7)));
  CHECK(pull->squares == doctest::Approx(sum));
  W(1, 2) = std::numeric_limits<float>::quiet_NaN();
  CHECK(pull_to_codes(W, options).error().number == 350);
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
