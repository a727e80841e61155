// Files of pseudo-random numbers.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "io/safetensors.hpp"

namespace hallmark::test {

/// F32 tensors of numbers in [-1/2, 1/2), drawn in their order; the first of each is `poison` where that is not 0.
inline void write_noise(const std::string& path, const std::vector<TensorPlan>& plan, float poison = 0) {
  auto writer = SafeTensorsWriter::create(path, true, plan, {});
  REQUIRE(writer);
  unsigned state = 12345;
  for (const TensorPlan& tensor : plan) {
    std::vector<float> values(element_count(tensor.shape));
    for (float& value : values) {
      state = state * 1664525u + 1013904223u;
      value = static_cast<float>(state >> 8) * 0x1p-24f - 0.5f;
    }
    if (poison != 0) values.front() = poison;
    REQUIRE(writer->write(tensor.name, std::span<const float>(values)));
  }
  REQUIRE(writer->commit());
}

/// W with two weights and a bias, and C with activations of both.
inline void write_two_weights(const std::string& w, const std::string& c) {
  write_noise(w, {{"a.weight", DType::F32, {6, 8}}, {"b.weight", DType::F32, {4, 5}}, {"bias", DType::F32, {6}}});
  write_noise(c, {{"a.weight.activations", DType::F32, {40, 8}}, {"b.weight.activations", DType::F32, {40, 5}}});
}

}  // namespace hallmark::test
