// Executors on the host that are worse than a device has to be.
#pragma once

#include <memory>
#include <optional>

#include "cuda/backend.hpp"
#include "cuda/host_executor.hpp"
#include "cuda/program_engine.hpp"

namespace hallmark::test {

/// Blocks and threads in the opposite order: bodies that depend on each other inside a phase give other bits.
class ReversedExecutor : public cuda::HostExecutor {
 public:
  template <class Body>
  void run(const Body& body, std::int64_t phases = 1) {
    for (std::int64_t block = body.blocks(); block-- > 0;)
      for (std::int64_t phase = 0; phase < phases; ++phase)
        for (std::int64_t thread = cuda::kThreads; thread-- > 0;) body(cuda::Place{block, thread, phase});
  }
};

/// Fails at the given call (launches and copies to the host count) and does nothing from then on.
class FailingExecutor : public cuda::HostExecutor {
 public:
  explicit FailingExecutor(int calls) : left_(calls) {}

  Status status() const {
    if (left_ <= 0)
      return Error{Exit::unavailable, 1303, "the CUDA device failed half-way", "injected", "--device cpu"};
    return ok();
  }
  template <class T>
  void download(const Buffer<T>& buffer, std::span<T> values) {
    if (--left_ > 0) HostExecutor::download(buffer, values);
  }
  template <class Body>
  void run(const Body& body, std::int64_t phases = 1) {
    if (--left_ > 0) HostExecutor::run(body, phases);
  }

 private:
  int left_;
};

template <class Executor>
cuda::EngineBackend backend_of(Executor executor, std::int64_t most_sums, Index factor_block) {
  return cuda::EngineBackend(std::make_unique<cuda::ProgramEngine<Executor>>(std::move(executor), most_sums),
                             factor_block);
}

}  // namespace hallmark::test
