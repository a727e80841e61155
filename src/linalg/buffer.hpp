// Working memory of the kernels: aligned to cache lines, so that no vector straddles two, not zeroed, so that pages are
// first touched by the thread that fills them, and in large pages, which cost less to touch.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "linalg/matrix.hpp"

namespace hallmark {

/// Asks for pages of 2 MiB for fresh memory before its first use; a hint that changes nothing else. Small arrays are
/// left alone.
inline void prefer_large_pages(void* data, std::size_t bytes) {
  constexpr std::size_t kPage = std::size_t{1} << 21;
  if (bytes < 2 * kPage) return;
  const auto first = (reinterpret_cast<std::uintptr_t>(data) + kPage - 1) / kPage * kPage;
  const auto last = (reinterpret_cast<std::uintptr_t>(data) + bytes) / kPage * kPage;
  madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
}

template <class T>
struct CacheLineAllocator {
  using value_type = T;
  CacheLineAllocator() = default;
  template <class Other>
  CacheLineAllocator(const CacheLineAllocator<Other>&) {}

  T* allocate(std::size_t count) {
    T* data = static_cast<T*>(::operator new(count * sizeof(T), kLine));
    prefer_large_pages(data, count * sizeof(T));
    return data;
  }
  void deallocate(T* data, std::size_t) { ::operator delete(data, kLine); }

  template <class Entry, class... Arguments>
  void construct(Entry* at, Arguments&&... arguments) {
    if constexpr (sizeof...(Arguments) > 0) std::construct_at(at, std::forward<Arguments>(arguments)...);
  }

  friend bool operator==(CacheLineAllocator, CacheLineAllocator) { return true; }

 private:
  static constexpr std::align_val_t kLine{64};
};

/// A vector of numbers whose entries have no value until they are written.
template <class T>
using Buffer = std::vector<T, CacheLineAllocator<T>>;

/// A matrix [rows, columns] whose entries have no value until they are written.
template <class T>
Matrix<T> fresh_matrix(Index rows, Index columns) {
  Matrix<T> M(rows, columns);
  prefer_large_pages(M.data(), static_cast<std::size_t>(M.size()) * sizeof(T));
  return M;
}

}  // namespace hallmark
