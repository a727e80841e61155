// Interpolated count models of bytes: what a few lines reach on the same text, to read a model's bits per byte against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "replay/text.hpp"

namespace hallmark {

/// Bits per byte of `text` under the models of orders 0, 1, .. `order` (at most 7) fitted to the train split. With c
/// the last k bytes, n(c) its occurrences that have a successor, n(c y) those followed by y and d(c) the number of
/// different successors, all in the train split:
///   p_k(y | c) = (n(c y) + d(c) p_{k-1}(y | c')) / (n(c) + d(c)),  c' = c without its oldest byte,
///   p_{-1} = 1/256, and p_k = p_{k-1} where n(c) = 0 or fewer than k bytes of `text` come before
/// (Witten-Bell). Every byte of `text` but the first is scored, as by bits_per_byte, but contexts cross its windows.
/// Precondition: at least two bytes of text.
std::vector<double> count_model_bits_per_byte(const TrainSplit& train, std::span<const std::byte> text, int order);

/// -log2 p_order of every byte of `text` under the model of that order; the first under p_0.
std::vector<double> count_model_bits(const TrainSplit& train, std::span<const std::byte> text, int order);

}  // namespace hallmark
