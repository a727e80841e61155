// What every call into the library does around it.
#pragma once

#include <omp.h>
#include <pybind11/pybind11.h>

#include "base/threads.hpp"
#include "failure.hpp"
#include "pipeline/beside.hpp"

namespace hallmark::python {

/// Other threads of Python run while this lives. The arithmetic takes `threads` of them (0: all cores), and OpenMP's
/// number is afterwards what it was, for it is other programs' too.
class Call {
 public:
  explicit Call(int threads) : before_(omp_get_max_threads()) {
    if (threads < 0 || threads > most_threads)
      throw Failure{{Exit::usage, error_number::option_range, "an option is out of range",
                     "threads is '" + std::to_string(threads) + "'",
                     "a whole number from 0 (all cores) to " + std::to_string(most_threads)}};
    taken(use_threads(threads));
  }
  ~Call() { omp_set_num_threads(before_); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  static constexpr int most_threads = 1024;
  pybind11::gil_scoped_release released_;
  int before_;
};

/// A call that takes long, beside other work of the process.
class LongCall : public Call {
 public:
  using Call::Call;

 private:
  SleepingBarriers sleeping_;
};

}  // namespace hallmark::python
