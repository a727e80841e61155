// Work shared by ranks, here threads with queues between them: every item is made once, whoever makes it, its bytes
// come in order, and what goes wrong is told as a run alone would tell it.
#include <doctest/doctest.h>

#include <atomic>
#include <deque>

#include "base/error_numbers.hpp"
#include "ranks/shared_work.hpp"

namespace shared_work_test {

using namespace hallmark;
using std::chrono::milliseconds;

namespace {

struct Post {
  std::mutex mutex;
  std::condition_variable came;
  std::deque<RankMessage> messages;
};

class Threads final : public Ranks {
 public:
  Threads(std::vector<Post>& posts, int rank) : posts_(posts), rank_(rank) {}
  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(posts_.size()); }
  void send(int to, RankWord word, std::uint64_t item, std::span<const std::byte> bytes) override {
    Post& post = posts_[static_cast<std::size_t>(to)];
    const std::scoped_lock lock(post.mutex);
    post.messages.push_back({rank_, word, item, {bytes.begin(), bytes.end()}});
    post.came.notify_all();
  }
  std::optional<RankMessage> receive(milliseconds wait) override {
    Post& post = posts_[static_cast<std::size_t>(rank_)];
    std::unique_lock lock(post.mutex);
    if (!post.came.wait_for(lock, wait, [&] { return !post.messages.empty(); })) return std::nullopt;
    RankMessage message = std::move(post.messages.front());
    post.messages.pop_front();
    return message;
  }
  void abort(int) override {}

 private:
  std::vector<Post>& posts_;
  int rank_;
};

// What `rank0` does beside `other`, which ranks 1 .. size-1 do.
void together(std::size_t size, const std::function<void(Ranks&)>& rank0, const std::function<void(Ranks&)>& other) {
  std::vector<Post> posts(size);
  std::vector<std::thread> threads;
  for (std::size_t rank = 1; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      Threads ranks(posts, static_cast<int>(rank));
      other(ranks);
    });
  Threads ranks(posts, 0);
  rank0(ranks);
  for (std::thread& thread : threads) thread.join();
}

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
            SharedItems items(ranks, uneven(), window, there, make, [&](std::size_t item, auto bytes) {
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
  const auto order = [](std::vector<double> costs, std::size_t window) {
    std::vector<std::size_t> made;
    const auto make = [&](std::size_t item) -> Expected<ItemBytes> { return made.push_back(item), ItemBytes(); };
    const std::size_t all = costs.size();
    OneRank alone;
    SharedItems items(alone, std::move(costs), window, std::vector<bool>(all), make, [](auto, auto) { return ok(); });
    for (std::size_t i = 0; i < all; ++i) REQUIRE(items.take(i));
    return made;
  };
  using Order = std::vector<std::size_t>;
  CHECK(order({1, 5, 2, 9, 3}, 5) == Order{3, 1, 4, 2, 0});
  CHECK(order({1, 5, 2, 9, 3}, 2) == Order{1, 0, 3, 2, 4});
  CHECK(order({0, 0, 0}, 3) == Order{0, 1, 2});
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
          SharedItems items(ranks, std::vector<double>(count), count, std::vector<bool>(count), make,
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
        SharedItems items(ranks, {0, 0, 0}, 3, {false, false, false}, make, full);
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

}  // namespace shared_work_test
