// --device: where the heavy parts of quantization run.
#pragma once

#include <memory>
#include <string>

#include "cuda/backend.hpp"

namespace hallmark::cli {

/// The backend of "cuda"; null, the CPU itself, for "cpu". Errors: E1305 (exit 13) this tool was built without CUDA;
/// E1306 no device.
Expected<std::unique_ptr<cuda::EngineBackend>> device_backend(const std::string& device);

}  // namespace hallmark::cli
