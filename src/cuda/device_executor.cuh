// The CUDA device as an executor of programs (host_executor.hpp says what an executor is).
#pragma once

#include <cuda_runtime.h>

#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/error_numbers.hpp"
#include "cuda/host_device.hpp"

namespace hallmark::cuda {

template <class Body>
__global__ void __launch_bounds__(kThreads) kernel(Body body, std::int64_t phases) {
  for (std::int64_t phase = 0; phase < phases; ++phase) {
    body(Place{blockIdx.x, threadIdx.x, phase});
    __syncthreads();
  }
}

/// The current device. The first failure stays, and nothing is done after it.
class DeviceExecutor {
 public:
  template <class T>
  class Buffer {
   public:
    Buffer() = default;
    Buffer(T* data, std::int64_t count) : data_(data), count_(count) {}
    Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), count_(other.count_) {}
    Buffer& operator=(Buffer&& other) noexcept {
      std::swap(data_, other.data_);
      std::swap(count_, other.count_);
      return *this;
    }
    ~Buffer() {
      if (data_ != nullptr) static_cast<void>(cudaFree(data_));  // a failure shows in the next call that is checked
    }
    T* data() { return data_; }
    const T* data() const { return data_; }
    std::int64_t size() const { return count_; }

   private:
    T* data_ = nullptr;
    std::int64_t count_ = 0;
  };

  explicit DeviceExecutor(std::string name) : name_(std::move(name)) {}

  std::string name() const { return name_; }
  Status status() const {
    if (failure_) return *failure_;
    return ok();
  }

  template <class T>
  Buffer<T> make(std::int64_t count) {
    if (failure_ || count == 0) return {};
    void* data = nullptr;
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
    if (const cudaError_t code = cudaMalloc(&data, bytes); code != cudaSuccess) {
      fail(code, "allocation of " + std::to_string(bytes) + " bytes");
      return {};
    }
    return {static_cast<T*>(data), count};
  }
  template <class T>
  Buffer<T> zeros(std::int64_t count) {
    Buffer<T> buffer = make<T>(count);
    if (!failure_ && count > 0)
      check(cudaMemset(buffer.data(), 0, static_cast<std::size_t>(count) * sizeof(T)), "clearing memory");
    return buffer;
  }
  template <class T>
  Buffer<T> upload(std::span<const T> values) {
    Buffer<T> buffer = make<T>(static_cast<std::int64_t>(values.size()));
    if (!failure_ && !values.empty())
      check(cudaMemcpy(buffer.data(), values.data(), values.size_bytes(), cudaMemcpyHostToDevice),
            "copy to the device");
    return buffer;
  }
  template <class T>
  void download(const Buffer<T>& buffer, std::span<T> values) {
    if (!failure_ && !values.empty())
      check(cudaMemcpy(values.data(), buffer.data(), values.size_bytes(), cudaMemcpyDeviceToHost),
            "copy from the device");
  }
  template <class Body>
  void run(const Body& body, std::int64_t phases = 1) {
    const std::int64_t blocks = body.blocks();
    if (failure_ || blocks == 0) return;
    if (blocks > 0x7FFF'FFFF) {
      fail(cudaErrorInvalidConfiguration, "launch of " + std::to_string(blocks) + " blocks");
      return;
    }
    kernel<<<static_cast<unsigned>(blocks), static_cast<unsigned>(kThreads)>>>(body, phases);
    check(cudaGetLastError(), "launch");
  }

 private:
  void check(cudaError_t code, const char* step) {
    if (code != cudaSuccess) fail(code, step);
  }
  void fail(cudaError_t code, const std::string& step) {
    if (failure_) return;
    const std::string where = name_ + ": " + step + ": " + cudaGetErrorString(code);
    failure_ = code == cudaErrorMemoryAllocation
                   ? Error{Exit::memory, error_number::device_memory, "the memory of the CUDA device is exhausted",
                           where, "--device cpu"}
                   : Error{Exit::unavailable, error_number::device_failed, "the CUDA device failed half-way", where,
                           "--device cpu"};
  }

  std::string name_;
  std::optional<Error> failure_;
};

}  // namespace hallmark::cuda
