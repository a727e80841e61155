#include "ranks/shared_work.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "base/error_numbers.hpp"
#include "state/archive.hpp"

namespace hallmark {

template <class Archive>
void fields(Archive& archive, std::pair<std::string, std::string>& value) {
  archive(value.first, value.second);
}

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds look(5);
constexpr std::chrono::seconds most_silence(20);  // signs of life come every second

template <class T>
ItemBytes bytes_of(const T& value) {
  BytesOut out;
  out(value);
  return out.bytes();
}

Error error_of(const RankMessage& message) {
  Error error;
  BytesIn in(message.bytes);
  in(error);
  return located(fmt::format("rank {}", message.from), std::move(error));
}

Status compare(const Agreement& mine, const RankMessage& message) {
  Agreement other;
  BytesIn in(message.bytes);
  in(other);
  const auto differs = [&](const std::string& where) {
    return Error{Exit::infeasible, error_number::ranks_differ, "a rank does not work on what rank 0 works on",
                 fmt::format("rank {}: {}", message.from, where),
                 "start every rank with one program, one command line and the same files"};
  };
  for (std::size_t i = 0; i < mine.size(); ++i) {
    if (!in.whole() || i >= other.size() || other[i].first != mine[i].first)
      return differs(fmt::format("says nothing of {}", mine[i].first));
    if (other[i].second != mine[i].second)
      return differs(fmt::format("{} is {}, on rank 0 {}", mine[i].first, other[i].second, mine[i].second));
  }
  return ok();
}

// How long each rank has said nothing, in time that this process was awake: one that was stopped blames nobody.
class Silence {
 public:
  explicit Silence(int ranks) : of_(static_cast<std::size_t>(ranks)), last_(steady_clock::now()) {}
  void heard(int rank) { of_[static_cast<std::size_t>(rank)] = {}; }
  std::optional<Error> passed() {
    const auto now = steady_clock::now();
    const auto more = std::min<steady_clock::duration>(now - last_, 10 * look);
    last_ = now;
    for (std::size_t rank = 1; rank < of_.size(); ++rank)
      if ((of_[rank] += more) > most_silence)
        return Error{Exit::io, error_number::rank_lost, "a rank gives no sign of life",
                     fmt::format("rank {}: none for {} s", rank, most_silence.count()),
                     "look whether its node and its process live; with --state what is done stays"};
    return std::nullopt;
  }

 private:
  std::vector<steady_clock::duration> of_;
  steady_clock::time_point last_;
};

}  // namespace

Status agree(Ranks& ranks, const Agreement& mine) {
  if (ranks.rank() > 0) {
    ranks.send(0, RankWord::agreement, 0, bytes_of(mine));
    for (;;)
      if (const auto answer = ranks.receive(milliseconds(1000)); answer && answer->word == RankWord::agreed)
        return ok();
  }
  Silence silence(ranks.size());
  for (int missing = ranks.size() - 1; missing > 0;) {
    const auto message = ranks.receive(look);
    if (auto silent = silence.passed()) return *silent;
    if (!message) continue;
    silence.heard(message->from);
    if (message->word == RankWord::failed) return error_of(*message);
    if (message->word != RankWord::agreement) continue;
    if (const Status same = compare(mine, *message); !same) return same;
    --missing;
  }
  for (int rank = 1; rank < ranks.size(); ++rank) ranks.send(rank, RankWord::agreed, 0, {});
  return ok();
}

void make_shared_items(Ranks& ranks, const MakeItem& make) {
  ranks.send(0, RankWord::free, 0, {});
  for (;;) {
    const auto message = ranks.receive(milliseconds(1000));
    if (!message) continue;
    if (message->word == RankWord::none) return;
    if (message->word != RankWord::make) continue;
    const Expected<ItemBytes> made = make(static_cast<std::size_t>(message->item));
    if (made) ranks.send(0, RankWord::made, message->item, *made);
    else ranks.send(0, RankWord::refused, message->item, bytes_of(made.error()));
  }
}

void fail_rank(Ranks& ranks, const Error& error) { ranks.send(0, RankWord::failed, 0, bytes_of(error)); }

void end_together(Ranks& ranks) {
  for (int rank = 1; ranks.rank() == 0 && rank < ranks.size(); ++rank) ranks.send(rank, RankWord::end, 0, {});
  while (ranks.rank() > 0)
    if (const auto message = ranks.receive(milliseconds(1000)); message && message->word == RankWord::end) return;
}

SharedItems::SharedItems(Ranks& ranks, std::vector<double> costs, std::size_t window, std::vector<bool> there,
                         MakeItem make, Arrived arrived)
    : ranks_(ranks),
      costs_(std::move(costs)),
      window_(std::max<std::size_t>(window, 1)),
      make_(std::move(make)),
      arrived_(std::move(arrived)),
      items_(costs_.size()),
      limit_(costs_.size()) {
  for (std::size_t i = 0; i < items_.size(); ++i) {
    items_[i].begun = there[i];
    done_ += there[i];
  }
  if (ranks_.size() > 1) others_ = std::thread([this] { answer_others(); });
}

SharedItems::~SharedItems() {
  {
    const std::scoped_lock lock(mutex_);
    over_ = true;
  }
  if (others_.joinable()) others_.join();
}

Expected<ItemBytes> SharedItems::take(std::size_t item) {
  std::unique_lock lock(mutex_);
  first_ = item;
  for (;;) {
    if (failed_) return *failed_;
    if (items_[item].made) {
      Expected<ItemBytes> bytes = *std::move(items_[item].made);
      items_[item].made.reset();
      return bytes;
    }
    const std::optional<std::size_t> own = choose();
    if (!own) {
      changed_.wait(lock);
      continue;
    }
    lock.unlock();
    enter(*own, make_(*own));
    lock.lock();
  }
}

// The item to be begun now, if there is one. The mutex is held.
std::optional<std::size_t> SharedItems::choose() {
  std::optional<std::size_t> best;
  const std::size_t end = std::min(limit_, first_ + std::min(window_, items_.size()));
  for (std::size_t i = first_; i < end; ++i)
    if (!items_[i].begun && (!best || costs_[i] > costs_[*best])) best = i;
  if (best) items_[*best].begun = true;
  return best;
}

void SharedItems::enter(std::size_t item, Expected<ItemBytes> made) {
  if (made) {
    const std::scoped_lock one(arriving_);
    if (const Status good = arrived_(item, *made); !good) made = good.error();
  }
  const std::scoped_lock lock(mutex_);
  if (made) ++done_;
  else limit_ = std::min(limit_, item);
  items_[item].made = std::move(made);
  changed_.notify_all();
}

void SharedItems::answer_others() {
  try {
    answer_until_over();
  } catch (const std::bad_alloc&) {
    const std::scoped_lock lock(mutex_);
    fail({Exit::memory, error_number::out_of_memory, "out of memory", "rank 0, with what the others have made",
          "fewer ranks, of which each is ahead by some matrices"});
  }
}

void SharedItems::answer_until_over() {
  Silence silence(ranks_.size());
  for (;;) {
    auto message = ranks_.receive(look);
    const auto silent = silence.passed();
    if (message) {
      silence.heard(message->from);
      hear(*std::move(message));
    }
    const std::scoped_lock lock(mutex_);
    if (silent && !failed_) fail(*silent);
    serve();
    // Where all is made every other rank is free, and asks or has asked.
    const bool all_made = !failed_ && done_ == items_.size();
    if (over_ && (!all_made || told_ == ranks_.size() - 1)) return;
  }
}

// The mutex is held.
void SharedItems::fail(Error error) {
  failed_ = std::move(error);
  changed_.notify_all();
  if (ranks_.when_lost) ranks_.when_lost(*failed_);
}

void SharedItems::hear(RankMessage message) {
  const auto item = static_cast<std::size_t>(message.item);
  if (message.word == RankWord::made) enter(item, std::move(message.bytes));
  if (message.word == RankWord::refused) enter(item, error_of(message));
  const std::scoped_lock lock(mutex_);
  if (message.word == RankWord::failed) fail(error_of(message));
  const bool free =
      message.word == RankWord::free || message.word == RankWord::made || message.word == RankWord::refused;
  if (free) free_.push_back(message.from);
}

// Answers the ranks that are free, where there is an answer. The mutex is held.
void SharedItems::serve() {
  while (!free_.empty()) {
    const std::optional<std::size_t> next = choose();
    const bool none = !next && std::all_of(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(limit_),
                                           [](const Item& item) { return item.begun; });
    if (!next && !none) return;  // the window has to move first
    ranks_.send(free_.back(), next ? RankWord::make : RankWord::none, next.value_or(0), {});
    free_.pop_back();
    told_ += none;
  }
}

}  // namespace hallmark
