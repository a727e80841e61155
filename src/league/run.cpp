#include "league/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <numeric>
#include <set>

#include "base/error_numbers.hpp"
#include "io/file.hpp"
#include "measure/grams.hpp"
#include "measure/in_order.hpp"
#include "measure/judged_codes.hpp"
#include "measure/provenance.hpp"
#include "method/rtn.hpp"
#include "pipeline/pattern.hpp"
#include "pipeline/quantize_matrix.hpp"
#include "replay/calibration.hpp"

namespace hallmark {
namespace {

using Losses = std::map<std::string, double>;  // by tensor

// What the lines of one checkpoint share.
struct Board {
  Model model;
  const TrainSplit& train;
  std::vector<std::uint64_t> offsets;  // of the calibration windows
  Grams grams;
  LeagueLine common;                      // the fields that no entry changes
  std::map<const Division*, Losses> rtn;  // of the baselines
};

double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// A line as its matrices are quantized.
class Quantizing {
 public:
  Quantizing(const Board& board, RuleSet& rules, contracts::Policy policy, LeagueLine& line)
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

  const Board& board_;
  RuleSet& rules_;
  contracts::Policy policy_;
  LeagueLine& line_;
  contracts::Report judged_;
  std::map<std::string, Done> done_;
};

// Quantizes every matrix and enters what is known of the codes into the line; gives the model that they make.
Expected<Model> quantize_line(const Board& board, const Fixture& fixture, contracts::Policy policy, LeagueLine& line) {
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
Expected<const Losses*> baseline(Board& board, const Division& division) {
  const auto found = board.rtn.find(&division);
  if (found != board.rtn.end()) return &found->second;
  LeagueLine line;
  const auto model = quantize_line(board, {&entry_named(division.baseline), &division}, contracts::Policy::off, line);
  if (!model) return model.error();
  return &(board.rtn[&division] = std::move(line.loss));
}

Expected<LeagueLine> play(Board& board, const Fixture& fixture, contracts::Policy policy,
                          std::span<const std::byte> evaluated) {
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
  const auto bpb = bits_per_byte(*model, evaluated);
  if (!bpb) return bpb.error();
  line.bpb_quantized = *bpb;
  line.damage = line.bpb_quantized - line.bpb_float;
  line.timestamp = timestamp_now();
  return line;
}

Expected<Board> set_up(std::uint64_t seed, Checkpoint& checkpoint, const LeagueLine& common, const Corpus& corpus,
                       std::span<const std::byte> evaluated, Work& work) {
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
  Board board{std::move(checkpoint.model), corpus.train, {offsets.begin(), offsets.end()},
              std::move(grams->front()),   common,       {}};
  board.common.seed = seed;
  board.common.bpb_float = *bpb;
  board.common.checkpoint_digest = std::move(checkpoint.digest);
  board.common.calibration_offsets_digest = offsets_digest(offsets);
  board.common.gram_digest = gram_digest(board.grams);
  return board;
}

bool is_whole_league(const LeagueOptions& options) {
  return options.pattern.empty() && options.divisions.empty() && std::ranges::equal(options.seeds, canonical_seeds) &&
         options.eval_bytes == evaluation_bytes;
}

Error invalid(const char* what, const std::string& where) {
  return {Exit::usage, error_number::set_invalid, what, where, "see `hallmark league --help`"};
}

// What has to be the same in the lines that a run is gone on with: all of `shared`, and no line of another set.
Status check_begun(const std::vector<LeagueLine>& begun, const LeagueLine& shared, const std::set<std::string>& keys) {
  for (const LeagueLine& line : begun) {
    const bool same = line.lines == shared.lines && line.git_sha == shared.git_sha &&
                      line.text_digest == shared.text_digest && line.eval_bytes == shared.eval_bytes &&
                      line.contracts == shared.contracts && keys.contains(line.key());
    if (!same)
      return Error{Exit::input, error_number::cells_differ, "the run in the ledger is another one",
                   fmt::format("run {}, {}: its commit {}, entries, text, bytes or contracts are not those of now",
                               line.run, line.key(), line.git_sha),
                   "leave --resume out: a new run is appended"};
  }
  return ok();
}

std::string key_of(const Fixture& fixture, std::uint64_t seed) {
  LeagueLine line;
  line.entry = fixture.entry->name;
  line.division = fixture.division->name;
  line.seed = seed;
  return line.key();
}

// All that the numbers of the lines depend on; what entries and divisions are is part of the program.
std::map<std::string, Dependencies> dependencies_of(const LeagueOptions& options, const std::vector<Fixture>& fixtures,
                                                    const std::vector<Checkpoint>& checkpoints,
                                                    const LeagueLine& shared) {
  std::map<std::string, Dependencies> all;
  for (std::size_t i = 0; i < checkpoints.size(); ++i)
    for (const Fixture& fixture : fixtures)
      all[key_of(fixture, options.seeds[i])] = {{"commit", shared.git_sha},
                                                {"text", shared.text_digest},
                                                {"evaluated bytes", std::to_string(shared.eval_bytes)},
                                                {"contracts", shared.contracts},
                                                {"checkpoint", checkpoints[i].digest}};
  return all;
}

// What the state holds of the lines that are missing, as lines of this run.
std::map<std::string, LeagueLine> take_lines(const std::set<std::string>& missing, const LeagueLine& shared,
                                             const KeptLines& kept) {
  std::map<std::string, LeagueLine> taken;
  for (const std::string& key : missing) {
    auto line = kept.take(key, [&](const std::string& text) -> std::optional<LeagueLine> {
      auto read = parse_league_line(text, "the state");
      return read && read->key() == key ? std::optional(*std::move(read)) : std::nullopt;
    });
    if (!line) continue;
    line->run = shared.run;
    line->lines = shared.lines;
    taken.emplace(key, *std::move(line));
  }
  return taken;
}

// Every missing line, taken or played, in the order of the run. Only checkpoints that are played on are set up.
Status play_all(const LeagueOptions& options, const std::vector<Fixture>& fixtures,
                const std::set<std::string>& missing, std::vector<Checkpoint>& checkpoints, const LeagueLine& shared,
                const KeptLines& kept, const Corpus& corpus, std::span<const std::byte> evaluated,
                const LeagueListener& listener) {
  const std::map<std::string, LeagueLine> taken = take_lines(missing, shared, kept);
  const auto to_play = [&](const std::string& key) { return missing.contains(key) && !taken.contains(key); };
  const auto windows = static_cast<double>(options.eval_bytes / calibration_window);
  const double set_ups =
      static_cast<double>(options.seeds.size()) * (static_cast<double>(league_batches) * calibration_batch + windows);
  Work work{listener.progress, static_cast<double>(missing.size() - taken.size()) * windows + set_ups};
  std::vector<std::optional<Board>> boards(checkpoints.size());
  for (std::size_t i = 0; i < boards.size(); ++i) {
    const auto seed = options.seeds[i];
    if (std::ranges::none_of(fixtures, [&](const Fixture& fixture) { return to_play(key_of(fixture, seed)); }))
      continue;
    auto board = set_up(seed, checkpoints[i], shared, corpus, evaluated, work);
    if (!board) return board.error();
    boards[i].emplace(*std::move(board));
    work.add(windows, fmt::format("seed {}: before quantization", seed));
  }
  // Checkpoints go round innermost, so that an unfinished run has entries that met all of them.
  for (const Fixture& fixture : fixtures)
    for (std::size_t i = 0; i < boards.size(); ++i) {
      const std::string key = key_of(fixture, options.seeds[i]);
      if (!missing.contains(key)) continue;
      if (const auto found = taken.find(key); found != taken.end()) {
        if (auto heard = listener.finished(found->second); !heard) return heard;
        continue;
      }
      const auto line = play(*boards[i], fixture, options.contracts, evaluated);
      if (!line) return line.error();
      const auto text = league_line(*line);
      if (!text) return text.error();
      if (const Status durable = kept.keep(key, *text); !durable) return durable;
      if (auto heard = listener.finished(*line); !heard) return heard;
      work.add(windows, key);
    }
  return ok();
}

}  // namespace

Expected<std::vector<Fixture>> fixtures_of(const LeagueOptions& options) {
  auto seeds = options.seeds;
  std::ranges::sort(seeds);
  if (seeds.empty() || std::ranges::adjacent_find(seeds) != seeds.end())
    return invalid("the seeds must be one or more different numbers", "no seeds, or one twice");
  if (options.eval_bytes <= calibration_window)
    return invalid("too little text to evaluate",
                   fmt::format("{} bytes, at least {}", options.eval_bytes, calibration_window + 1));
  for (const std::string& name : options.divisions)
    if (std::ranges::find(divisions(), name, &Division::name) == divisions().end())
      return invalid("the league has no such division", fmt::format("'{}': 2, 3, 4, 6 or gf16", name));
  const auto pattern = Pattern::compile(options.pattern, "--entries:");
  if (!pattern) return pattern.error();
  std::vector<Fixture> fixtures;
  for (const Division& division : divisions()) {
    if (!options.divisions.empty() && std::ranges::find(options.divisions, division.name) == options.divisions.end())
      continue;
    for (const LeagueEntry& entry : league_entries())
      if (std::ranges::find(entry.plays_in, division.name) != entry.plays_in.end() &&
          pattern->finds(std::string(entry.name)))
        fixtures.push_back({&entry, &division});
  }
  if (fixtures.empty())
    return invalid("nothing plays", fmt::format("no entry of these divisions is '{}'", options.pattern));
  return fixtures;
}

Expected<std::string> league_ledger(const LeagueOptions& options, const std::optional<std::string>& output,
                                    const std::string& canonical) {
  const std::string path = output.value_or(canonical);
  if (!is_whole_league(options) && (!output || same_file(path, canonical) || path == canonical))
    return Error{Exit::usage, error_number::set_not_canonical, "a part of the league never goes into its ledger",
                 output ? path : "entries, divisions, seeds or evaluated bytes are not all, and there is no --output",
                 fmt::format("give --output FILE, another than {}", canonical)};
  const auto present = read_ledger(path, LedgerForm::json_lines);
  if (!present) return present.error();
  if (const auto lines = league_lines(*present, path); !lines) return lines.error();
  return path;
}

Status run_league(const LeagueOptions& options, const std::vector<LeagueLine>& begun, const LeagueListener& listener,
                  const LineState& state) {
  const auto fixtures = fixtures_of(options);
  if (!fixtures) return fixtures.error();
  const auto corpus = load_corpus(options.text);
  if (!corpus) return corpus.error();
  const auto evaluated = evaluated_text(*corpus, options.text, options.eval_bytes);
  if (!evaluated) return evaluated.error();

  LeagueLine shared;
  if (!begun.empty()) shared.run = begun.front().run;
  shared.lines = static_cast<std::int64_t>(fixtures->size() * options.seeds.size());
  shared.git_sha = options.git_sha;
  shared.text_digest = corpus->digest;
  shared.eval_bytes = static_cast<std::int64_t>(options.eval_bytes);
  shared.batches = league_batches;
  shared.contracts = contracts::to_string(options.contracts);
  std::set<std::string> missing;
  for (const auto seed : options.seeds)
    for (const Fixture& fixture : *fixtures) missing.insert(key_of(fixture, seed));
  if (auto same = check_begun(begun, shared, missing); !same) return same;
  for (const LeagueLine& line : begun) missing.erase(line.key());
  if (missing.empty()) return ok();

  std::vector<Checkpoint> checkpoints;
  for (const auto seed : options.seeds) {
    auto checkpoint = load_checkpoint(options.models, seed, *corpus, options.text);
    if (!checkpoint) return checkpoint.error();
    if (checkpoint->note && listener.note) listener.note(*checkpoint->note);
    checkpoints.push_back(*std::move(checkpoint));
  }
  const auto kept = KeptLines::open(state, dependencies_of(options, *fixtures, checkpoints, shared));
  if (!kept) return kept.error();
  if (begun.empty()) shared.run = kept->run();
  return play_all(options, *fixtures, missing, checkpoints, shared, *kept, *corpus, *evaluated, listener);
}

}  // namespace hallmark
