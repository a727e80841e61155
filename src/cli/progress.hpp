// Progress of long work on stderr: one line with ETA on a terminal, a plain line at most every ten seconds elsewhere.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

namespace hallmark::cli {

class Progress {
 public:
  explicit Progress(std::string label);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// done and total in any unit of work (not a count of tensors: they differ by orders of magnitude).
  void update(double done, double total, std::string_view item);

  /// Takes the line off the terminal, where one is: other output follows.
  static void erase();

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_;
  bool terminal_;
  Clock::time_point start_;
  Clock::time_point shown_;
  inline static std::atomic<bool> on_terminal_ = false;  // a line is there
};

}  // namespace hallmark::cli
