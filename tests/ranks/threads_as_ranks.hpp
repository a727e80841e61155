// Ranks that are threads of one process, with queues between them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "ranks/shared_work.hpp"

namespace hallmark::test {

struct Post {
  std::mutex mutex;
  std::condition_variable came;
  std::deque<RankMessage> messages;
};

class Threads final : public Ranks {
 public:
  Threads(std::vector<Post>& posts, int rank, int machine) : posts_(posts), rank_(rank), machine_(machine) {}
  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(posts_.size()); }
  int machine() const override { return machine_; }
  void send(int to, RankWord word, std::uint64_t item, std::span<const std::byte> bytes) override {
    Post& post = posts_[static_cast<std::size_t>(to)];
    const std::scoped_lock lock(post.mutex);
    post.messages.push_back({rank_, word, item, {bytes.begin(), bytes.end()}});
    post.came.notify_all();
  }
  std::optional<RankMessage> receive(std::chrono::milliseconds wait) override {
    Post& post = posts_[static_cast<std::size_t>(rank_)];
    std::unique_lock lock(post.mutex);
    if (!post.came.wait_for(lock, wait, [&] { return !post.messages.empty(); })) {
      const auto silence = std::chrono::steady_clock::now() - heard_;
      if (rank_ > 0 || size() == 1 || silence > std::chrono::minutes(1)) return std::nullopt;
      // To rank 0 the others say in turn that they live, for as long as what they make may take on a crowded machine.
      return RankMessage{1 + next_++ % (size() - 1), RankWord::alive, 0, {}};
    }
    heard_ = std::chrono::steady_clock::now();
    RankMessage message = std::move(post.messages.front());
    post.messages.pop_front();
    return message;
  }
  void abort(int) override {}

 private:
  std::vector<Post>& posts_;
  int rank_, machine_;
  int next_ = 0;
  std::chrono::steady_clock::time_point heard_ = std::chrono::steady_clock::now();
};

/// What `rank0` does beside `other`, which ranks 1 .. size-1 do; so many of them stand on one machine.
inline void together(std::size_t size, const std::function<void(Ranks&)>& rank0,
                     const std::function<void(Ranks&)>& other, std::size_t of_machine = 1000) {
  std::vector<Post> posts(size);
  std::vector<std::thread> threads;
  for (std::size_t rank = 1; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      Threads ranks(posts, static_cast<int>(rank), static_cast<int>(rank / of_machine));
      other(ranks);
    });
  Threads ranks(posts, 0, 0);
  rank0(ranks);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace hallmark::test
