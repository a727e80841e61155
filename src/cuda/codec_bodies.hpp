// The GF16 codec of arrays: the scalar codec itself, four elements a thread.
#pragma once

#include "cuda/host_device.hpp"
#include "format/golden_float.hpp"

namespace hallmark::cuda {

/// out[i] = convert(in[i]), i < count. A thread has 16 bytes of binary32 beside each other, one access of the device.
template <class In, class Out>
struct CodecBody {
  static constexpr int kElements = 4;

  const In* in;  // both arrays begin at a multiple of 16 bytes
  Out* out;
  std::int64_t count;

  HALLMARK_HOST_DEVICE std::int64_t blocks() const { return blocks_for((count + kElements - 1) / kElements); }

  template <class Convert>
  HALLMARK_HOST_DEVICE void convert(const Place& at, Convert one) const {
    const std::int64_t first = at.index() * kElements;
    if (first + kElements > count) {
      for (std::int64_t i = first; i < count; ++i) out[i] = one(in[i]);
      return;
    }
    const auto from = Pack<In, kElements>::from(in + first);
    Pack<Out, kElements> converted;
    for (int i = 0; i < kElements; ++i) converted.at[i] = one(from.at[i]);
    Pack<Out, kElements>::to(out + first) = converted;
  }
};

struct EncodeBody : CodecBody<float, std::uint16_t> {
  HALLMARK_HOST_DEVICE void operator()(const Place& at) const {
    convert(at, [](float x) { return GF16::encode(x); });
  }
};

struct DecodeBody : CodecBody<std::uint16_t, float> {
  HALLMARK_HOST_DEVICE void operator()(const Place& at) const {
    convert(at, [](std::uint16_t word) { return GF16::decode(word); });
  }
};

}  // namespace hallmark::cuda
