#include "ranks/hearing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error_numbers.hpp"

namespace hallmark {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds most_silence(20);  // signs of life come every second

// What ranks say before the work is handed out.
constexpr std::array before_work{RankWord::sees, RankWord::hashed, RankWord::agreement};

}  // namespace

Silence::Silence(int ranks) : of_(static_cast<std::size_t>(ranks)), last_(steady_clock::now()) {}

std::optional<Error> Silence::passed() {
  const auto now = steady_clock::now();
  const auto more = std::min<steady_clock::duration>(now - last_, 10 * rank_look);
  last_ = now;
  for (std::size_t rank = 1; rank < of_.size(); ++rank)
    if ((of_[rank] += more) > most_silence)
      return Error{Exit::io, error_number::rank_lost, "a rank gives no sign of life",
                   fmt::format("rank {}: none for {} s", rank, most_silence.count()),
                   "look whether its node and its process live; with --state what is done stays"};
  return std::nullopt;
}

Error error_of(const RankMessage& message) {
  Error error;
  BytesIn in(message.bytes);
  in(error);
  return located(fmt::format("rank {}", message.from), std::move(error));
}

Error rank_differs(int rank, const std::string& how) {
  return {Exit::infeasible, error_number::ranks_differ, "a rank does not work on what rank 0 works on",
          fmt::format("rank {}: {}", rank, how),
          "start every rank with one program, one command line and the same files"};
}

Status hear_all(Ranks& ranks, RankWord word, const std::function<Status(const RankMessage&)>& take) {
  Silence silence(ranks.size());
  for (int missing = ranks.size() - 1; missing > 0;) {
    const auto message = ranks.receive(rank_look);
    if (auto silent = silence.passed()) return *silent;
    if (!message) continue;
    silence.heard(message->from);
    if (message->word == RankWord::failed) return error_of(*message);
    if (message->word != word) {
      if (std::ranges::find(before_work, message->word) == before_work.end()) continue;
      return rank_differs(message->from, "is at another point of its work");
    }
    if (const Status taken = take(*message); !taken) return taken;
    --missing;
  }
  return ok();
}

RankMessage hear(Ranks& ranks, RankWord word) {
  for (;;)
    if (auto message = ranks.receive(milliseconds(1000)); message && message->word == word) return *std::move(message);
}

}  // namespace hallmark
