// The host in the place of the device: kernels run block by block, phase by phase, thread by thread.
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cuda/host_device.hpp"

namespace hallmark::cuda {

/// What ProgramEngine asks of an executor; the one of the device is in device_executor.cuh. An executor that has failed
/// does nothing more.
class HostExecutor {
 public:
  template <class T>
  using Buffer = std::vector<T>;

  std::string name() const { return "host"; }
  Status status() const { return ok(); }

  /// `count` entries that hold nothing: all bits set, a NaN or -1, so that a use before a write shows in the results.
  template <class T>
  Buffer<T> make(std::int64_t count) {
    Buffer<T> buffer(static_cast<std::size_t>(count));
    if (count > 0) std::memset(static_cast<void*>(buffer.data()), 0xFF, buffer.size() * sizeof(T));
    return buffer;
  }
  template <class T>
  Buffer<T> zeros(std::int64_t count) {
    return Buffer<T>(static_cast<std::size_t>(count));
  }
  template <class T>
  Buffer<T> upload(std::span<const T> values) {
    return Buffer<T>(values.begin(), values.end());
  }
  template <class T>
  void download(const Buffer<T>& buffer, std::span<T> values) {
    std::copy_n(buffer.begin(), values.size(), values.begin());
  }

  /// Calls body for every thread of `blocks` blocks, `phases` times over.
  template <class Body>
  void run(const Body& body, std::int64_t phases = 1) {
    for (std::int64_t block = 0; block < body.blocks(); ++block)
      for (std::int64_t phase = 0; phase < phases; ++phase)
        for (std::int64_t thread = 0; thread < kThreads; ++thread) body(Place{block, thread, phase});
  }
};

}  // namespace hallmark::cuda
