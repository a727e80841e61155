// Text that a model writes, and text that nobody does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/error.hpp"
#include "replay/model.hpp"

namespace hallmark {

/// `windows` windows of `size` bytes, one behind the other. The first byte of each is uniform; byte t + 1 has
/// probability softmax(logits_t / temperature), logits those behind the bytes 0..t of its window. Window i draws from a
/// splitmix64 of its own, seeded by the i-th word of splitmix64(seed): more windows leave the first ones as they are.
/// The same bytes for any number of threads. `written` hears of windows, from any thread, one at a time.
/// Errors: E0227 a temperature that is not finite and positive; E0393 a model of other tokens than bytes.
Expected<std::vector<std::byte>> sampled_text(const Model& model, std::size_t windows, std::size_t size,
                                              double temperature, std::uint64_t seed,
                                              const std::function<void(std::size_t windows)>& written = {});

/// Errors: E0393 a model of other tokens than bytes.
Status speaks_bytes(const Model& model);

/// Independent uniform bytes.
std::vector<std::byte> random_bytes(std::size_t size, std::uint64_t seed);

}  // namespace hallmark
