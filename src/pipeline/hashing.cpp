#include "pipeline/hashing.hpp"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <optional>

#include "pipeline/beside.hpp"

namespace hallmark {

Expected<std::vector<HashResult>> hash_by_threads(const std::vector<std::size_t>& jobs,
                                                  const std::function<Expected<HashResult>(std::size_t job)>& one) {
  const auto threads = std::min(jobs.size(), static_cast<std::size_t>(std::max(2, omp_get_max_threads())));
  std::vector<std::optional<Expected<HashResult>>> done(jobs.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t k = next++; k < jobs.size(); k = next++) done[k] = one(jobs[k]);
  };
  std::vector<std::future<void>> others;
  for (std::size_t thread = 1; thread < threads; ++thread) others.push_back(beside(work));
  work();
  for (std::future<void>& other : others) other.get();
  std::vector<HashResult> results;
  for (std::optional<Expected<HashResult>>& result : done) {
    if (!*result) return result->error();
    results.push_back(**std::move(result));
  }
  return results;
}

}  // namespace hallmark
