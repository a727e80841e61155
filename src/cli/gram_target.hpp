// The calibration of asymmetric targets: from activations of two models, or of a replay checkpoint that is quantized in
// the order of its layers.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "calibrate/calibration_file.hpp"
#include "linalg/target_grams.hpp"
#include "measure/grams.hpp"
#include "pipeline/rules.hpp"
#include "replay/text.hpp"

namespace hallmark::cli {

/// By weight; without C and K where its target is plain.
using WeightGrams = std::map<std::string, TargetGrams>;

/// Quantizes the model in the order of quantize_in_order, every weight as the rules say, and keeps what each was
/// quantized by: `quantize` with these rules makes the same codes of it. A weight that is skipped, or whose target is
/// plain, keeps its Gram matrix of the unquantized model. Errors: those of the rules, of quantize_matrix and of
/// quantize_in_order.
Expected<WeightGrams> grams_in_order(const Model& model, const Grams& grams, const TrainSplit& train,
                                     std::span<const std::uint64_t> offsets, RuleSet& rules);

/// Writes a calibration file of all. Errors: those of write_grams.
Status write_weight_grams(const std::string& output, bool overwrite, const WeightGrams& weights);

/// Writes H, C and K of every weight from activations in the float model, `files`, and behind quantized layers, file by
/// file of the same weights and tokens. Errors: E0211 other entries; E0415 the files do not fit together; those of
/// accumulate_target and write_grams.
Status write_behind(const std::string& output, bool overwrite, std::span<const CalibrationFile> files,
                    std::span<const CalibrationFile> behind);

}  // namespace hallmark::cli
