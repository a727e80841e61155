#include "io/pytorch_strides.hpp"

#include <algorithm>
#include <cstring>

namespace hallmark::pytorch {
namespace {

template <std::size_t size>
void gather_elements(const Placed& tensor, const std::byte* from, std::byte* to) {
  const std::size_t last = tensor.shape.size() - 1;  // what has no dimensions is dense
  const std::uint64_t width = tensor.shape[last];
  std::vector<std::uint64_t> index(last);
  std::uint64_t row = tensor.offset;  // modulo 2^64: the stride of a single row may be anything
  for (std::uint64_t left = element_count(tensor.shape); left > 0; left -= width) {
    for (std::uint64_t j = 0; j < width; ++j, to += size)
      std::memcpy(to, from + (row + j * tensor.strides[last]) * size, size);
    for (std::size_t k = last; k-- > 0;) {
      row += tensor.strides[k];
      if (++index[k] < tensor.shape[k]) break;
      row -= tensor.shape[k] * tensor.strides[k];
      index[k] = 0;
    }
  }
}

}  // namespace

bool dense(const Placed& tensor) {
  std::uint64_t expected = 1;
  for (std::size_t k = tensor.shape.size(); k-- > 0; expected *= tensor.shape[k])
    if (tensor.shape[k] != 1 && tensor.strides[k] != expected) return false;
  return true;
}

bool apart(const Placed& tensor) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> by_stride;  // stride and size
  for (std::size_t k = 0; k < tensor.shape.size(); ++k)
    if (tensor.shape[k] > 1) by_stride.emplace_back(tensor.strides[k], tensor.shape[k]);
  std::ranges::sort(by_stride);
  std::uint64_t reach = 1;
  for (const auto& [stride, size] : by_stride) {
    if (stride < reach) return false;
    reach += (size - 1) * stride;
  }
  return true;
}

void gather(const Placed& tensor, std::span<const std::byte> storage, std::span<std::byte> to) {
  switch (dtype_bits(tensor.dtype)) {
    case 8: return gather_elements<1>(tensor, storage.data(), to.data());
    case 16: return gather_elements<2>(tensor, storage.data(), to.data());
    case 32: return gather_elements<4>(tensor, storage.data(), to.data());
    default: return gather_elements<8>(tensor, storage.data(), to.data());
  }
}

}  // namespace hallmark::pytorch
