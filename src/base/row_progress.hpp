// How far a parallel loop over rows is, told on the thread that began it alone: who hears may belong to that thread,
// and may throw.
#pragma once

#include <omp.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>

namespace hallmark {

/// Hears how many of how many are done: rows, or judgements of rows. May be empty.
using TellRows = std::function<void(std::uint64_t done, std::uint64_t rows)>;

class RowProgress {
 public:
  RowProgress(const TellRows& tell, std::uint64_t rows) : tell_(tell), rows_(rows) {}
  RowProgress(const RowProgress&) = delete;
  RowProgress& operator=(const RowProgress&) = delete;

  /// Whether who hears has thrown: what is left of the loop is not done.
  bool over() const { return over_; }
  /// A row is done, by any thread of the loop. The thread that began the loop has rows as long as there are any, so
  /// that it tells often enough.
  void add() {
    const std::uint64_t done = ++done_;
    if (!tell_ || omp_get_thread_num() != 0) return;
    try {
      tell_(done, rows_);
    } catch (...) {  // an exception may not leave a loop of OpenMP
      thrown_ = std::current_exception();
      over_ = true;
    }
  }
  /// Behind the loop: throws what was thrown.
  void finish() const {
    if (thrown_) std::rethrow_exception(thrown_);
  }

 private:
  const TellRows& tell_;
  std::uint64_t rows_;
  std::atomic<std::uint64_t> done_ = 0;
  std::atomic<bool> over_ = false;
  std::exception_ptr thrown_;  // by the thread that began the loop
};

}  // namespace hallmark
