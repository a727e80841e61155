// Work beside the caller: hashing and writing while the next numbers are computed.
#pragma once

#include <atomic>
#include <future>
#include <memory>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace hallmark {

/// Runs the task on a thread of its own or, where the system has none left, when it is asked for its result. The future
/// waits when it is destroyed, so everything that the task refers to has to be declared before it.
template <class Task>
auto beside(Task task) {
  // std::async does both by itself, but in libstdc++ 12 what it puts off is a task that was moved from.
  const auto shared = std::make_shared<Task>(std::move(task));
  const auto run = [shared] { return (*shared)(); };
  try {
    return std::async(std::launch::async, run);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::resource_unavailable_try_again) throw;
    return std::async(std::launch::deferred, run);
  }
}

/// The result of a task that may have been started, once; ok() where there is none.
inline Status settled(std::future<Status>& task) { return task.valid() ? task.get() : ok(); }

/// While it lives, the kernels' threads sleep at their barriers instead of spinning there, where work beside them, of
/// this program or another, wants the processor of the thread they wait for. A hint to the run-time of OpenMP; speed,
/// never a bit of the result.
class SleepingBarriers {
 public:
  SleepingBarriers();
  ~SleepingBarriers();

 private:
  std::atomic<bool> begun_ = false, over_ = false;
  std::future<void> team_;
};

}  // namespace hallmark
