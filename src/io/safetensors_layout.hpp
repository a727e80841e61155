// The head of a safetensors file without its tensors.
#pragma once

#include "io/safetensors.hpp"

namespace hallmark {

struct SafeTensorsLayout {
  struct Tensor {
    TensorPlan plan;
    std::uint64_t bytes;
  };
  std::vector<Tensor> tensors;  ///< as they stand in the file; of no bytes at one offset in header order
  std::uint64_t bytes = 0;      ///< of all
};

/// Sorts a plan as the reference writer does (TensorOrder::reference).
void sort_by_reference(std::vector<TensorPlan>& plan);

/// Checks every rule of the format on the first 8 + N bytes of a file, the header's length N among them; that the
/// tensors are there is left to the caller. `path` is for messages only. Errors: those of parse_safetensors.
Expected<SafeTensorsLayout> parse_layout(std::span<const std::byte> head, const std::string& path);

}  // namespace hallmark
