#include "pipeline/beside.hpp"

#include <omp.h>

#include <chrono>

#include "base/threads.hpp"

namespace hallmark {

// libgomp spins for milliseconds at a barrier unless it knows of more threads than processors (its
// config/linux/wait.h), and it knows only teams of its own. A second team that sleeps is such a surplus, wherever the
// kernels' threads take all processors.
SleepingBarriers::SleepingBarriers() {
  if (omp_get_max_threads() == 1) return;  // nobody waits
  if (startable_threads(2) < 2) return;    // OpenMP ends a process whose team cannot be started
  team_ = beside([this] {
#pragma omp parallel num_threads(2)
    {
#pragma omp master
      {
        begun_ = true;
        begun_.notify_all();
      }
      over_.wait(false);
    }
  });
  // Whoever counts the threads that can be started must not count those of a team that is yet to begin.
  if (team_.wait_for(std::chrono::seconds(0)) != std::future_status::deferred) begun_.wait(false);
}

SleepingBarriers::~SleepingBarriers() {
  over_ = true;
  over_.notify_all();
}

}  // namespace hallmark
