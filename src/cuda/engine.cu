#include <cuda_runtime.h>

#include "base/error_numbers.hpp"
#include "cuda/device_executor.cuh"
#include "cuda/program_engine.hpp"

namespace hallmark::cuda {

Expected<std::unique_ptr<Engine>> device_engine() {
  int device = 0;
  cudaDeviceProp properties{};
  cudaError_t code = cudaGetDevice(&device);
  if (code == cudaSuccess) code = cudaGetDeviceProperties(&properties, device);
  if (code == cudaSuccess) code = cudaFree(nullptr);  // makes the context
  if (code != cudaSuccess)
    return Error{Exit::unavailable, error_number::no_device, "no CUDA device can be used", cudaGetErrorString(code),
                 "--device cpu"};
  return std::unique_ptr<Engine>(std::make_unique<ProgramEngine<DeviceExecutor>>(DeviceExecutor(properties.name)));
}

}  // namespace hallmark::cuda
