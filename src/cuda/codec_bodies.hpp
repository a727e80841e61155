// The GF16 codec of arrays: a thread per element, the scalar codec itself.
#pragma once

#include "cuda/host_device.hpp"
#include "format/golden_float.hpp"

namespace hallmark::cuda {

struct EncodeBody {
  const float* values;
  std::uint16_t* words;
  std::int64_t count;

  HALLMARK_HOST_DEVICE std::int64_t blocks() const { return blocks_for(count); }
  HALLMARK_HOST_DEVICE void operator()(const Place& at) const {
    if (at.index() < count) words[at.index()] = GF16::encode(values[at.index()]);
  }
};

struct DecodeBody {
  const std::uint16_t* words;
  float* values;
  std::int64_t count;

  HALLMARK_HOST_DEVICE std::int64_t blocks() const { return blocks_for(count); }
  HALLMARK_HOST_DEVICE void operator()(const Place& at) const {
    if (at.index() < count) values[at.index()] = GF16::decode(words[at.index()]);
  }
};

}  // namespace hallmark::cuda
