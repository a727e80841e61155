// hallmark eval: bits per byte of a replay checkpoint, on the validation split or, of a model of tokens, on a shard.
#include <algorithm>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error_numbers.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/ranges.hpp"
#include "pipeline/pattern.hpp"
#include "replay/calibration.hpp"
#include "replay/count_model.hpp"
#include "replay/evaluate.hpp"
#include "replay/forward.hpp"
#include "replay/ngram_cache.hpp"
#include "replay/pieces.hpp"
#include "replay/test_time_training.hpp"
#include "replay/tokens.hpp"

namespace hallmark::cli {
namespace {

constexpr std::int64_t most_bytes = std::int64_t{1} << 40;

struct EvalFlags {
  std::string model, text{default_text_folder}, trained{".*"}, shard, pieces;
  std::size_t bytes = evaluation_bytes, tokens = 0;  // 0 tokens: those of the shard
  Index stride = 0;                                  // 0: the window
  bool ttt = false, ngram = false, count_models = false, json = false;
};

struct Figures {
  Windows windows;
  double model = 0;  // bits per byte
  std::optional<double> blended;
};

// The training that the flags ask for. Errors: E0210 no regular expression; E0230 one that finds no weight.
Expected<TestTimeTraining> training_of(const EvalFlags& flags, const Model& model) {
  const auto pattern = Pattern::compile(flags.trained, "--ttt-weights");
  if (!pattern) return pattern.error();
  TestTimeTraining training;
  training.trains = [pattern = *pattern](const std::string& name) { return pattern.finds(name); };
  if (std::ranges::none_of(model.weights(), [&](const auto& entry) { return training.trains(entry.first); }))
    return Error{Exit::usage, error_number::rule_conflict, "no weight is trained", "--ttt-weights " + flags.trained,
                 "hallmark inspect shows the names of the checkpoint's tensors"};
  return training;
}

Expected<std::vector<double>> scores_of(const EvalFlags& flags, const Model& model, std::span<const std::byte> text,
                                        const Windows& windows) {
  Progress bar("eval");
  const auto shown = [&](std::size_t scored, std::size_t all) {
    bar.update(static_cast<double>(scored), static_cast<double>(all), "bytes scored");
  };
  if (!flags.ttt) return byte_scores(model, text, windows, shown);
  const auto training = training_of(flags, model);
  if (!training) return training.error();
  return trained_scores(model, text, windows, *training, shown);
}

Expected<Figures> evaluate(const EvalFlags& flags, const Model& model, std::span<const std::byte> text) {
  const Index window = model.config().window;
  if (text.size() <= static_cast<std::size_t>(window))
    return Error{Exit::input, error_number::text_short, "the text is shorter than one window",
                 fmt::format("{} bytes, {} to be predicted, window {}", text.size(), text.size() - 1, window),
                 fmt::format("--eval-bytes {} or more", window + 1)};
  Figures figures{{window, flags.stride > 0 ? flags.stride : window}, 0, {}};
  const auto scores = scores_of(flags, model, text, figures.windows);
  if (!scores) return scores.error();
  const auto bits = mean_bits(*scores, figures.windows);
  if (!bits) return bits.error();
  figures.model = *bits;
  if (!flags.ngram) return figures;
  const auto blended = mean_bits(blended_scores(text, *scores), figures.windows);
  if (!blended) return blended.error();
  figures.blended = *blended;
  return figures;
}

// The tokens that are scored and the one in front of them: whole windows only, as the competition cuts its text.
// Errors: E0392 not one window.
Expected<std::span<const Index>> whole_windows(const EvalFlags& flags, std::span<const Index> tokens, Index window) {
  const auto length = static_cast<std::size_t>(window), predicted = tokens.empty() ? 0 : tokens.size() - 1;
  const std::size_t wanted = flags.tokens > 0 ? flags.tokens : predicted;
  if (wanted > predicted || wanted < length)
    return Error{Exit::input, error_number::text_short, "the tokens to be evaluated are not there, or fill no window",
                 fmt::format("{}: {} tokens, {} can be predicted; {} to evaluate, window {}", flags.shard,
                             tokens.size(), predicted, wanted, window),
                 fmt::format("a longer shard, or --eval-tokens from {} to {}", window, predicted)};
  return tokens.first(wanted / length * length + 1);
}

Expected<Exit> run_shard(const EvalFlags& flags) {
  const Expected<Model> model = load_model(flags.model, Reads::tokens);
  if (!model) return model.error();
  const auto [vocab, window] = std::pair(model->config().vocab, model->config().window);
  if (vocab == ModelConfig().vocab)
    return Error{Exit::input, error_number::model_config, "a model of bytes, and a shard of tokens",
                 fmt::format("{}: vocab {}", flags.model, vocab), "leave --shard and --pieces out: --text names text"};
  const auto all = load_shard(flags.shard, vocab);
  if (!all) return all.error();
  const auto tokens = whole_windows(flags, *all, window);
  if (!tokens) return tokens.error();
  const auto bytes = text_bytes(flags.pieces, *tokens, vocab);
  if (!bytes) return bytes.error();
  Progress bar("eval");
  const auto bits = bits_per_token(*model, *tokens, window, [&](std::size_t scored, std::size_t positions) {
    bar.update(static_cast<double>(scored), static_cast<double>(positions), "tokens scored");
  });
  if (!bits) return bits.error();
  const std::size_t positions = tokens->size() - 1;
  const double bpb = *bits * static_cast<double>(positions) / static_cast<double>(*bytes);
  if (flags.json)
    print("{}\n", nlohmann::ordered_json{{"model", escaped(flags.model)},
                                         {"shard", escaped(flags.shard)},
                                         {"tokens", positions},
                                         {"bytes", *bytes},
                                         {"window", window},
                                         {"bits_per_token", *bits},
                                         {"bpb", bpb}}
                      .dump());
  else
    print("{:.6f} bits per byte over {} tokens, which are {} bytes of text; {:.6f} bits per token\n", bpb, positions,
          *bytes, *bits);
  return Exit::ok;
}

Expected<Exit> run(const EvalFlags& flags) {
  if (!flags.shard.empty()) return run_shard(flags);
  const Expected<Model> model = load_model(flags.model);
  if (!model) return model.error();
  const Expected<Corpus> corpus = load_corpus(flags.text);
  if (!corpus) return corpus.error();
  const auto validation = corpus->validation.bytes();
  if (validation.size() < flags.bytes)
    return Error{Exit::input, error_number::validation_short, "the validation text is too short",
                 fmt::format("{}: {} bytes, {} to evaluate", flags.text, validation.size(), flags.bytes),
                 fmt::format("a folder with more text, or --eval-bytes {}", validation.size())};
  const auto text = validation.first(flags.bytes);
  const auto figures = evaluate(flags, *model, text);
  if (!figures) return figures.error();
  const double bpb = figures->blended.value_or(figures->model);

  nlohmann::ordered_json out;
  out["model"] = escaped(flags.model);
  out["bytes"] = text.size();
  out["text_sha256"] = corpus->digest;
  out["window"] = figures->windows.window;
  out["stride"] = figures->windows.stride;
  out["ttt"] = flags.ttt;
  out["ngram"] = flags.ngram;
  out["bpb"] = bpb;
  if (figures->blended) out["bpb_model_alone"] = figures->model;
  if (flags.count_models) {
    const auto by_order = count_model_bits_per_byte(corpus->train, text, 5);
    for (const std::size_t order : {2u, 3u, 5u}) out[fmt::format("bpb_count_order_{}", order)] = by_order[order];
  }
  const auto trained = model->metadata().find("hallmark.text.sha256");
  if (trained != model->metadata().end() && trained->second != corpus->digest)
    warn("note: the checkpoint was trained on other text (SHA-256 {}, here {})", trained->second, corpus->digest);
  if (flags.json) {
    print("{}\n", out.dump());
  } else {
    print("{:.6f} bits per byte over {} bytes of validation text\n", bpb, text.size());
    if (figures->blended) print("{:.6f} the model alone, without the cache\n", figures->model);
    for (const auto& [key, value] : out.items())
      if (key.starts_with("bpb_count"))
        print("{:.6f} count model of order {}, interpolated\n", value.get<double>(), key.back());
  }
  return Exit::ok;
}

}  // namespace

Command eval_command(CLI::App& root) {
  CLI::App* app =
      root.add_subcommand("eval", "Bits per byte of a replay checkpoint on the validation split, or on a token shard");
  auto flags = std::make_shared<EvalFlags>();
  app->add_option("model", flags->model, "Checkpoint, or a dequantized one")->required();
  CLI::Option* shard = app->add_option("--shard", flags->shard, "Token shard of parameter-golf, for a model of tokens");
  CLI::Option* pieces = app->add_option("--pieces", flags->pieces, "The tokenizer's model of sentencepiece");
  shard->needs(pieces);
  pieces->needs(shard);
  app->add_option("--eval-tokens", flags->tokens, "Tokens of the shard to predict, cut to whole windows; default: all")
      ->check(whole_number(1, most_bytes))
      ->needs(shard);
  app->add_option("--text", flags->text, "Folder of text; file i is validation when i mod 10 = 9")
      ->excludes(shard)
      ->capture_default_str();
  app->add_option("--eval-bytes", flags->bytes, "Bytes of the validation split")
      ->check(whole_number(static_cast<std::int64_t>(calibration_window) + 1, most_bytes))
      ->excludes(shard)
      ->capture_default_str();
  app->add_option("--stride", flags->stride, "Bytes from one window to the next, at most a window; default: a window")
      ->excludes(shard)
      ->check(whole_number(1, most_bytes));
  CLI::Option* ttt =
      app->add_flag("--ttt", flags->ttt, "Train the model on each chunk of 16 windows of the text after it is scored")
          ->excludes(shard);
  app->add_option("--ttt-weights", flags->trained, "Regular expression of the weights that --ttt trains")
      ->needs(ttt)
      ->capture_default_str();
  app->add_flag("--ngram", flags->ngram, "Blend the model with counts of the bytes already scored")->excludes(shard);
  app->add_flag("--count-models", flags->count_models, "Also interpolated count models of order 2, 3 and 5")
      ->excludes(shard);
  app->add_flag("--json", flags->json, "One JSON object");
  return {app, [flags] { return run(*flags); }};
}

}  // namespace hallmark::cli
