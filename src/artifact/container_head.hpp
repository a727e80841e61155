// The head of a container before there is a file: what an artifact of it has to hold.
#pragma once

#include <map>
#include <string>

#include "artifact/quantized_model.hpp"

namespace hallmark {

struct ContainerHead {
  std::string bytes;             ///< the header and its length: all that stands before the tensors
  std::vector<TensorPlan> plan;  ///< the tensors, as they stand behind it
  std::string payload_sha256;
};

/// The head that QuantizedFileWriter gives a container of one file, byte for byte. `digests`: the SHA-256 of every
/// tensor's bytes, by name. Errors: E0110 a digest is missing; those of safetensors_header.
Expected<ContainerHead> container_head(QuantizedHeader header, const std::map<std::string, std::string>& digests);

}  // namespace hallmark
