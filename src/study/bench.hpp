// What the arms of a study do with one checkpoint: quantize its matrices, change codes, evaluate.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "contracts/runtime/report.hpp"
#include "measure/checkpoint.hpp"
#include "measure/grams.hpp"
#include "method/quantized.hpp"
#include "replay/text.hpp"
#include "study/line.hpp"

namespace hallmark {

/// Calibration batches of every arm that does not say otherwise: those of the league.
inline constexpr std::int64_t study_batches = 32;

/// The table of the tokens, and where it is tied the output layer.
inline constexpr const char* embedding_tensor = "tok_emb.weight";

/// What the arms of one checkpoint share.
struct StudyBoard {
  std::uint64_t seed;
  Model model;
  const Corpus& corpus;
  std::span<const std::byte> evaluated;  ///< of the validation split
  Grams grams;                           ///< of study_batches batches of training text
  double bpb_float;
};

/// Errors: those of CalibrationPlan::draw, capture_grams and bits_per_byte.
Expected<StudyBoard> study_board(std::uint64_t seed, Model model, const Corpus& corpus,
                                 std::span<const std::byte> evaluated);

/// A matrix as it was quantized.
struct BenchCodes {
  Options options;
  Quantized result;
};
using BenchModel = std::map<std::string, BenchCodes>;
using Decoded = std::map<std::string, Matrix<float>>;
/// Options by name, in the words of a configuration file.
using Settings = std::map<std::string, std::string>;

/// One arm on one board. What the contracts found and the digest of the codes go into its line.
class Bench {
 public:
  Bench(const StudyBoard& board, contracts::Policy policy, StudyLine& line)
      : board_(board), policy_(policy), line_(line) {}

  const StudyBoard& board() const { return board_; }
  const Matrix<float>& weight(const std::string& name) const { return board_.model[name]; }

  /// Every matrix under these settings and Gram matrices, and under those of its own, by name, where they say more.
  /// Errors: those of RuleSet, quantize_matrix; E0630 a contract.
  Expected<BenchModel> quantize(const Settings& settings, const Grams& grams,
                                const std::map<std::string, Settings>& own = {});
  Expected<BenchModel> quantize(const Settings& settings) { return quantize(settings, board_.grams); }
  /// What the codes stand for.
  static Decoded decode(const BenchModel& codes);
  /// The checkpoint with these matrices in place of its own.
  Expected<Model> model_with(const Decoded& weights) const { return board_.model.with_weights(weights); }
  /// Bits per byte of that model over the evaluated text, minus those of the checkpoint. Errors: those of
  /// with_weights and bits_per_byte.
  Expected<double> damage(const Decoded& weights) const;

 private:
  const StudyBoard& board_;
  contracts::Policy policy_;
  StudyLine& line_;
};

}  // namespace hallmark
