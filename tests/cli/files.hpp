// Files of tensors that a test makes up.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "io/safetensors.hpp"

#include "format/golden_float.hpp"  // after the dtypes, whose names its formats would shadow

namespace hallmark::test {

/// count numbers of [-0.5, 0.5), the same for the same seed.
inline std::vector<float> noise(std::size_t count, unsigned seed) {
  std::vector<float> values(count);
  unsigned state = seed * 2654435761u + 12345;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) * 0x1p-24f - 0.5f;
  }
  return values;
}

struct MadeTensor {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
  std::vector<float> values = {};  ///< noise where there are none
};

/// The values as the dtype stores them.
inline std::string stored_bytes(DType dtype, const std::vector<float>& values) {
  std::string bytes;
  const auto add = [&](const auto value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof value); };
  for (const float value : values) {
    if (dtype == DType::F64) add(static_cast<double>(value));
    else if (dtype == DType::BF16) add(BF16::encode(value));
    else if (dtype == DType::F16) add(FP16::encode(value));
    else if (dtype == DType::U8) add(static_cast<std::uint8_t>(value));
    else add(value);
  }
  return bytes;
}

inline void write_tensors(const std::string& path, const std::vector<MadeTensor>& tensors,
                          const std::map<std::string, std::string>& metadata = {}) {
  std::vector<TensorPlan> plan;
  for (const MadeTensor& tensor : tensors) plan.push_back({tensor.name, tensor.dtype, tensor.shape});
  auto writer = SafeTensorsWriter::create(path, true, plan, metadata);
  REQUIRE(writer);
  unsigned seed = 0;
  for (const MadeTensor& tensor : tensors) {
    const std::size_t count = element_count(tensor.shape);
    const std::vector<float> values = tensor.values.empty() ? noise(count, ++seed) : tensor.values;
    REQUIRE(values.size() == count);
    const std::string bytes = stored_bytes(tensor.dtype, values);
    REQUIRE(writer->write(tensor.name, std::as_bytes(std::span(bytes))));
  }
  REQUIRE(writer->commit());
}

}  // namespace hallmark::test
