// The processes of one run, which `mpirun` or `srun` started together, as far as Hallmark needs them: numbered from 0,
// and sending each other messages. Who uses this does not know of MPI, and a run without it is one rank.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/error.hpp"

namespace hallmark {

/// What a message is about.
enum class RankWord : std::uint64_t {
  agreement,  ///< to rank 0: what the rank sees of the inputs, as bytes of an Agreement
  agreed,     ///< from rank 0: so do all
  free,       ///< to rank 0: nothing in hand
  made,       ///< to rank 0: the bytes of an item; nothing in hand
  refused,    ///< to rank 0: the error in place of an item; nothing in hand
  make,       ///< from rank 0: an item to be made
  none,       ///< from rank 0: no item is left
  failed,     ///< to rank 0: the error that ends the rank
  alive,      ///< to rank 0
  end,        ///< from rank 0: the run is over, and all is well
  sees,       ///< to rank 0: what tells the rank's machine and inputs from others
  share,      ///< from rank 0: which of how many shares of the hashing is this rank's, as bytes
  hashed,     ///< to rank 0: the digests of the share
  digests,    ///< from rank 0: those of all shares
};

struct RankMessage {
  int from = 0;
  RankWord word = RankWord::alive;
  std::uint64_t item = 0;
  std::vector<std::byte> bytes = {};
};

/// Any thread may send, one at a time receives; two messages of one thread to one rank keep their order.
class Ranks {
 public:
  virtual ~Ranks() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Returns when the bytes may change. Precondition: another rank.
  virtual void send(int to, RankWord word, std::uint64_t item, std::span<const std::byte> bytes) = 0;
  /// A message that is there, or that comes within the time; takes no processor while it waits.
  virtual std::optional<RankMessage> receive(std::chrono::milliseconds wait) = 0;
  /// Ends every rank at once with this exit code, the caller's too where ranks were started together.
  virtual void abort(int code) = 0;
  /// The same number on ranks of one machine, and another on every other machine.
  virtual int machine() const { return 0; }

  /// Ends the run where a rank is found to be lost, on the thread that finds it, while others compute; without it the
  /// run ends when it next asks for something.
  std::function<void(const Error&)> when_lost = {};
};

/// A process alone.
class OneRank final : public Ranks {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void send(int, RankWord, std::uint64_t, std::span<const std::byte>) override {}
  std::optional<RankMessage> receive(std::chrono::milliseconds) override { return std::nullopt; }
  void abort(int) override {}
};

/// The ranks of MPI, where several were started together; else one. In the library hallmark_mpi (-DHALLMARK_MPI=ON),
/// called once, from main. Every rank but 0 sends a sign of life each second while the object lives, and its end waits
/// for all ranks. Errors: E0907.
Expected<std::unique_ptr<Ranks>> mpi_ranks();

/// How many processes a launcher of MPI says to have started together, 1 where none did.
int launched_together();

}  // namespace hallmark
