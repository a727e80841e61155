// Digests of inputs that several ranks need: those of one machine that see the same files share the hashing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ranks/ranks.hpp"

namespace hallmark {

/// What is hashed in one piece, and how many bytes that are.
struct HashJob {
  std::string name;
  std::uint64_t bytes = 0;
};
/// What it gives: the digests of a file and of its tensors, or whatever the caller makes of it.
using HashResult = std::vector<std::string>;

/// Does the jobs at these places; the results in the same order.
using HashJobs = std::function<Expected<std::vector<HashResult>>(const std::vector<std::size_t>& jobs)>;

/// The jobs of each of so many ranks: the largest is handed out first, each to the rank that has the fewest bytes so
/// far.
std::vector<std::vector<std::size_t>> shares_of_jobs(const std::vector<HashJob>& jobs, std::size_t ranks);

/// Called by every rank, before agree(); the results of all jobs. `seen` says which files they are, so that two ranks
/// of one machine with the same `seen` and the same jobs would get the same results: each does a share of the jobs, and
/// gets the results of the others. Everybody else does all of his. Errors: those of `make`, of hear_all on rank 0.
Expected<std::vector<HashResult>> share_hashing(Ranks& ranks, const std::string& seen, const std::vector<HashJob>& jobs,
                                                const HashJobs& make);

}  // namespace hallmark
