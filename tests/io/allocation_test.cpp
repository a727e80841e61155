// The choice of candidates within a limit, against all choices there are.
#include "artifact/pack/allocation.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <random>

namespace allocation_test {

using namespace hallmark::pack;

namespace {

using Candidates = std::vector<std::vector<Candidate>>;
using Choice = std::vector<std::size_t>;

double loss_of(const Candidates& matrices, const Choice& choice) {
  double loss = 0;
  for (std::size_t m = 0; m < matrices.size(); ++m) loss += matrices[m][choice[m]].loss;
  return loss;
}

/// Calls with every choice.
template <class Do>
void every_choice(const Candidates& matrices, const Do& what) {
  Choice choice(matrices.size(), 0);
  for (;;) {
    what(choice);
    std::size_t m = 0;
    while (m < matrices.size() && ++choice[m] == matrices[m].size()) choice[m++] = 0;
    if (m == matrices.size()) return;
  }
}

/// Losses are whole numbers, so that sums have no order.
Candidates made(unsigned seed, std::size_t count, std::uint64_t most_bytes) {
  std::mt19937 random(seed);
  Candidates matrices(count);
  for (auto& candidates : matrices)
    for (std::size_t c = 0; c < 1 + random() % 4; ++c)
      candidates.push_back({random() % most_bytes, static_cast<double>(random() % 50)});
  return matrices;
}

}  // namespace

TEST_CASE("at every limit no choice that fits loses less") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    const Candidates matrices = made(seed, 1 + seed % 5, 30);
    const Allocation allocation(matrices, 160);
    REQUIRE(allocation.unit() == 1);
    std::vector<double> least(161, std::numeric_limits<double>::infinity());
    every_choice(matrices, [&](const Choice& choice) {
      for (std::uint64_t k = bytes_of(matrices, choice); k <= 160; ++k)
        least[k] = std::min(least[k], loss_of(matrices, choice));
    });
    for (std::uint64_t limit = 0; limit <= 160; ++limit) {
      const auto found = allocation.within(limit);
      REQUIRE(found.has_value() == (limit >= allocation.least_bytes()));
      REQUIRE(found.has_value() == (least[limit] < std::numeric_limits<double>::infinity()));
      if (!found) continue;
      REQUIRE(bytes_of(matrices, *found) <= limit);
      REQUIRE(loss_of(matrices, *found) == least[limit]);
    }
  }
}

TEST_CASE("the minima of every Lagrangian are among them") {
  for (unsigned seed = 100; seed < 120; ++seed) {
    const Candidates matrices = made(seed, 4, 30);
    const Allocation allocation(matrices, 200);
    for (const double mu : {0.0, 0.25, 1.0, 3.0, 20.0}) {
      const auto cost = [&](const Choice& choice) {
        return loss_of(matrices, choice) + mu * static_cast<double>(bytes_of(matrices, choice));
      };
      Choice best(matrices.size(), 0);
      every_choice(matrices, [&](const Choice& choice) {
        if (cost(choice) < cost(best)) best = choice;
      });
      const auto found = allocation.within(bytes_of(matrices, best));
      REQUIRE(found);
      REQUIRE(loss_of(matrices, *found) == loss_of(matrices, best));
    }
  }
}

TEST_CASE("sizes beyond the table are rounded, and what is chosen fits all the same") {
  std::mt19937 random(7);
  Candidates matrices(3000);
  for (auto& candidates : matrices)
    for (std::uint64_t bits = 2; bits <= 5; ++bits)
      candidates.push_back(
          {bits * 30'011 + random() % 999, static_cast<double>(random() % 100) * (6.0 - static_cast<double>(bits))});
  const std::uint64_t smallest = Allocation(matrices, 0).least_bytes();
  const Allocation allocation(matrices, 2 * smallest);
  CHECK(allocation.unit() > 1);
  for (const std::uint64_t limit : {smallest, smallest + 1, smallest + 70'000, smallest * 3 / 2, 2 * smallest}) {
    const auto found = allocation.within(limit);
    REQUIRE(found);
    const std::uint64_t bytes = bytes_of(matrices, *found);
    CHECK(bytes <= limit);
    CHECK(bytes >= smallest);
  }
  const std::uint64_t limit = smallest * 3 / 2;
  CHECK(static_cast<double>(limit - bytes_of(matrices, *allocation.within(limit))) <
        0.001 * static_cast<double>(limit));
  CHECK_FALSE(allocation.within(smallest - 1).has_value());
}

TEST_CASE("no matrix has one choice, of no bytes") {
  const Candidates none;
  const auto found = Allocation(none, 10).within(0);
  REQUIRE(found);
  CHECK(found->empty());
}

}  // namespace allocation_test
