#include "cuda/codec.hpp"

#include <cuda_runtime.h>

#include <algorithm>
#include <memory>

#include "format/golden_float.hpp"

namespace hallmark::cuda {
namespace {

// The body of both kernels is the scalar codec itself (constexpr integer programs), which the host tests execute.
__global__ void encode_kernel(const float* values, std::uint16_t* words, std::size_t count) {
  const std::size_t stride = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride)
    words[i] = GF16::encode(values[i]);
}

__global__ void decode_kernel(const std::uint16_t* words, float* values, std::size_t count) {
  const std::size_t stride = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride)
    values[i] = GF16::decode(words[i]);
}

Error device_error(cudaError_t code, const char* step) {
  const bool memory = code == cudaErrorMemoryAllocation;
  return {memory ? Exit::memory : Exit::unavailable, memory ? 1302 : 1303, "the CUDA device could not convert the array",
          std::string(step) + ": " + cudaGetErrorString(code), "use --device cpu"};
}

struct DeviceFree {
  void operator()(void* pointer) const { cudaFree(pointer); }
};

template <class In, class Out, class Launch>
Status convert(std::span<const In> input, std::span<Out> output, Launch launch) {
  if (input.size() != output.size())
    return Error{Exit::internal, 112, "input and output differ in length",
                 std::to_string(input.size()) + " and " + std::to_string(output.size()), "report this as a bug"};
  if (const auto device = device_name(); !device) return device.error();
  if (input.empty()) return ok();
  void *raw_in = nullptr, *raw_out = nullptr;
  if (const cudaError_t code = cudaMalloc(&raw_in, input.size_bytes())) return device_error(code, "allocate input");
  const std::unique_ptr<void, DeviceFree> device_in(raw_in);
  if (const cudaError_t code = cudaMalloc(&raw_out, output.size_bytes())) return device_error(code, "allocate output");
  const std::unique_ptr<void, DeviceFree> device_out(raw_out);
  if (const cudaError_t code = cudaMemcpy(raw_in, input.data(), input.size_bytes(), cudaMemcpyHostToDevice))
    return device_error(code, "copy to the device");
  constexpr unsigned threads = 256;
  const auto blocks = static_cast<unsigned>(std::min<std::size_t>((input.size() + threads - 1) / threads, 1u << 16));
  launch(blocks, threads, static_cast<const In*>(raw_in), static_cast<Out*>(raw_out), input.size());
  if (const cudaError_t code = cudaGetLastError()) return device_error(code, "launch");
  if (const cudaError_t code = cudaMemcpy(output.data(), raw_out, output.size_bytes(), cudaMemcpyDeviceToHost))
    return device_error(code, "copy from the device");
  return ok();
}

}  // namespace

Expected<std::string> device_name() {
  int device = 0;
  cudaDeviceProp properties{};
  cudaError_t code = cudaGetDevice(&device);
  if (code == cudaSuccess) code = cudaGetDeviceProperties(&properties, device);
  if (code != cudaSuccess)
    return Error{Exit::unavailable, 1301, "no CUDA device", cudaGetErrorString(code), "use --device cpu"};
  return std::string(properties.name);
}

Status encode(std::span<const float> values, std::span<std::uint16_t> words) {
  return convert(values, words, [](unsigned blocks, unsigned threads, const float* in, std::uint16_t* out, std::size_t n) {
    encode_kernel<<<blocks, threads>>>(in, out, n);
  });
}

Status decode(std::span<const std::uint16_t> words, std::span<float> values) {
  return convert(words, values, [](unsigned blocks, unsigned threads, const std::uint16_t* in, float* out, std::size_t n) {
    decode_kernel<<<blocks, threads>>>(in, out, n);
  });
}

}  // namespace hallmark::cuda
