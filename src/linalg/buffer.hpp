// Working memory of the kernels: aligned to cache lines, so that no vector straddles two, and not zeroed, so that pages are
// first touched by the thread that fills them.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace hallmark {

template <class T>
struct CacheLineAllocator {
  using value_type = T;
  CacheLineAllocator() = default;
  template <class Other>
  CacheLineAllocator(const CacheLineAllocator<Other>&) {}

  T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), kLine)); }
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

}  // namespace hallmark
