#include "ranks/shared_digests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "base/error_numbers.hpp"
#include "io/sha256.hpp"
#include "ranks/hearing.hpp"

namespace hallmark {
namespace {

using Results = std::vector<HashResult>;

// Ranks that would do the same jobs with the same results have the same.
std::string group_of(const Ranks& ranks, const std::string& seen, const std::vector<HashJob>& jobs) {
  std::string group = fmt::format("machine {}\n{}", ranks.machine(), seen);
  for (const HashJob& job : jobs) group += fmt::format("\n{} bytes: {}", job.bytes, job.name);
  return sha256_hex(std::string_view(group));
}

// The results of all jobs, from what every rank of a group has done of them.
Expected<Results> merged(const std::vector<HashJob>& jobs, const std::vector<Results>& done) {
  const std::vector<std::vector<std::size_t>> shares = shares_of_jobs(jobs, done.size());
  Results all(jobs.size());
  for (std::size_t place = 0; place < shares.size(); ++place) {
    if (done[place].size() != shares[place].size())
      return Error{Exit::internal, error_number::unexpected_exception,
                   "a rank sent other digests than it was asked for",
                   fmt::format("{} of {} digests", done[place].size(), shares[place].size()), "report this as a bug"};
    for (std::size_t k = 0; k < shares[place].size(); ++k) all[shares[place][k]] = done[place][k];
  }
  return all;
}

// Rank 0: of every rank the ranks that share with it, itself among them, in ascending order.
Expected<std::vector<std::vector<int>>> groups_of_all(Ranks& ranks, const std::string& mine) {
  std::vector<std::string> group_of_rank(static_cast<std::size_t>(ranks.size()));
  group_of_rank[0] = mine;
  const Status heard = hear_all(ranks, RankWord::sees, [&](const RankMessage& message) {
    BytesIn in(message.bytes);
    in(group_of_rank[static_cast<std::size_t>(message.from)]);
    return ok();
  });
  if (!heard) return heard.error();
  std::map<std::string, std::vector<int>> groups;
  for (int rank = 0; rank < ranks.size(); ++rank) groups[group_of_rank[static_cast<std::size_t>(rank)]].push_back(rank);
  std::vector<std::vector<int>> of_rank;
  for (const std::string& group : group_of_rank) of_rank.push_back(groups[group]);
  return of_rank;
}

std::size_t place_in(const std::vector<int>& group, int rank) {
  return static_cast<std::size_t>(std::ranges::find(group, rank) - group.begin());
}

// Rank 0: says who does what, does its own, and gives to each what those of its group have done.
Expected<Results> lead_hashing(Ranks& ranks, const std::string& group, const std::vector<HashJob>& jobs,
                               const HashJobs& make) {
  const auto groups = groups_of_all(ranks, group);
  if (!groups) return groups.error();
  const auto group_with = [&](int rank) -> const std::vector<int>& {
    return (*groups)[static_cast<std::size_t>(rank)];
  };
  for (int rank = 1; rank < ranks.size(); ++rank)
    ranks.send(rank, RankWord::share, 0, message_bytes(place_in(group_with(rank), rank), group_with(rank).size()));
  std::vector<Results> done(static_cast<std::size_t>(ranks.size()));
  const auto own = make(shares_of_jobs(jobs, group_with(0).size()).front());
  if (!own) return own.error();
  done[0] = *own;
  const Status heard = hear_all(ranks, RankWord::hashed, [&](const RankMessage& message) {
    BytesIn in(message.bytes);
    in(done[static_cast<std::size_t>(message.from)]);
    return ok();
  });
  if (!heard) return heard.error();
  const auto of_group = [&](int rank) {
    std::vector<Results> all;
    for (const int one : group_with(rank)) all.push_back(done[static_cast<std::size_t>(one)]);
    return all;
  };
  for (int rank = 1; rank < ranks.size(); ++rank) ranks.send(rank, RankWord::digests, 0, message_bytes(of_group(rank)));
  return merged(jobs, of_group(0));
}

}  // namespace

std::vector<std::vector<std::size_t>> shares_of_jobs(const std::vector<HashJob>& jobs, std::size_t ranks) {
  std::vector<std::size_t> order(jobs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return jobs[a].bytes > jobs[b].bytes; });
  std::vector<std::uint64_t> bytes(ranks);
  std::vector<std::vector<std::size_t>> shares(ranks);
  for (const std::size_t job : order) {
    const auto least = static_cast<std::size_t>(std::ranges::min_element(bytes) - bytes.begin());
    bytes[least] += jobs[job].bytes;
    shares[least].push_back(job);
  }
  return shares;
}

Expected<std::vector<HashResult>> share_hashing(Ranks& ranks, const std::string& seen, const std::vector<HashJob>& jobs,
                                                const HashJobs& make) {
  const std::string group = group_of(ranks, seen, jobs);
  if (ranks.rank() == 0) return lead_hashing(ranks, group, jobs, make);
  ranks.send(0, RankWord::sees, 0, message_bytes(group));
  std::size_t place = 0, members = 1;
  BytesIn(hear(ranks, RankWord::share).bytes)(place, members);
  const auto own = make(shares_of_jobs(jobs, members).at(place));
  if (!own) return own.error();
  ranks.send(0, RankWord::hashed, 0, message_bytes(*own));
  std::vector<Results> shares;
  BytesIn(hear(ranks, RankWord::digests).bytes)(shares);
  return merged(jobs, shares);
}

}  // namespace hallmark
