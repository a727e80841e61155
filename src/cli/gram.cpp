// hallmark gram: activations to Gram matrices, Gram matrices of several runs to one, or those of a replay checkpoint;
// with --behind and --config those of asymmetric targets.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <set>

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "cli/build_info.hpp"
#include "cli/command.hpp"
#include "cli/gram_sums.hpp"
#include "cli/gram_target.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/last_words.hpp"
#include "cli/ranges.hpp"
#include "cli/ranks.hpp"
#include "cli/resume.hpp"
#include "pipeline/shared_sums.hpp"
#include "replay/calibration.hpp"

namespace hallmark::cli {
namespace {

constexpr std::int64_t most_batches = 4096;  // as in ablate

struct GramFlags {
  std::vector<std::string> activations, behind, merge;
  std::string model, config, text{default_text_folder}, output;
  std::int64_t batches = 16;
  bool overwrite = false;
  ResumeFlags resume;
};

Expected<Exit> finish(const GramFlags& flags, std::size_t weights, const Status& written) {
  if (!written) return written.error();
  note("wrote {}: Gram matrices of {} weights", flags.output, weights);
  return Exit::ok;
}

// The rules that `quantize` will get; none without.
Expected<std::optional<RuleSet>> rules_of(const GramFlags& flags) {
  if (flags.config.empty()) return std::optional<RuleSet>();
  Expected<std::vector<Rule>> read = read_rules(flags.config);
  if (!read) return read.error();
  Expected<RuleSet> rules = RuleSet::make(*std::move(read));
  if (!rules) return rules.error();
  return std::optional(*std::move(rules));
}

/// The Gram matrices that the ablation uses for the checkpoint: its own seed, N batches of the train split. With rules
/// those of asymmetric targets where they ask for one.
Expected<Exit> run_model(const GramFlags& flags) {
  std::vector<std::string> inputs{flags.model};
  if (!flags.config.empty()) inputs.push_back(flags.config);
  Expected<std::optional<RuleSet>> rules = rules_of(flags);
  if (!rules) return rules.error();
  if (const Status free = check_output(flags.output, flags.overwrite, inputs); !free) return free.error();
  const Expected<Model> model = load_model(flags.model);
  if (!model) return model.error();
  const Expected<std::uint64_t> seed = model->seed();
  if (!seed) return seed.error();
  const Expected<Corpus> corpus = load_corpus(flags.text);
  if (!corpus) return corpus.error();
  const auto batches = static_cast<std::size_t>(flags.batches);
  const Expected<CalibrationPlan> windows = CalibrationPlan::draw(corpus->train, *seed, batches);
  if (!windows) return windows.error();
  const auto offsets = windows->calibration(batches);
  const Expected<std::vector<Grams>> captured = [&] {
    Progress progress("capture");
    double done = 0;
    return capture_grams(*model, corpus->train, offsets, std::array{flags.batches},
                         [&] { progress.update(++done, static_cast<double>(batches), "batches"); });
  }();
  if (!captured) return captured.error();
  const Grams& grams = captured->front();
  WeightGrams weights;
  for (const auto& [weight, gram] : grams) weights[weight] = {gram->tokens, gram->G, {}, {}};
  if (*rules) {
    auto in_order = grams_in_order(*model, grams, corpus->train, offsets, **rules);
    if (!in_order) return in_order.error();
    weights = *std::move(in_order);
  }
  return finish(flags, weights.size(), write_weight_grams(flags.output, flags.overwrite, weights));
}

// The sum of two counts; none where one of them is not known.
Status add_tokens(std::optional<std::uint64_t>& sum, std::optional<std::uint64_t> more, const std::string& where) {
  if (!sum || !more) {
    sum.reset();
    return ok();
  }
  if (__builtin_add_overflow(*sum, *more, &*sum))
    return Error{Exit::numeric, error_number::gram_overflow, "the token counts add up to 2^64 or more",
                 fmt::format("{}: {} more tokens", where, *more),
                 "mend the counts: hallmark.calibration.tokens in the metadata"};
  return ok();
}

// Whether the entry is of the kind that is accumulated or merged.
Status check_kind(const CalibrationEntry& entry, bool merging, std::string where) {
  if (entry.is_gram != merging)
    return Error{Exit::usage, error_number::calibration_kind,
                 merging ? "--merge takes Gram matrices" : "--activations takes activations", std::move(where),
                 merging ? "accumulate this file with --activations first" : "add this file with --merge"};
  if (entry.crossed)
    return Error{Exit::usage, error_number::calibration_kind, "Gram matrices of an asymmetric target are not merged",
                 std::move(where), "sum H, C and K over all tokens where they are captured"};
  return ok();
}

Expected<std::vector<CalibrationFile>> open_all(const std::vector<std::string>& paths) {
  std::vector<CalibrationFile> files;
  for (const std::string& path : paths) {
    Expected<CalibrationFile> file = CalibrationFile::open(path);
    if (!file) return file.error();
    files.push_back(*std::move(file));
  }
  return files;
}

// Whether the output is free, and no input given twice.
Status check_files(const GramFlags& flags, const std::vector<std::string>& inputs) {
  if (const Status free = check_output(flags.output, flags.overwrite, inputs); !free) return free;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (same_file(inputs[i], inputs[j]))
        return Error{Exit::usage, error_number::command_line, "an input is given twice",
                     fmt::format("{} and {} are one file", inputs[j], inputs[i]), "give every file once"};
  return ok();
}

Expected<Exit> run_behind(const GramFlags& flags) {
  std::vector<std::string> inputs = flags.activations;
  inputs.insert(inputs.end(), flags.behind.begin(), flags.behind.end());
  if (const Status free = check_files(flags, inputs); !free) return free.error();
  const std::size_t count = flags.activations.size();
  if (flags.behind.size() != count)
    return Error{Exit::usage, error_number::command_line, "--behind takes as many files as --activations",
                 fmt::format("{} and {}", flags.behind.size(), count), "give every file its fellow, in the same order"};
  const auto files = open_all(inputs);
  if (!files) return files.error();
  const std::span all = *files;
  std::set<std::string> weights;
  for (const CalibrationFile& file : *files)
    for (const auto& [weight, entry] : file.entries()) weights.insert(weight);
  return finish(flags, weights.size(), write_behind(flags.output, flags.overwrite, all.first(count), all.last(count)));
}

// The matrices of all files, in the order in which these name them.
Expected<std::vector<GramPlan>> plan_of(const std::vector<CalibrationFile>& files, bool merging) {
  std::vector<GramPlan> plan;
  for (const CalibrationFile& file : files)
    for (const auto& [weight, entry] : file.entries()) {
      if (const Status kind = check_kind(entry, merging, fmt::format("{}: {}", file.path(), weight)); !kind)
        return kind.error();
      // A Gram matrix that came without its count leaves the sum without one.
      const auto tokens = entry.tokens > 0 || entry.no_token ? std::optional(entry.tokens) : std::nullopt;
      const auto known =
          std::find_if(plan.begin(), plan.end(), [&name = weight](const GramPlan& p) { return p.weight == name; });
      if (known == plan.end()) {
        plan.push_back({weight, entry.cols, tokens});
      } else if (known->cols != entry.cols) {
        return Error{
            Exit::infeasible, error_number::calibration_shape, "the files disagree in the number of columns",
            fmt::format("{}: {}: {} columns, {} in a file before", file.path(), weight, entry.cols, known->cols),
            "capture both from one model"};
      } else {
        if (const Status counted = add_tokens(known->tokens, tokens, file.path() + ": " + weight); !counted)
          return counted.error();
      }
    }
  return plan;
}

Expected<Exit> run(const GramFlags& flags) {
  const std::vector<std::string>& inputs = flags.activations.empty() ? flags.merge : flags.activations;
  const bool merging = flags.activations.empty();
  if (const Status free = check_files(flags, inputs); !free) return free.error();
  const auto opened = open_all(inputs);
  if (!opened) return opened.error();
  const std::vector<CalibrationFile>& files = *opened;
  const Expected<std::vector<GramPlan>> plan = plan_of(files, merging);
  if (!plan) return plan.error();
  Expected<Resumable> resumable =
      Resumable::open(flags.resume, "gram", fmt::format("hallmark {}", build_info::version));
  if (!resumable) return resumable.error();
  std::optional<SharedSums> shared;
  if (ranks->size() > 1) {
    shared.emplace(*ranks, files, *plan);
    if (const Status same = shared->agree_on(resumable->program()); !same) return same.error();
    if (!first_rank()) return shared->help(), Exit::ok;
    if (resumable->state()) shared->keep_in(*resumable->state());
    note("{} ranks; sums that wait for their turn take at most {:.0f} MB", ranks->size(),
         std::ceil(shared->most_waiting() / 1e6));
  }
  Progress progress("gram");
  std::optional<LastWords> words;
  if (resumable->state()) words.emplace(last_words_of(*resumable->state()));
  const auto gram_of = [&](std::size_t i) -> Expected<Matrix<double>> {
    progress.update(static_cast<double>(i), static_cast<double>(plan->size()), (*plan)[i].weight);
    const GramPlan& gram = (*plan)[i];
    if (!shared) return kept_sum(files, gram, merging, *resumable);
    return shared->sum(i, [&](const SumSoFar& sum, std::uint64_t chunks) { say_taken(*resumable, gram, sum, chunks); });
  };
  const Status written = write_grams(flags.output, flags.overwrite, *plan, gram_of);
  if (written) resumable->print_summary(plan->size());
  return finish(flags, plan->size(), written);
}

}  // namespace

Command gram_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand(
      "gram", "Accumulate activations, merge Gram matrices, or capture those of a replay checkpoint (--model)");
  auto flags = std::make_shared<GramFlags>();
  auto* activations =
      app->add_option("--activations", flags->activations, "Files with NAME.activations [tokens, cols], in order");
  auto* merge = app->add_option("--merge", flags->merge, "Files with NAME.gram [cols, cols]: added entry by entry");
  auto* model = app->add_option("--model", flags->model, "A replay checkpoint: calibrate it on its own train text");
  auto* behind = app->add_option("--behind", flags->behind,
                                 "The same inputs behind quantized layers, one file for each of --activations: "
                                 "writes what an asymmetric target reads");
  behind->needs(activations);
  activations->excludes(merge)->excludes(model);
  merge->excludes(model);
  app->add_option("--config", flags->config,
                  "With --model: the rules that `quantize` will get; the model is quantized by them in the order of "
                  "its layers, and asymmetric targets get their matrices")
      ->needs(model);
  app->add_option("--batches", flags->batches, "With --model: batches of 16 windows of 256 bytes")
      ->check(whole_number(1, most_batches))
      ->capture_default_str();
  app->add_option("--text", flags->text, "With --model: folder of text")->capture_default_str();
  add_resume_flags(*app, flags->resume, "Gram matrix")->excludes(model)->excludes(behind);
  app->add_option("-o,--output", flags->output, "Calibration file to write")->required();
  app->add_flag("--overwrite", flags->overwrite, "Replace an existing output");
  return {app,
          [flags]() -> Expected<Exit> {
            const bool shareable = !flags->activations.empty() && flags->behind.empty();
            if (ranks->size() > 1 && !shareable)
              return Error{Exit::usage, error_number::ranks_refused, "this way of gram is one process",
                           fmt::format("gram: {} ranks", ranks->size()),
                           "start it without mpirun; ranks share --activations, without --behind"};
            if (!flags->model.empty()) return run_model(*flags);
            if (flags->activations.empty() && flags->merge.empty())
              return Error{Exit::usage, error_number::no_input, "no input", "hallmark gram",
                           "--activations FILE..., --merge FILE... or --model CHECKPOINT"};
            return flags->behind.empty() ? run(*flags) : run_behind(*flags);
          },
          true};
}

}  // namespace hallmark::cli
