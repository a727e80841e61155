#include "league/board.hpp"

#include <fmt/format.h>

#include <ctime>
#include <utility>

#include "measure/in_order.hpp"
#include "measure/judged_codes.hpp"
#include "measure/provenance.hpp"
#include "method/rtn.hpp"
#include "pipeline/quantize_matrix.hpp"
#include "replay/calibration.hpp"
#include "replay/capture.hpp"
#include "replay/forward.hpp"

namespace hallmark {
namespace {

double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// A line as its matrices are quantized.
class Quantizing {
 public:
  Quantizing(const LeagueBoard& board, RuleSet& rules, contracts::Policy policy, LeagueLine& line)
      : board_(board), rules_(rules), policy_(policy), line_(line) {}

  // Every matrix, by the Gram matrices of the unquantized model.
  Expected<Model> side_by_side() {
    std::map<std::string, Matrix<float>> decoded;
    for (const auto& name : board_.model.matrix_names()) {
      const SiteGram& gram = *board_.grams.at(name);
      auto values = matrix(name, gram.G, gram.tokens, nullptr);
      if (!values) return values.error();
      decoded.emplace(name, *std::move(values));
    }
    return board_.model.with_weights(decoded);
  }

  Expected<Model> in_order() {
    return quantize_in_order(board_.model, board_.grams, board_.train, board_.offsets,
                             [&](const std::string& name, const TargetGrams& target) {
                               const FloatInputs inputs{target.C, target.K};
                               return matrix(name, target.H, target.tokens, &inputs);
                             });
  }

  // Enters into the line what is known of the codes: their plain losses, whatever they were made for.
  Status enter(const Fixture& fixture) {
    Sha256 digest;
    CodeBits sizes;
    for (const auto& name : board_.model.matrix_names()) {
      const auto& [options, result] = done_.at(name);
      const Matrix<float>& W = board_.model[name];
      const auto loss = certified_loss(W, *board_.grams.at(name), options, result, name);
      if (!loss) return loss.error();
      line_.loss[name] = *loss;
      line_.guard_rows += result.guard_rows;
      sizes.add(name, W, options, result.codes);
      add_to_digest(digest, name, result.codes, result.steps);
      if (name == embedding_weight) {
        if (!fixture.entry->embedding.empty()) line_.embedding = options.grid.id();
      } else {
        enter_options(options);
      }
    }
    if (auto held = judged_.status(); !held) return held;
    for (const auto& [name, count] : judged_.counts()) line_.contracts_held[name] = count.passed;
    line_.stored_bits = sizes.stored / sizes.weights;
    line_.container_bits = sizes.container / sizes.weights;
    line_.entropy_bits = sizes.entropy / sizes.weights;
    line_.codes_digest = digest.hex();
    return ok();
  }

 private:
  struct Done {
    Options options;
    Quantized result;
  };

  void enter_options(const Options& options) {
    visit_options(options, [&](const OptionInfo& info, const auto& value) {
      line_.options[std::string(info.name)] = option_text(value);
    });
  }

  // What the codes stand for.
  Expected<Matrix<float>> matrix(const std::string& name, MatrixRef<double> H, Index tokens,
                                 const FloatInputs* inputs) {
    const auto resolved = rules_.resolve(name);
    if (!resolved) return resolved.error();
    const Options& options = resolved->options;
    const MatrixRef<float> W = board_.model[name];
    Layer layer{name, W, &H, tokens, tokens};
    layer.inputs = inputs;
    const double start = processor_seconds();
    auto done = quantize_matrix(layer, options, std::nullopt, {policy_, false, false, {}});
    if (!done) return done.error();
    line_.seconds += processor_seconds() - start;
    judged_.merge(done->contracts);
    const Quantized& result = done_.insert_or_assign(name, Done{options, std::move(done->result)}).first->second.result;
    return dequantize(result.codes, result.steps, options.grid);
  }

  const LeagueBoard& board_;
  RuleSet& rules_;
  contracts::Policy policy_;
  LeagueLine& line_;
  contracts::Report judged_;
  std::map<std::string, Done> done_;
};

// Quantizes every matrix and enters what is known of the codes into the line; gives the model that they make.
Expected<Model> quantize_line(const LeagueBoard& board, const Fixture& fixture, contracts::Policy policy,
                              LeagueLine& line) {
  auto rules = rules_of(*fixture.entry, *fixture.division);
  if (!rules) return rules.error();
  Quantizing work(board, *rules, policy, line);
  const auto any = rules->resolve("");
  if (!any) return any.error();
  auto model = any->options.target == plain_target ? work.side_by_side() : work.in_order();
  if (!model) return model.error();
  if (const Status entered = work.enter(fixture); !entered) return entered.error();
  return model;
}

// The losses of the division's baseline, quantized here where no line has them.
Expected<const LossOfTensors*> baseline(LeagueBoard& board, const Division& division) {
  const auto found = board.rtn.find(&division);
  if (found != board.rtn.end()) return &found->second;
  LeagueLine line;
  const auto model = quantize_line(board, {&entry_named(division.baseline), &division}, contracts::Policy::off, line);
  if (!model) return model.error();
  return &(board.rtn[&division] = std::move(line.loss));
}

}  // namespace

Expected<double> league_cost(const Fixture& fixture, const ModelConfig& config, std::size_t eval_bytes) {
  auto rules = rules_of(*fixture.entry, *fixture.division);
  if (!rules) return rules.error();
  const auto resolved = rules->resolve("");
  if (!resolved) return resolved.error();
  const Options& options = resolved->options;
  double windows = static_cast<double>(eval_bytes / calibration_window);
  // Both models run as far as each site in turn, half of the way on an average.
  if (options.target != plain_target)
    windows += static_cast<double>(activation_sites(config).size() * calibration_batch) * league_batches;
  // Codes take little beside that: of lines that are equal so far the longer search goes first.
  return windows + static_cast<double>(options.effort * options.beam);
}

Expected<LeagueLine> play(LeagueBoard& board, const Fixture& fixture, contracts::Policy policy) {
  const auto rtn = baseline(board, *fixture.division);
  if (!rtn) return rtn.error();
  LeagueLine line = board.common;
  line.entry = fixture.entry->name;
  line.division = fixture.division->name;
  const auto model = quantize_line(board, fixture, policy, line);
  if (!model) return model.error();
  for (const auto& [name, loss] : **rtn)
    if (loss > 0) line.relative_loss[name] = line.loss.at(name) / loss;
  line.mean_relative_loss = geometric_mean(line.relative_loss);
  const auto bpb = bits_per_byte(*model, board.evaluated);
  if (!bpb) return bpb.error();
  line.bpb_quantized = *bpb;
  line.damage = line.bpb_quantized - line.bpb_float;
  line.timestamp = timestamp_now();
  return line;
}

Expected<LeagueBoard> set_up_board(std::uint64_t seed, Checkpoint& checkpoint, const LeagueLine& common,
                                   const Corpus& corpus, std::span<const std::byte> evaluated, Work& work) {
  const auto plan = CalibrationPlan::draw(corpus.train, seed, static_cast<std::size_t>(league_batches));
  if (!plan) return plan.error();
  const auto offsets = plan->calibration(static_cast<std::size_t>(league_batches));
  const std::int64_t after[] = {league_batches};
  auto grams = capture_grams(checkpoint.model, corpus.train, offsets, after, [&] {
    work.add(static_cast<double>(calibration_batch), fmt::format("seed {}: activations", seed));
  });
  if (!grams) return grams.error();
  const auto bpb = bits_per_byte(checkpoint.model, evaluated);
  if (!bpb) return bpb.error();
  LeagueBoard board{std::move(checkpoint.model), corpus.train, evaluated, {offsets.begin(), offsets.end()},
                    std::move(grams->front()),   common,       {}};
  board.common.seed = seed;
  board.common.bpb_float = *bpb;
  board.common.checkpoint_digest = std::move(checkpoint.digest);
  board.common.calibration_offsets_digest = offsets_digest(offsets);
  board.common.gram_digest = gram_digest(board.grams);
  return board;
}

}  // namespace hallmark
