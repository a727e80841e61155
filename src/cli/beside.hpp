// Work beside the caller: hashing and writing while the next numbers are computed.
#pragma once

#include <future>
#include <utility>

#include "base/error.hpp"

namespace hallmark::cli {

/// Runs the task on a thread of its own or, where the system has none left, when it is asked for its result. The future waits when it
/// is destroyed, so everything that the task refers to has to be declared before it.
template <class Task>
auto beside(Task task) {
  return std::async(std::launch::async | std::launch::deferred, std::move(task));
}

/// The result of a task that may have been started, once; ok() where there is none.
inline Status settled(std::future<Status>& task) { return task.valid() ? task.get() : ok(); }

}  // namespace hallmark::cli
