#include "cli/device.hpp"

#include "base/error_numbers.hpp"

namespace hallmark::cli {

Expected<std::unique_ptr<cuda::EngineBackend>> device_backend(const std::string& device) {
  if (device == "cpu") return std::unique_ptr<cuda::EngineBackend>();
#ifdef HALLMARK_WITH_CUDA
  auto engine = cuda::device_engine();
  if (!engine) return engine.error();
  return std::make_unique<cuda::EngineBackend>(*std::move(engine));
#else
  return Error{Exit::unavailable, error_number::cuda_not_built, "this hallmark was built without CUDA",
               "--device " + device,
               "build with cmake -DHALLMARK_CUDA=ON (needs nvcc; `make check-cuda`), or --device cpu"};
#endif
}

}  // namespace hallmark::cli
