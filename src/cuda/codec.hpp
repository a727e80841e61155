// GF16 conversion of whole arrays on a CUDA device; a library of its own (hallmark_cuda), built with HALLMARK_CUDA=ON.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/error.hpp"

namespace hallmark::cuda {

/// Name of the current device. Errors: E1301 (exit 13) no driver or no device.
Expected<std::string> device_name();

/// words[i] = GF16::encode(values[i]) bit for bit; host arrays of equal length, no aliasing.
/// Errors: E1301; E1302 (exit 10) device memory; E1303 (exit 13) the device failed half-way. Outputs are then unspecified.
Status encode(std::span<const float> values, std::span<std::uint16_t> words);

/// values[i] = GF16::decode(words[i]) bit for bit; as encode.
Status decode(std::span<const std::uint16_t> words, std::span<float> values);

}  // namespace hallmark::cuda
