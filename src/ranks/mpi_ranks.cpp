// Messages of ranks by MPI. Each message is a head of three words and, behind it, its bytes in pieces; whoever waits
// sleeps between two looks, because Open MPI's own waiting takes a processor that another rank may need.
#define OMPI_SKIP_MPICXX 1  // the C++ interface, which newer versions have not
#include <mpi.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <thread>

#include "base/error_numbers.hpp"
#include "ranks/ranks.hpp"

namespace hallmark {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int head_tag = 1, piece_tag = 2;
constexpr std::size_t most_bytes = std::size_t{1} << 30;  // of a piece: MPI counts in int
using Head = std::array<std::uint64_t, 3>;                // word, item, bytes

// Sleeps a little longer each time, up to five milliseconds.
class Patience {
 public:
  void wait() {
    std::this_thread::sleep_for(pause_);
    pause_ = std::min(2 * pause_, microseconds(5000));
  }

 private:
  microseconds pause_{50};
};

class MpiRanks final : public Ranks {
 public:
  MpiRanks() {
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    MPI_Comm near = MPI_COMM_NULL;  // the ranks of this machine, the first of which gives it its number
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &near);
    machine_ = rank_;
    MPI_Bcast(&machine_, 1, MPI_INT, 0, near);
    MPI_Comm_free(&near);
    if (rank_ > 0) alive_ = std::thread([this] { say_alive(); });
  }
  ~MpiRanks() override {
    if (alive_.joinable()) {
      {
        const std::scoped_lock lock(over_mutex_);
        over_ = true;
      }
      told_.notify_all();
      alive_.join();
    }
    MPI_Finalize();
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int machine() const override { return machine_; }

  void send(int to, RankWord word, std::uint64_t item, std::span<const std::byte> bytes) override {
    const Head head{static_cast<std::uint64_t>(word), item, bytes.size()};
    carry([&](MPI_Request* request) {
      MPI_Isend(head.data(), static_cast<int>(head.size()), MPI_UINT64_T, to, head_tag, MPI_COMM_WORLD, request);
    });
    for (std::size_t first = 0; first < bytes.size(); first += most_bytes) {
      const auto piece = bytes.subspan(first, std::min(most_bytes, bytes.size() - first));
      carry([&](MPI_Request* request) {
        MPI_Isend(piece.data(), static_cast<int>(piece.size()), MPI_BYTE, to, piece_tag, MPI_COMM_WORLD, request);
      });
    }
  }

  std::optional<RankMessage> receive(milliseconds wait) override {
    const auto until = steady_clock::now() + wait;
    Patience patience;
    for (;;) {
      if (auto message = next_head()) {
        for (std::size_t first = 0; first < message->bytes.size(); first += most_bytes) {
          const auto piece =
              std::span(message->bytes).subspan(first, std::min(most_bytes, message->bytes.size() - first));
          carry([&](MPI_Request* request) {
            MPI_Irecv(piece.data(), static_cast<int>(piece.size()), MPI_BYTE, message->from, piece_tag, MPI_COMM_WORLD,
                      request);
          });
        }
        return message;
      }
      if (steady_clock::now() >= until) return std::nullopt;
      patience.wait();
    }
  }

  void abort(int code) override {
    const std::scoped_lock lock(mutex_);
    MPI_Abort(MPI_COMM_WORLD, code);
  }

 private:
  // The head of a message that is there; its bytes are still to come.
  std::optional<RankMessage> next_head() {
    const std::scoped_lock lock(mutex_);
    int there = 0;
    MPI_Status of;
    MPI_Iprobe(MPI_ANY_SOURCE, head_tag, MPI_COMM_WORLD, &there, &of);
    if (!there) return std::nullopt;
    Head head{};
    MPI_Recv(head.data(), static_cast<int>(head.size()), MPI_UINT64_T, of.MPI_SOURCE, head_tag, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    return RankMessage{of.MPI_SOURCE, static_cast<RankWord>(head[0]), head[1], std::vector<std::byte>(head[2])};
  }

  // Begins a transfer and waits for its end, leaving MPI to other threads meanwhile.
  void carry(const std::function<void(MPI_Request*)>& begin) {
    MPI_Request request = MPI_REQUEST_NULL;
    Patience patience;
    std::unique_lock lock(mutex_);
    begin(&request);
    for (int done = 0;;) {
      MPI_Test(&request, &done, MPI_STATUS_IGNORE);
      if (done) return;
      lock.unlock();
      patience.wait();
      lock.lock();
    }
  }

  void say_alive() {
    std::unique_lock lock(over_mutex_);
    while (!told_.wait_for(lock, std::chrono::seconds(1), [this] { return over_; })) {
      lock.unlock();
      send(0, RankWord::alive, 0, {});
      lock.lock();
    }
  }

  int rank_ = 0, size_ = 1, machine_ = 0;
  std::mutex mutex_;  // MPI's: one thread at a time
  std::mutex over_mutex_;
  std::condition_variable told_;
  bool over_ = false;
  std::thread alive_;
};

bool launched() {
  for (const char* const name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"})
    if (std::getenv(name)) return true;
  return false;
}

}  // namespace

Expected<std::unique_ptr<Ranks>> mpi_ranks() {
  if (!launched()) return std::unique_ptr<Ranks>(std::make_unique<OneRank>());  // which MPI_Init would take a while for
  int given = 0;
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &given) != MPI_SUCCESS || given < MPI_THREAD_SERIALIZED)
    return Error{Exit::io, error_number::rank_lost, "MPI cannot be started",
                 "MPI_Init_thread, for more than one thread",
                 "start the ranks with the mpirun of the MPI that Hallmark was built with"};
  return std::unique_ptr<Ranks>(std::make_unique<MpiRanks>());
}

}  // namespace hallmark
