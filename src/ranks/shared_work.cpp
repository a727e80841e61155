#include "ranks/shared_work.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "base/error_numbers.hpp"
#include "ranks/hearing.hpp"

namespace hallmark {

template <class Archive>
void fields(Archive& archive, std::pair<std::string, std::string>& value) {
  archive(value.first, value.second);
}

namespace {

using std::chrono::milliseconds;

Status compare(const Agreement& mine, const RankMessage& message) {
  Agreement other;
  BytesIn in(message.bytes);
  in(other);
  const auto differs = [&](const std::string& how) { return rank_differs(message.from, how); };
  for (std::size_t i = 0; i < mine.size(); ++i) {
    if (!in.whole() || i >= other.size() || other[i].first != mine[i].first)
      return differs(fmt::format("says nothing of {}", mine[i].first));
    if (other[i].second != mine[i].second)
      return differs(fmt::format("{} is {}, on rank 0 {}", mine[i].first, other[i].second, mine[i].second));
  }
  return ok();
}

}  // namespace

Status agree(Ranks& ranks, const Agreement& mine) {
  if (ranks.rank() > 0) {
    ranks.send(0, RankWord::agreement, 0, message_bytes(mine));
    hear(ranks, RankWord::agreed);
    return ok();
  }
  const auto same = [&](const RankMessage& message) { return compare(mine, message); };
  if (const Status all = hear_all(ranks, RankWord::agreement, same); !all) return all;
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
    else ranks.send(0, RankWord::refused, message->item, message_bytes(made.error()));
  }
}

void fail_rank(Ranks& ranks, const Error& error) { ranks.send(0, RankWord::failed, 0, message_bytes(error)); }

void end_together(Ranks& ranks) {
  for (int rank = 1; ranks.rank() == 0 && rank < ranks.size(); ++rank) ranks.send(rank, RankWord::end, 0, {});
  while (ranks.rank() > 0)
    if (const auto message = ranks.receive(milliseconds(1000)); message && message->word == RankWord::end) return;
}

SharedItems::SharedItems(Ranks& ranks, std::vector<double> costs, Window window, const std::vector<bool>& there,
                         MakeItem make, Arrived arrived)
    : ranks_(ranks),
      costs_(std::move(costs)),
      window_(std::move(window)),
      make_(std::move(make)),
      arrived_(std::move(arrived)),
      items_(costs_.size()),
      limit_(costs_.size()) {
  for (std::size_t i = 0; i < items_.size(); ++i) {
    items_[i].there = items_[i].begun = there[i];
    done_ += there[i];
  }
  move_window(0);
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
  move_window(item);
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

// To the item that is taken next. The mutex is held, or nobody else is there yet.
void SharedItems::move_window(std::size_t next) {
  const auto bytes_of = [&](std::size_t item) { return window_.bytes.empty() ? 0 : window_.bytes[item]; };
  for (; first_ < next; ++first_) {
    if (first_ >= end_ || items_[first_].there) continue;
    --ahead_;
    ahead_bytes_ -= bytes_of(first_);
  }
  for (end_ = std::max(end_, first_); end_ < items_.size(); ++end_) {
    if (items_[end_].there) continue;
    const double bytes = ahead_bytes_ + bytes_of(end_);
    const bool fits = !window_.bytes.empty() && bytes <= window_.most_bytes;
    if (!fits && ahead_ >= std::max<std::size_t>(window_.items, 1)) return;
    ++ahead_;
    ahead_bytes_ = bytes;
  }
}

// The item to be begun now, if there is one. The mutex is held.
std::optional<std::size_t> SharedItems::choose() {
  std::optional<std::size_t> best;
  for (std::size_t i = first_; i < std::min(limit_, end_); ++i)
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
    auto message = ranks_.receive(rank_look);
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
