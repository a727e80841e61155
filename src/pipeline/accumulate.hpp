// From stored activations to a Gram matrix, a bounded number of tokens at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/error.hpp"
#include "certify/contracts.hpp"
#include "cuda/engine.hpp"
#include "calibrate/calibration_file.hpp"
#include "linalg/gram.hpp"
#include "linalg/matrix.hpp"
#include "linalg/target_grams.hpp"

namespace hallmark {

/// G = X X^T over the activations of `weight` in the files that have them, files and tokens in order.
/// The sample, when given, keeps what its contract needs; the engine, when given, does the sums: the same bits.
/// Errors: E0350 a value that is not finite; those of the engine.
Expected<Matrix<double>> accumulate_gram(std::span<const CalibrationFile> files, const std::string& weight,
                                         GramSample* sample = nullptr, cuda::Engine* engine = nullptr);

/// The tokens of `weight` in all files.
std::uint64_t tokens_of(std::span<const CalibrationFile> files, const std::string& weight);

/// The chunks of its Gram matrix (GramAccumulator), of which the last may have fewer tokens; 1 where there is no token.
std::uint64_t gram_chunks(std::uint64_t tokens, Index chunk = kGramChunk);

/// The sum of chunk `index` alone, for whoever shares the work: with merge_gram, in the order of the chunks, these add
/// up to the bits of accumulate_gram. Precondition: index < gram_chunks(tokens_of). Errors: those of accumulate_gram.
Expected<Matrix<double>> accumulate_chunk(std::span<const CalibrationFile> files, const std::string& weight,
                                          std::uint64_t index, Index chunk = kGramChunk);

/// H, C and K of an asymmetric target over the activations of `weight`: those in the float model in `files`, those
/// behind quantized layers in `behind`, file by file and token by token the same ones. Errors: E0350.
Expected<TargetGrams> accumulate_target(std::span<const CalibrationFile> files, std::span<const CalibrationFile> behind,
                                        const std::string& weight);

}  // namespace hallmark
