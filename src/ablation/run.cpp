#include "ablation/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/error_numbers.hpp"
#include "ledger/ledger.hpp"
#include "ablation/report.hpp"
#include "io/file.hpp"
#include "io/sha256.hpp"
#include "linalg/gram.hpp"
#include "method/rtn.hpp"
#include "measure/provenance.hpp"
#include "method/options_json.hpp"
#include "pipeline/presets.hpp"
#include "pipeline/quantize_matrix.hpp"
#include "pipeline/rules.hpp"
#include "replay/calibration.hpp"
#include "replay/count_model.hpp"

namespace hallmark {
namespace {

constexpr int count_model_orders[] = {2, 3, 5};

// What the cells of one seed share.
struct Seed {
  std::uint64_t seed;
  Model model;
  CalibrationPlan plan;
  Grams reconstruction;
  std::map<std::int64_t, Grams> calibration;  ///< by n > 0
  Cell common;                                ///< the fields that no n changes
};

void check_windows(const CalibrationPlan& plan, std::int64_t n, Contracts& checks) {
  for (const auto offset : plan.calibration(static_cast<std::size_t>(n)))
    checks.check("calibration_held_out",
                 std::none_of(plan.reconstruction().begin(), plan.reconstruction().end(),
                              [&](std::uint64_t other) {
                                return std::max(offset, other) - std::min(offset, other) < calibration_window;
                              }),
                 [&] { return fmt::format("train text at {}", offset); });
}

// Quantizes every 2-D weight, checks and measures; the cell gets everything but the evaluation and the clock.
Expected<Model> quantize_cell(const Seed& seed, std::int64_t n, Options options, contracts::Policy policy, Cell& cell) {
  if (n == 0) options.method = "rtn", options.rotation = no_rotation, options.low_rank = 0;
  Contracts checks;
  contracts::Report judged;
  const Demands demands{policy, false, false, {}};
  check_windows(seed.plan, n, checks);
  std::map<std::string, Matrix<float>> replacements;
  Sha256 codes;
  MeanLoss reconstruction, calibration;
  double rtn_total = 0, unguarded_total = 0;
  for (const auto& name : seed.model.matrix_names()) {
    const Matrix<float>& W = seed.model[name];
    const SiteGram* gram = n == 0 ? nullptr : seed.calibration.at(n).at(name).get();
    const MatrixRef<float> view = W;
    std::optional<MatrixRef<double>> G;
    if (gram) G.emplace(gram->G);
    Layer layer{name, view};
    if (gram) layer.G = &*G, layer.tokens = gram->tokens, layer.roundings = gram_roundings(gram->tokens);
    Expected<JudgedMatrix> done = quantize_matrix(layer, options, std::nullopt, demands);
    if (!done) return done.error();
    judged.merge(done->contracts);
    const Quantized* const quantized = &done->result;
    Matrix<float> What = dequantize(quantized->codes, quantized->steps, options.grid);

    const auto losses = check_tensor(name, W, *quantized, What, options, gram, checks);
    if (n > 0) {
      calibration.add(losses, gram->tokens);
      double rtn = 0, unguarded = 0;
      for (const double loss : quantized->loss_rtn) rtn += loss;
      for (const double loss : quantized->loss_proposal) unguarded += loss;
      if (rtn > 0) cell.unguarded_loss_ratio_by_tensor[name] = unguarded / rtn;
      rtn_total += rtn;
      unguarded_total += unguarded;
      cell.guard_rows += quantized->guard_rows;
      if (quantized->guard_rows > 0) cell.guard_rows_by_tensor[name] = quantized->guard_rows;
    }
    const SiteGram& held_out = *seed.reconstruction.at(name);
    reconstruction.add(direct_losses(W, What, held_out.G).loss, held_out.tokens);
    add_to_digest(codes, name, quantized->codes, quantized->steps);
    replacements.emplace(name, std::move(What));
  }
  if (auto held = judged.status(); !held) return held.error();
  if (auto checked = checks.status(); !checked) return checked.error();
  for (const auto& [name, count] : judged.counts()) cell.contracts.push_back({name, count.passed, count.failed});
  cell.checks = checks.counts();
  cell.codes_digest = codes.hex();
  cell.reconstruction_mse = reconstruction.mean();
  if (n > 0) {
    cell.calibration_mse = calibration.mean();
    cell.gram_digest = gram_digest(seed.calibration.at(n));
    cell.calibration_offsets_digest = offsets_digest(seed.plan.calibration(static_cast<std::size_t>(n)));
    if (rtn_total > 0) cell.unguarded_loss_ratio = unguarded_total / rtn_total;
  }
  return seed.model.with_weights(replacements);
}

Expected<Seed> prepare_seed(std::uint64_t seed, Checkpoint& checkpoint, const AblationOptions& options,
                            const Corpus& corpus, std::span<const std::byte> evaluated, Work& work) {
  const std::int64_t most = *std::max_element(options.batches.begin(), options.batches.end());
  auto plan = CalibrationPlan::draw(corpus.train, seed, static_cast<std::size_t>(most));
  if (!plan) return plan.error();
  Seed prepared{seed, std::move(checkpoint.model), *std::move(plan), {}, {}, {}};
  const std::int64_t held_out[] = {static_cast<std::int64_t>(reconstruction_batches)};
  const auto batch_done = [&] {
    work.add(static_cast<double>(calibration_batch), fmt::format("seed {}: activations", seed));
  };
  auto reconstruction =
      capture_grams(prepared.model, corpus.train, prepared.plan.reconstruction(), held_out, batch_done);
  if (!reconstruction) return reconstruction.error();
  prepared.reconstruction = std::move(reconstruction->front());

  std::vector<std::int64_t> after;
  for (const auto n : options.batches)
    if (n > 0) after.push_back(n);
  std::sort(after.begin(), after.end());
  if (!after.empty()) {
    auto grams = capture_grams(prepared.model, corpus.train, prepared.plan.calibration(static_cast<std::size_t>(most)),
                               after, batch_done);
    if (!grams) return grams.error();
    for (std::size_t i = 0; i < after.size(); ++i) prepared.calibration[after[i]] = std::move((*grams)[i]);
  }
  auto bpb = bits_per_byte(prepared.model, evaluated);
  if (!bpb) return bpb.error();
  work.add(static_cast<double>(evaluated.size() / calibration_window),
           fmt::format("seed {}: before quantization", seed));

  prepared.common.seed = seed;
  prepared.common.bpb_pre_quant = *bpb;
  prepared.common.checkpoint_digest = std::move(checkpoint.digest);
  prepared.common.reconstruction_offsets_digest = offsets_digest(prepared.plan.reconstruction());
  prepared.common.reconstruction_gram_digest = gram_digest(prepared.reconstruction);
  return prepared;
}

Status check_options(const AblationOptions& options) {
  const auto invalid = [](const char* what, const std::string& where) {
    return Error{Exit::usage, error_number::set_invalid, what, where, "see `hallmark ablate --help`"};
  };
  const auto repeated = [](auto values) {
    std::sort(values.begin(), values.end());
    return std::adjacent_find(values.begin(), values.end()) != values.end();
  };
  if (options.seeds.empty() || repeated(options.seeds))
    return invalid("the seeds must be one or more different numbers", "no seeds, or one twice");
  if (options.batches.empty() || repeated(options.batches))
    return invalid("the numbers of calibration batches must be one or more different numbers", "no N, or one twice");
  for (const auto n : options.batches)
    if (n < 0 || n > 4096)
      return invalid("a number of calibration batches is out of range", fmt::format("{}: 0 to 4096", n));
  if (options.eval_bytes <= calibration_window)
    return invalid("too little text to evaluate",
                   fmt::format("{} bytes, at least {}", options.eval_bytes, calibration_window + 1));
  return ok();
}

bool is_whole_experiment(const AblationOptions& options) {
  return std::ranges::equal(options.seeds, canonical_seeds) && std::ranges::equal(options.batches, canonical_batches) &&
         options.eval_bytes == evaluation_bytes;
}

// The name in ledgers and in their file names: the id, whose first version stands there without its number, "int4-2".
std::string ledger_name(const Grid& grid) {
  std::string name = grid.id();
  if (name.ends_with("/1")) name.resize(name.size() - 2);
  std::ranges::replace(name, '/', '-');
  return name;
}

// How a run quantizes, and under which name ledgers and lines have it.
struct Subject {
  Options options;
  std::string name;
};

Expected<Subject> subject_of(const AblationOptions& options) {
  if (options.bits.empty()) {
    Expected<Grid> grid = Grid::parse(options.grid);
    if (!grid) return grid.error();
    std::string name = ledger_name(*grid);
    return Subject{Options{*std::move(grid)}, std::move(name)};
  }
  Rule rule{"--bits", "", {{std::string(bits_setting), options.bits}}, {}, {}, {}};
  if (const Status expanded = expand_presets(rule.settings, rule.place); !expanded) return expanded.error();
  Expected<RuleSet> rules = RuleSet::make({std::move(rule)});
  if (!rules) return rules.error();
  Expected<Resolved> resolved = rules->resolve("");
  if (!resolved) return resolved.error();
  return Subject{std::move(resolved->options), "bits-" + options.bits};
}

// What all cells of a run have in common.
Cell shared_cell(const AblationOptions& options, const Subject& subject, const Corpus& corpus,
                 std::span<const std::byte> evaluated) {
  Cell shared;
  shared.grid = subject.name;
  shared.git_sha = options.git_sha;
  shared.text_digest = corpus.digest;
  shared.eval_bytes = static_cast<std::int64_t>(options.eval_bytes);
  const auto count_models =
      count_model_bits_per_byte(corpus.train, evaluated, count_model_orders[std::size(count_model_orders) - 1]);
  for (const int order : count_model_orders)
    shared.count_model_bpb[std::to_string(order)] = count_models[static_cast<std::size_t>(order)];
  return shared;
}

// One seed and one N: quantizes and evaluates.
Expected<Cell> run_cell(const Seed& prepared, const Cell& shared, std::int64_t n, const Options& options,
                        contracts::Policy policy, std::span<const std::byte> evaluated) {
  const auto start = std::chrono::steady_clock::now();
  Cell cell = prepared.common;
  cell.run = shared.run;
  cell.grid = shared.grid;
  cell.git_sha = shared.git_sha;
  cell.text_digest = shared.text_digest;
  cell.eval_bytes = shared.eval_bytes;
  cell.count_model_bpb = shared.count_model_bpb;
  cell.n = n;
  auto model = quantize_cell(prepared, n, options, policy, cell);
  if (!model) return model.error();
  auto bpb = bits_per_byte(*model, evaluated);
  if (!bpb) return bpb.error();
  cell.bpb_post_quant = *bpb;
  cell.timestamp = timestamp_now();
  cell.wallclock_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
  return cell;
}

std::string cell_name(std::uint64_t seed, std::int64_t n) { return fmt::format("seed {}, N = {}", seed, n); }

// All that the numbers of the cells depend on.
std::map<std::string, Dependencies> dependencies_of(const AblationOptions& options, const Subject& subject,
                                                    const std::vector<Checkpoint>& checkpoints, const Corpus& corpus) {
  Dependencies shared{{"grid", subject.name},
                      {"commit", options.git_sha},
                      {"text", corpus.digest},
                      {"evaluated bytes", std::to_string(options.eval_bytes)},
                      {"contracts", std::string(contracts::to_string(options.contracts))},
                      {"largest N", std::to_string(std::ranges::max(options.batches))}};
  const nlohmann::ordered_json words = options_json(subject.options);
  for (const auto& [name, value] : words.items()) shared["option " + name] = value.dump();
  std::map<std::string, Dependencies> all;
  for (std::size_t i = 0; i < options.seeds.size(); ++i)
    for (const auto n : options.batches) {
      Dependencies& on = all[cell_name(options.seeds[i], n)] = shared;
      on["checkpoint"] = checkpoints[i].digest;
    }
  return all;
}

// The cells of one seed, in the order of N: those that the state holds, the others measured and kept.
Expected<std::vector<Cell>> cells_of(std::uint64_t seed, Checkpoint& checkpoint, const AblationOptions& options,
                                     const Options& quantized, const Cell& shared, const KeptLines& kept,
                                     const Corpus& corpus, std::span<const std::byte> evaluated, Work& work) {
  std::vector<std::optional<Cell>> taken;
  for (const auto n : options.batches)
    taken.push_back(kept.take(cell_name(seed, n), [&](const std::string& text) -> std::optional<Cell> {
      auto cell = parse_cell(text, "the state");
      return cell && cell->seed == seed && cell->n == n ? std::optional(*std::move(cell)) : std::nullopt;
    }));
  const bool missing = std::ranges::any_of(taken, [](const auto& cell) { return !cell; });
  std::optional<Seed> prepared;
  if (missing) {
    auto made = prepare_seed(seed, checkpoint, options, corpus, evaluated, work);
    if (!made) return made.error();
    prepared.emplace(*std::move(made));
  }
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < taken.size(); ++i) {
    const std::int64_t n = options.batches[i];
    if (taken[i]) {
      taken[i]->run = shared.run;
      cells.push_back(*std::move(taken[i]));
    } else {
      auto cell = run_cell(*prepared, shared, n, quantized, options.contracts, evaluated);
      if (!cell) return cell.error();
      const auto text = cell_line(*cell);
      if (!text) return text.error();
      if (const Status durable = kept.keep(cell_name(seed, n), *text); !durable) return durable.error();
      cells.push_back(*std::move(cell));
    }
    work.add(static_cast<double>(evaluated.size() / calibration_window), cell_name(seed, n));
  }
  return cells;
}

}  // namespace

Expected<AblationResult> run_ablation(const AblationOptions& options, const Progress& progress,
                                      const LineState& state) {
  if (auto valid = check_options(options); !valid) return valid.error();
  const Expected<Subject> subject = subject_of(options);
  if (!subject) return subject.error();
  auto corpus = load_corpus(options.text);
  if (!corpus) return corpus.error();
  const auto text = evaluated_text(*corpus, options.text, options.eval_bytes);
  if (!text) return text.error();
  const auto evaluated = *text;

  const std::int64_t most = *std::max_element(options.batches.begin(), options.batches.end());
  const auto captured =
      static_cast<double>(reconstruction_batches + static_cast<std::size_t>(most)) * calibration_batch;
  const auto windows = static_cast<double>(options.eval_bytes / calibration_window);
  Work work{progress};
  work.total = static_cast<double>(options.seeds.size()) *
               (captured + windows * static_cast<double>(1 + options.batches.size()));

  AblationResult result;
  std::vector<Checkpoint> checkpoints;
  for (const auto seed : options.seeds) {
    auto checkpoint = load_checkpoint(options.models, seed, *corpus, options.text);
    if (!checkpoint) return checkpoint.error();
    if (checkpoint->note) result.notes.push_back(*checkpoint->note);
    checkpoints.push_back(*std::move(checkpoint));
  }
  const auto kept = KeptLines::open(state, dependencies_of(options, *subject, checkpoints, *corpus));
  if (!kept) return kept.error();
  result.run = kept->run();
  Cell shared = shared_cell(options, *subject, *corpus, evaluated);
  shared.run = result.run;
  for (std::size_t i = 0; i < options.seeds.size(); ++i) {
    auto cells =
        cells_of(options.seeds[i], checkpoints[i], options, subject->options, shared, *kept, *corpus, evaluated, work);
    if (!cells) return cells.error();
    for (Cell& cell : *cells) {
      auto line = cell_line(cell);
      if (!line) return line.error();
      result.lines.push_back(*std::move(line));
      result.cells.push_back(std::move(cell));
    }
  }
  if (std::ranges::equal(options.seeds, canonical_seeds) && std::ranges::equal(options.batches, canonical_batches)) {
    auto verdict = judge(result.cells);
    if (!verdict) return verdict.error();
    auto line = verdict_line(*verdict, options.git_sha, timestamp_now());
    if (!line) return line.error();
    result.lines.push_back(*std::move(line));
    result.verdict = *std::move(verdict);
  }
  return result;
}

Expected<std::string> run_ledger(const AblationOptions& options, const std::optional<std::string>& output,
                                 const std::string& folder) {
  const Expected<Subject> subject = subject_of(options);
  if (!subject) return subject.error();
  const std::string canonical = ledger_path(folder, subject->name);
  const std::string path = output.value_or(canonical);
  if (!is_whole_experiment(options)) {
    const auto refused = [&](const std::string& where) {
      return Error{Exit::usage, error_number::set_not_canonical, "a partial run never goes into a canonical ledger",
                   where, "give --output FILE, outside of the ledgers of assertions/"};
    };
    if (!output)
      return refused("seeds, N or evaluated bytes are not those of the experiment, and there is no --output");
    const auto name = std::filesystem::path(path).filename().string();
    if (name.starts_with("calibration_ablation.") || same_file(path, canonical)) return refused(path);
  }
  if (auto present = read_ledger(path, LedgerForm::json_lines); !present) return present.error();
  return path;
}

}  // namespace hallmark
