// Work shared by ranks, here threads: every item is made once, whoever makes it, its bytes come in order, and what goes
// wrong is told as a run alone would tell it.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <optional>

#include "../cli/files.hpp"
#include "../io/temporary_folder.hpp"
#include "base/error_numbers.hpp"
#include "base/memory.hpp"
#include "pipeline/accumulate.hpp"
#include "pipeline/shared_sums.hpp"
#include "threads_as_ranks.hpp"

namespace shared_work_test {

using namespace hallmark;
using namespace hallmark::test;
using std::chrono::milliseconds;

namespace {

ItemBytes bytes_of(std::size_t item) { return ItemBytes(item % 7, static_cast<std::byte>(item)); }

constexpr std::size_t count = 40;

std::vector<double> uneven() {
  std::vector<double> costs;
  for (std::size_t i = 0; i < count; ++i) costs.push_back(static_cast<double>(i * 17 % 11));
  return costs;
}

}  // namespace

TEST_CASE("every item is made once and taken in order, by any number of ranks") {
  for (const std::size_t size : {1U, 2U, 3U, 5U}) {
    for (const std::size_t window : {1U, 4U, 1000U}) {
      std::vector<std::atomic<int>> made(count), arrived(count);
      const auto make = [&](std::size_t item) -> Expected<ItemBytes> {
        ++made[item];
        std::this_thread::sleep_for(std::chrono::microseconds(100 * (item % 3)));
        return bytes_of(item);
      };
      std::vector<bool> there(count);
      there[3] = there[count - 1] = true;
      together(
          size,
          [&](Ranks& ranks) {
            SharedItems items(ranks, uneven(), Window{window}, there, make, [&](std::size_t item, auto bytes) {
              CHECK(std::ranges::equal(bytes, bytes_of(item)));
              ++arrived[item];
              return ok();
            });
            for (std::size_t i = 0; i < count; ++i) {
              if (there[i]) continue;
              const auto bytes = items.take(i);
              REQUIRE(bytes);
              CHECK(*bytes == bytes_of(i));
              CHECK(arrived[i] == 1);
            }
          },
          [&](Ranks& ranks) { make_shared_items(ranks, make); });
      for (std::size_t i = 0; i < count; ++i) CHECK(made[i] == (there[i] ? 0 : 1));
    }
  }
}

TEST_CASE("the costliest of the window goes first; of equal ones each rank gets its items in ascending order") {
  const auto order = [](std::vector<double> costs, Window window, std::vector<bool> there = {}) {
    std::vector<std::size_t> made;
    const auto make = [&](std::size_t item) -> Expected<ItemBytes> { return made.push_back(item), ItemBytes(); };
    const std::size_t all = costs.size();
    there.resize(all);
    OneRank alone;
    SharedItems items(alone, std::move(costs), std::move(window), there, make, [](auto, auto) { return ok(); });
    for (std::size_t i = 0; i < all; ++i) {
      if (there[i]) continue;
      REQUIRE(items.take(i));
    }
    return made;
  };
  using Order = std::vector<std::size_t>;
  CHECK(order({1, 5, 2, 9, 3}, {5}) == Order{3, 1, 4, 2, 0});
  CHECK(order({1, 5, 2, 9, 3}, {2}) == Order{1, 0, 3, 2, 4});
  CHECK(order({1, 5, 2, 9, 3}, {0}) == Order{0, 1, 2, 3, 4});
  CHECK(order({0, 0, 0}, {3}) == Order{0, 1, 2});
  // By bytes: as many as fit, and always one; or by their number, whatever fits. What is there takes no room.
  const std::vector<double> bytes{1, 1, 1, 4, 1};
  CHECK(order({1, 5, 2, 9, 3}, {1, bytes, 3}) == Order{1, 2, 0, 3, 4});
  CHECK(order({1, 5, 2, 9, 3}, {1, bytes, 8}) == Order{3, 1, 4, 2, 0});
  CHECK(order({1, 5, 2, 9, 3}, {1, bytes, 0}) == Order{0, 1, 2, 3, 4});
  CHECK(order({1, 5, 2, 9, 3}, {2, bytes, 0}) == Order{1, 0, 3, 2, 4});
  CHECK(order({1, 5, 2, 9, 3}, {1, bytes, 5}) == Order{1, 2, 0, 3, 4});
  CHECK(order({1, 2, 1, 2, 1, 2}, {1, std::vector<double>(6, 1.0), 2}) == Order{1, 0, 3, 2, 5, 4});
  CHECK(order({1, 5, 2, 9, 3}, {2}, {false, true}) == Order{2, 0, 3, 4});
  CHECK(order({1, 5, 2, 9, 3}, {1, bytes, 5}, {false, true, true}) == Order{3, 0, 4});
}

TEST_CASE("the first item that fails is told, with its rank, and what stands before it is taken") {
  constexpr std::size_t bad = 11;
  const auto make = [](std::size_t item) -> Expected<ItemBytes> {
    std::this_thread::sleep_for(std::chrono::microseconds(item < bad ? 300 : 10));  // the later ones fail sooner
    if (item < bad) return bytes_of(item);
    return Error{Exit::numeric, error_number::gram_overflow, "broken", std::to_string(item), ""};
  };
  together(
      3,
      [&](Ranks& ranks) {
        {
          SharedItems items(ranks, std::vector<double>(count), Window{count}, std::vector<bool>(count), make,
                            [](auto, auto) { return ok(); });
          for (std::size_t i = 0; i < bad; ++i) CHECK(items.take(i));
          const auto broken = items.take(bad);
          REQUIRE(!broken);
          CHECK(broken.error().number == error_number::gram_overflow);
          CHECK(broken.error().where.ends_with(std::to_string(bad)));
        }
        for (int rank = 1; rank < ranks.size(); ++rank) ranks.send(rank, RankWord::none, 0, {});
      },
      [&](Ranks& ranks) { make_shared_items(ranks, make); });
}

TEST_CASE("a rank that fails by itself ends the run under its number; so does what cannot be kept of an item") {
  together(
      2,
      [](Ranks& ranks) {
        const auto make = [](std::size_t item) -> Expected<ItemBytes> { return bytes_of(item); };
        const auto full = [](std::size_t item, auto) -> Status {
          return item < 2 ? ok() : Status(Error{Exit::io, error_number::disk_full, "full", "s", ""});
        };
        SharedItems items(ranks, {0, 0, 0}, Window{3}, {false, false, false}, make, full);
        std::vector<int> told;
        for (std::size_t i = 0; i < 3; ++i) {
          const auto bytes = items.take(i);
          if (!bytes) told.push_back(bytes.error().number);
        }
        CHECK(told == std::vector<int>{error_number::disk_full});
        bool lost = false;
        ranks.when_lost = [&](const Error& error) {
          CHECK(error.where == "rank 1: W");
          lost = true;
        };
        ranks.send(1, RankWord::end, 0, {});
        for (int wait = 0; wait < 1000 && !items.failed(); ++wait) std::this_thread::sleep_for(milliseconds(5));
        CHECK(lost);
      },
      [](Ranks& ranks) {
        end_together(ranks);
        fail_rank(ranks, {Exit::io, error_number::cannot_read, "cannot read", "W", ""});
      });
}

TEST_CASE("ranks that see other things are named") {
  for (const std::string other : {"a", "b"}) {
    together(
        3,
        [&](Ranks& ranks) {
          const Status agreed = agree(ranks, {{"program", "x"}, {"weights", "a"}});
          CHECK(static_cast<bool>(agreed) == (other == "a"));
          if (agreed) return;
          CHECK(agreed.error().number == error_number::ranks_differ);
          CHECK(agreed.error().where == "rank 2: weights is b, on rank 0 a");
          for (int rank = 1; rank < ranks.size(); ++rank) ranks.send(rank, RankWord::agreed, 0, {});
        },
        [&](Ranks& ranks) {
          CHECK(agree(ranks, {{"program", "x"}, {"weights", ranks.rank() == 2 ? other : "a"}}));
        });
  }
}

namespace {

// Activations of `a` in four chunks, the last in another file, and of `b` in one.
std::vector<CalibrationFile> several_chunks(const TemporaryFolder& folder) {
  const std::size_t chunk = static_cast<std::size_t>(kGramChunk);
  write_tensors(folder / "x", {{"a.activations", DType::F32, {3 * chunk, 1}}, {"b.activations", DType::F32, {7, 2}}});
  write_tensors(folder / "y", {{"a.activations", DType::F32, {99, 1}}});
  std::vector<CalibrationFile> files;
  for (const char* const name : {"x", "y"}) files.push_back(*CalibrationFile::open(folder / name));
  return files;
}

// Both sums by `size` ranks; `begun` hears of them.
std::vector<Matrix<double>> sums_of(std::size_t size, const std::vector<CalibrationFile>& files, const State& state,
                                    const SharedSums::Begun& begun) {
  const std::vector<GramPlan> plan{{"a", 1, 0}, {"b", 2, 7}};
  std::vector<Matrix<double>> sums;
  together(
      size,
      [&](Ranks& ranks) {
        SharedSums shared(ranks, files, plan);
        REQUIRE(shared.agree_on("p"));
        shared.keep_in(state);
        for (std::size_t weight = 0; weight < plan.size(); ++weight) sums.push_back(shared.sum(weight, begun).value());
      },
      [&](Ranks& ranks) {
        SharedSums shared(ranks, files, plan);
        REQUIRE(shared.agree_on("p"));
        shared.help();
      });
  return sums;
}

}  // namespace

TEST_CASE("a chunk that comes before its turn is kept, and taken up again by any number of ranks") {
  const TemporaryFolder folder;
  const std::vector<CalibrationFile> files = several_chunks(folder);
  const Matrix<double> a = *accumulate_gram(files, "a"), b = *accumulate_gram(files, "b");
  const auto chunk_name = [](int index) { return fmt::format("chunk {} of the sum of a", index); };
  {
    const State state = State::open(folder / "s", "gram", false).value();
    bool first = true;
    const auto sums = sums_of(2, files, state, [&](const SumSoFar& sum, std::uint64_t chunks) {
      if (!std::exchange(first, false)) return;
      CHECK(sum.done == 0);
      CHECK(chunks == 4);
      // Rank 0 is not in want of any yet, so that rank 1 makes those of the window: the first would be added at once.
      for (int wait = 0; wait < 6000 && !state.has(chunk_name(3)); ++wait) std::this_thread::sleep_for(milliseconds(5));
      std::filesystem::copy(folder / "s", folder / "killed");
    });
    CHECK(sums == std::vector{a, b});
    for (int index = 0; index < 4; ++index) CHECK_FALSE(state.has(chunk_name(index)));
  }
  // Another matrix in the place of a chunk shows that it is taken, and not made again.
  Matrix<double> other(1, 1);
  other << 1024;
  const GramPlan plan{"a", 1, 0};
  const Dependencies on = sum_dependencies(files, "a", false, "p");
  for (const std::size_t size : {1U, 2U, 3U}) {
    CAPTURE(size);
    const std::string copied = folder / fmt::format("killed {}", size);
    std::filesystem::copy(folder / "killed", copied);
    const State state = State::open(copied, "gram", true).value();
    KeptSum kept(&state, files, plan, 4, on);
    CHECK(kept.so_far().later == std::vector<std::uint64_t>{1, 2, 3});
    REQUIRE(kept.keep_chunk(2, binary64_bytes(other)));
    Matrix<double> changed = *merge_gram(*accumulate_chunk(files, "a", 0), *accumulate_chunk(files, "a", 1));
    changed = *merge_gram(*merge_gram(changed, other), *accumulate_chunk(files, "a", 3));
    std::vector<std::uint64_t> taken;
    CHECK(sums_of(size, files, state, [&](const SumSoFar& sum, auto) { taken.push_back(sum.later.size()); }) ==
          std::vector{changed, b});
    CHECK(taken == std::vector<std::uint64_t>{3, 0});
    CHECK(kept.so_far().done == 4);
  }
}

TEST_CASE("ranks go on with the sum of the first chunks; of a damaged record the chunks are made again") {
  const TemporaryFolder folder;
  const std::vector<CalibrationFile> files = several_chunks(folder);
  const Matrix<double> a = *accumulate_gram(files, "a"), b = *accumulate_gram(files, "b");
  const State state = State::open(folder / "s", "gram", false).value();
  const GramPlan plan{"a", 1, 0};
  KeptSum kept(&state, files, plan, 4, sum_dependencies(files, "a", false, "p"));
  const auto until_third = [&](std::uint64_t index) -> Expected<Matrix<double>> {
    if (index == 2) return Error{Exit::memory, error_number::out_of_memory, "killed", "", ""};
    return accumulate_chunk(files, "a", index);
  };
  CHECK_FALSE(kept.finish({}, until_third));
  CHECK(kept.so_far().done == 2);
  CHECK(sums_of(2, files, state, [&](const SumSoFar& sum, std::uint64_t chunks) {
          if (chunks < 4) return;
          CHECK(sum.done == 2);
          // Gone while the run waits for its turn.
          state.drop("the sum so far of a");
        }) == std::vector{a, b});
}

TEST_CASE("small sums go many at a time, as far as their bytes go, and large ones two for each rank") {
  const TemporaryFolder folder;
  std::vector<MadeTensor> tensors;
  std::vector<GramPlan> plan;
  for (int k = 0; k < 16; ++k) {
    const std::uint64_t cols = k == 12 ? 4 : 1;  // 128 bytes, or 8
    plan.push_back({fmt::format("w{:02}", k), cols, 7});
    tensors.push_back({plan.back().weight + ".activations", DType::F32, {7, cols}});
  }
  write_tensors(folder / "x", tensors);
  std::vector<CalibrationFile> files;
  files.push_back(*CalibrationFile::open(folder / "x"));
  std::vector<Matrix<double>> alone;
  for (const GramPlan& gram : plan) alone.push_back(*accumulate_gram(files, gram.weight));

  struct Case {
    double ahead;         // bytes
    std::size_t begun;    // of the items, before anything is taken, by rank 1 of 2
    double most_waiting;  // bytes
  };
  int state_number = 0;
  for (const Case& of : {Case{0, 4, 128 + 3 * 8}, Case{80, 10, 128 + 3 * 8}, Case{200, 12, 200}, Case{1e12, 16, 248}})
    for (const std::size_t size : {2U, 1U, 3U, 4U}) {
      CAPTURE(of.ahead);
      CAPTURE(size);
      std::optional<State> state;  // of two ranks
      if (size == 2) state.emplace(State::open(folder / fmt::format("s{}", state_number++), "gram", false).value());
      bool first = size == 2;
      const auto before_any = [&](const SumSoFar&, std::uint64_t) {
        if (!std::exchange(first, false)) return;
        for (int wait = 0; wait < 1000 && !state->has(plan[of.begun - 1].weight); ++wait)
          std::this_thread::sleep_for(milliseconds(5));
        std::this_thread::sleep_for(milliseconds(20));
        for (std::size_t k = 1; k < plan.size(); ++k) CHECK(state->has(plan[k].weight) == (k < of.begun));
      };
      std::vector<Matrix<double>> sums;
      together(
          size,
          [&](Ranks& ranks) {
            SharedSums shared(ranks, files, plan, of.ahead);
            if (size == 2) CHECK(shared.most_waiting() == of.most_waiting);
            REQUIRE(shared.agree_on("p"));
            if (state) shared.keep_in(*state);
            for (std::size_t k = 0; k < plan.size(); ++k) sums.push_back(shared.sum(k, before_any).value());
          },
          [&](Ranks& ranks) {
            SharedSums shared(ranks, files, plan, of.ahead);
            REQUIRE(shared.agree_on("p"));
            shared.help();
          });
      CHECK(sums == alone);
    }
}

TEST_CASE("the memory of a process is that of the machine, or of the smallest of its control groups") {
  const TemporaryFolder folder;
  const auto write = [&](const std::string& name, const std::string& text) { std::ofstream(folder / name) << text; };
  const std::uint64_t machine = memory_of_process(folder / "missing", folder / ".");
  CHECK(machine > (1U << 20));
  std::filesystem::create_directories(folder / "a/b");
  write("groups", "0::/a/b\n");
  CHECK(memory_of_process(folder / "groups", folder / ".") == machine);  // no limit is said
  write("a/b/memory.max", "max\n");
  CHECK(memory_of_process(folder / "groups", folder / ".") == machine);
  write("a/memory.max", "1048576\n");
  CHECK(memory_of_process(folder / "groups", folder / ".") == 1048576);
  write("a/b/memory.max", "4096\n");
  CHECK(memory_of_process(folder / "groups", folder / ".") == 4096);
  write("memory.max", "1024\n");
  CHECK(memory_of_process(folder / "groups", folder / ".") == 1024);
  write("groups", "3:cpu:/a/b\n2:memory:/c\n");
  std::filesystem::create_directories(folder / "memory/c");
  write("memory/c/memory.limit_in_bytes", "8192\n");
  CHECK(memory_of_process(folder / "groups", folder / ".") == 8192);
}

}  // namespace shared_work_test
