// How rank 0 hears of the others before the work is handed out, and they of it.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "ranks/ranks.hpp"
#include "state/archive.hpp"

namespace hallmark {

/// The time after which rank 0 looks for messages again.
inline constexpr std::chrono::milliseconds rank_look(5);

/// How long each rank has said nothing, in time that this process was awake: one that was stopped blames nobody.
class Silence {
 public:
  explicit Silence(int ranks);
  void heard(int rank) { of_[static_cast<std::size_t>(rank)] = {}; }
  /// E0907 where a rank has said nothing for too long.
  std::optional<Error> passed();

 private:
  std::vector<std::chrono::steady_clock::duration> of_;
  std::chrono::steady_clock::time_point last_;
};

/// The values as bytes of a message.
template <class... T>
std::vector<std::byte> message_bytes(const T&... values) {
  BytesOut out;
  out(values...);
  return out.bytes();
}

/// The error that the message tells, with the number of its rank.
Error error_of(const RankMessage& message);

/// E0450: a rank works on something else than rank 0.
Error rank_differs(int rank, const std::string& how);

/// Rank 0 hears this word of every other rank. Errors: what a rank failed with; E0907; E0450 a rank says what it says
/// at another point of its work; those of `take`.
Status hear_all(Ranks& ranks, RankWord word, const std::function<Status(const RankMessage&)>& take);

/// Waits on another rank for this word of rank 0.
RankMessage hear(Ranks& ranks, RankWord word);

}  // namespace hallmark
