#include "base/threads.hpp"

#include <omp.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "base/error_numbers.hpp"

namespace hallmark {
namespace {

constexpr int beside = 6;                                  // hashing two files, writing, a digest, a sleeping team
constexpr std::size_t least_stack = std::size_t{1} << 18;  // four times what the deepest kernel takes

std::size_t stack_of_this_thread() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return least_stack;  // not known
  std::size_t size = least_stack;
  pthread_attr_getstacksize(&attributes, &size);
  pthread_attr_destroy(&attributes);
  return size;
}

}  // namespace

int startable_threads(int wanted) {
  std::atomic<bool> over = false;
  std::vector<std::thread> threads;
  try {
    threads.reserve(static_cast<std::size_t>(wanted));
    while (static_cast<int>(threads.size()) < wanted) threads.emplace_back([&over] { over.wait(false); });
  } catch (const std::system_error&) {  // so many
  } catch (const std::bad_alloc&) {
  }
  over = true;
  over.notify_all();
  for (std::thread& thread : threads) thread.join();
  return static_cast<int>(threads.size());
}

Expected<int> use_threads(int wanted) {
  if (wanted == 0) wanted = omp_get_max_threads();
  const int found = wanted == 1 ? 0 : startable_threads(wanted - 1 + beside) - beside;
  const int used = std::clamp(found + 1, 1, wanted);
  omp_set_num_threads(used);
  std::size_t stack = std::size_t{1} << 62;
#pragma omp parallel reduction(min : stack)
  stack = stack_of_this_thread();
  if (stack < least_stack)
    return Error{Exit::memory, error_number::out_of_memory, "the stack of a thread is too small",
                 std::to_string(stack) + " bytes, the kernels need " + std::to_string(least_stack),
                 "unset OMP_STACKSIZE; ulimit -s 8192"};
  return used;
}

}  // namespace hallmark
