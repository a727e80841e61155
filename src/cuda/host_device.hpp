// The bodies of the CUDA kernels are plain functions of a place in the grid, compiled by nvcc for the device and by the
// host's compiler for the tests, which call them for every place in turn (host_executor.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

#ifdef __CUDACC__
#define HALLMARK_HOST_DEVICE __host__ __device__
#else
#define HALLMARK_HOST_DEVICE
#endif

namespace hallmark::cuda {

/// Threads of a block, of every kernel.
inline constexpr std::int64_t kThreads = 128;

/// Which call of a body this is. All threads of a block finish a phase before one of them begins the next; nothing else
/// is ordered inside a kernel, and no body uses shared memory or atomics.
struct Place {
  std::int64_t block = 0, thread = 0, phase = 0;
  HALLMARK_HOST_DEVICE std::int64_t index() const { return block * kThreads + thread; }
};

/// N elements that lie beside each other at a multiple of their size in bytes (16 at most): one access of the device.
template <class T, int N>
struct alignas(sizeof(T) * N < 16 ? sizeof(T) * N : 16) Pack {
  T at[N];
  HALLMARK_HOST_DEVICE static const Pack& from(const T* x) { return *reinterpret_cast<const Pack*>(x); }
  HALLMARK_HOST_DEVICE static Pack& to(T* x) { return *reinterpret_cast<Pack*>(x); }
};

HALLMARK_HOST_DEVICE constexpr std::int64_t blocks_for(std::int64_t items) { return (items + kThreads - 1) / kThreads; }

}  // namespace hallmark::cuda
