// Calibration windows: nested, disjoint, seeded, and from the train split.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "random_model.hpp"
#include "replay/calibration.hpp"

namespace calibration_test {

using namespace hallmark;

namespace {

std::vector<std::uint64_t> list(std::span<const std::uint64_t> values) { return {values.begin(), values.end()}; }

const TrainSplit& train() {
  static const TrainSplit split(test::random_text(1000 * 256 + 17, 51));
  return split;
}

}  // namespace

TEST_CASE("splitmix64: the published first words for seed 1234567") {
  SplitMix64 generator(1234567);
  for (const std::uint64_t word :
       {6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u, 16408922859458223821u})
    CHECK(generator() == word);
  for (int i = 0; i < 1000; ++i) CHECK(generator.below(7) < 7);
}

TEST_CASE("the first N batches and the reconstruction batches do not depend on how many are drawn") {
  const auto few = CalibrationPlan::draw(train(), 47, 16), many = CalibrationPlan::draw(train(), 47, 32);
  REQUIRE(few);
  REQUIRE(many);
  CHECK(list(few->calibration(16)) == list(many->calibration(16)));
  CHECK(list(few->reconstruction()) == list(many->reconstruction()));
  CHECK(many->calibration(32).size() == 512);
  CHECK(many->calibration(0).empty());
  CHECK(many->reconstruction().size() == 128);
  CHECK(std::ranges::equal(many->calibration(16), many->calibration(32).first(256)));
  CHECK(offsets_digest(few->calibration(16)) == offsets_digest(many->calibration(16)));
  CHECK(offsets_digest(many->calibration(16)) != offsets_digest(many->calibration(32)));
}

TEST_CASE("no two windows overlap, and all lie in the split") {
  for (const std::uint64_t seed : {47U, 89U, 144U}) {
    const auto plan = CalibrationPlan::draw(train(), seed, 32);
    REQUIRE(plan);
    auto all = list(plan->calibration(32));
    const auto reconstruction = list(plan->reconstruction());
    all.insert(all.end(), reconstruction.begin(), reconstruction.end());
    std::ranges::sort(all);
    for (std::size_t i = 0; i < all.size(); ++i) {
      CHECK(all[i] + 256 <= train().bytes().size());
      if (i > 0) CHECK(all[i] >= all[i - 1] + 256);
    }
    const auto windows = windows_at(train(), plan->calibration(1));
    REQUIRE(windows.size() == 16);
    for (std::size_t i = 0; i < 16; ++i) {
      CHECK(windows[i].size() == 256);
      CHECK(windows[i].data() == train().bytes().data() + plan->calibration(1)[i]);
    }
  }
}

TEST_CASE("every seed has its own windows") {
  std::set<std::string> digests;
  for (const std::uint64_t seed : {47U, 89U, 144U, 0U, 1U}) {
    const auto plan = CalibrationPlan::draw(train(), seed, 16);
    REQUIRE(plan);
    digests.insert(offsets_digest(plan->calibration(16)));
  }
  CHECK(digests.size() == 5);
}

TEST_CASE("a train split with just enough windows is used up; with one less it is refused") {
  const TrainSplit enough(test::random_text((8 + 2) * 16 * 256, 52)),
      less(test::random_text((8 + 2) * 16 * 256 - 1, 52));
  const auto plan = CalibrationPlan::draw(enough, 47, 2);
  REQUIRE(plan);
  CHECK(plan->calibration(2).size() == 32);
  const auto refused = CalibrationPlan::draw(less, 47, 2);
  REQUIRE(!refused);
  CHECK(refused.error().exit == Exit::input);
  CHECK(refused.error().number == 392);
}

}  // namespace calibration_test
