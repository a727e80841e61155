// Work on items 0 .. n-1 shared by ranks: rank 0 hands the items out, one at a time, to whoever is free, works itself,
// and gets the bytes of every item in order. They do not depend on who made them, nor on how many ranks there are.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "ranks/ranks.hpp"

namespace hallmark {

/// What has to be equal on all ranks: names, each with a value or its SHA-256. The first that differs is told.
using Agreement = std::vector<std::pair<std::string, std::string>>;

/// Called by every rank; returns when rank 0 has compared. Errors: on rank 0 E0450, which names rank and difference,
/// and what a rank failed with instead.
Status agree(Ranks& ranks, const Agreement& mine);

using ItemBytes = std::vector<std::byte>;
using MakeItem = std::function<Expected<ItemBytes>(std::size_t item)>;

/// The part of a rank that is not 0: makes what it is handed until no item is left. An error ends the item, not the
/// rank, and is told to rank 0.
void make_shared_items(Ranks& ranks, const MakeItem& make);

/// Tells rank 0 why this rank cannot go on. Precondition: not rank 0.
void fail_rank(Ranks& ranks, const Error& error);

/// Waits until rank 0 says that the run is over; on rank 0 says so. Called by every rank that ends well.
void end_together(Ranks& ranks);

/// What may be begun before its turn: items from the one that is taken next on, while they are no more than `items`, or
/// while their bytes are no more than `most_bytes`. That one may always be begun; what is there already does not count.
struct Window {
  std::size_t items = 1;
  std::vector<double> bytes = {};  ///< of every item; none where only their number matters
  double most_bytes = 0;
};

/// The part of rank 0, while it lives: a thread beside the caller's answers the others, where there are any.
class SharedItems {
 public:
  /// Hears of every item that is made, before take() gives its bytes: from either thread, one at a time.
  using Arrived = std::function<Status(std::size_t item, std::span<const std::byte> bytes)>;

  /// Of the items of the window the costliest is handed out, of equal ones the first; so with equal costs every rank
  /// gets its items in ascending order, and no more bytes wait than those of the window. Items that are `there` are
  /// made by nobody.
  SharedItems(Ranks& ranks, std::vector<double> costs, Window window, const std::vector<bool>& there, MakeItem make,
              Arrived arrived);
  ~SharedItems();
  SharedItems(const SharedItems&) = delete;
  SharedItems& operator=(const SharedItems&) = delete;

  /// The bytes of the item, once. Makes items meanwhile. Precondition: items that are not `there`, in ascending order.
  /// Errors: that of the item, as the first in this order, with the number of its rank; E0907; what a rank failed with.
  Expected<ItemBytes> take(std::size_t item);
  /// Whether the run is to end.
  bool failed() {
    const std::scoped_lock lock(mutex_);
    return failed_.has_value();
  }

 private:
  struct Item {
    bool there = false, begun = false;
    std::optional<Expected<ItemBytes>> made = {};
  };

  void move_window(std::size_t next);
  std::optional<std::size_t> choose();
  void enter(std::size_t item, Expected<ItemBytes> made);
  void answer_others();
  void answer_until_over();
  void hear(RankMessage message);
  void serve();
  void fail(Error error);

  Ranks& ranks_;
  const std::vector<double> costs_;
  const Window window_;
  const MakeItem make_;
  const Arrived arrived_;

  std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  std::vector<Item> items_;
  std::size_t first_ = 0, end_ = 0, limit_;  // taken next; end of the window; nothing from the limit on is wanted
  std::size_t ahead_ = 0;                    // items in the window that were not there at first
  double ahead_bytes_ = 0;                   // theirs
  std::size_t done_ = 0;                     // items that are made
  std::vector<int> free_;                    // ranks that wait for an item
  int told_ = 0;                             // ranks that know that none is left
  std::optional<Error> failed_;              // what ends the run
  bool over_ = false;

  std::mutex arriving_;
  std::thread others_;
};

}  // namespace hallmark
