// Text whose bytes a model draws again where they stand: as published under the name of Gibbs, and so that the
// distribution of the model's text stays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.hpp"
#include "replay/model.hpp"

namespace hallmark {

/// `rounds` times every byte t of every window of `size` bytes becomes a draw from softmax(logits_t), all at once.
/// logits_t predict byte t + 1: the published loop writes its draw to t all the same (parameter-golf #756). `text` is
/// windows, one behind the other. Window i draws from the i-th generator of splitmix64(seed). The same bytes for any
/// number of threads. Errors: E0393 a model of other tokens than bytes.
Status resample_in_place(const Model& model, std::span<std::byte> text, std::size_t size, int rounds,
                         std::uint64_t seed);

/// Metropolis steps within Gibbs: at each of `positions` in turn a byte y from p(. | x_0 .. x_{t-1}), uniform at t = 0,
/// takes the place of x_t with probability min(1, prod_{s > t} p(x_s | .. y ..) / p(x_s | .. x_t ..)). Text that has
/// the distribution of sampled_text at temperature 1 keeps it. One step reads the rest of the window again. Generators,
/// threads and errors as above. Precondition: positions below `size`.
Status resample_by_gibbs(const Model& model, std::span<std::byte> text, std::size_t size,
                         std::span<const std::size_t> positions, std::uint64_t seed);

}  // namespace hallmark
