// How the lines of one checkpoint come about: what they share, and one entry quantized, judged and evaluated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "contracts/runtime/report.hpp"
#include "league/entries.hpp"
#include "league/line.hpp"
#include "measure/checkpoint.hpp"
#include "measure/grams.hpp"
#include "replay/model.hpp"
#include "replay/text.hpp"

namespace hallmark {

/// Calibration batches of every line: those of the ablation's N = 32.
inline constexpr std::int64_t league_batches = 32;

using LossOfTensors = std::map<std::string, double>;

/// What the lines of one checkpoint share.
struct LeagueBoard {
  Model model;
  const TrainSplit& train;
  std::span<const std::byte> evaluated;
  std::vector<std::uint64_t> offsets;  ///< of the calibration windows
  Grams grams;
  LeagueLine common;                             ///< the fields that no entry changes
  std::map<const Division*, LossOfTensors> rtn;  ///< of the baselines that were asked for
};

/// Takes model and digest out of the checkpoint. `common`: the fields that no checkpoint changes. Corpus and text
/// outlive the board. Errors: those of CalibrationPlan::draw, capture_grams and bits_per_byte.
Expected<LeagueBoard> set_up_board(std::uint64_t seed, Checkpoint& checkpoint, const LeagueLine& common,
                                   const Corpus& corpus, std::span<const std::byte> evaluated, Work& work);

/// The line of an entry in a division, and once the losses of the division's baseline. Equal boards and entries give
/// equal lines but for timestamp and seconds. Errors: those of quantize_matrix, LossVerifier::make and bits_per_byte;
/// E0630 a contract.
Expected<LeagueLine> play(LeagueBoard& board, const Fixture& fixture, contracts::Policy policy);

/// What play() takes, in windows run through a model of these sizes: which of two lines takes longer. Errors: those of
/// rules_of.
Expected<double> league_cost(const Fixture& fixture, const ModelConfig& config, std::size_t eval_bytes);

}  // namespace hallmark
