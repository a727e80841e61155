// Hashing by all threads.
#pragma once

#include <functional>
#include <vector>

#include "ranks/shared_digests.hpp"

namespace hallmark {

/// Does the jobs, each on one thread, as many at once as there are threads, two at least. Results in the order given.
/// Errors: the first of `one` in this order.
Expected<std::vector<HashResult>> hash_by_threads(const std::vector<std::size_t>& jobs,
                                                  const std::function<Expected<HashResult>(std::size_t job)>& one);

}  // namespace hallmark
