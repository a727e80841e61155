// hallmark eval: bits per byte of a replay checkpoint on the validation split.
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error_numbers.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/ranges.hpp"
#include "replay/calibration.hpp"
#include "replay/count_model.hpp"
#include "replay/forward.hpp"

namespace hallmark::cli {
namespace {

constexpr std::int64_t most_bytes = std::int64_t{1} << 40;

struct EvalFlags {
  std::string model, text{default_text_folder};
  std::size_t bytes = evaluation_bytes;
  bool count_models = false, json = false;
};

Expected<Exit> run(const EvalFlags& flags) {
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
  const Expected<double> bpb = bits_per_byte(*model, text, model->config().window);
  if (!bpb) return bpb.error();

  nlohmann::ordered_json out;
  out["model"] = escaped(flags.model);
  out["bytes"] = text.size();
  out["text_sha256"] = corpus->digest;
  out["bpb"] = *bpb;
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
    print("{:.6f} bits per byte over {} bytes of validation text\n", *bpb, text.size());
    for (const auto& [key, value] : out.items())
      if (key.starts_with("bpb_count"))
        print("{:.6f} count model of order {}, interpolated\n", value.get<double>(), key.back());
  }
  return Exit::ok;
}

}  // namespace

Command eval_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand("eval", "Bits per byte of a replay checkpoint on the validation split");
  auto flags = std::make_shared<EvalFlags>();
  app->add_option("model", flags->model, "Checkpoint, or a dequantized one")->required();
  app->add_option("--text", flags->text, "Folder of text; file i is validation when i mod 10 = 9")
      ->capture_default_str();
  app->add_option("--eval-bytes", flags->bytes, "Bytes of the validation split")
      ->check(whole_number(static_cast<std::int64_t>(calibration_window) + 1, most_bytes))
      ->capture_default_str();
  app->add_flag("--count-models", flags->count_models, "Also interpolated count models of order 2, 3 and 5");
  app->add_flag("--json", flags->json, "One JSON object");
  return {app, [flags] { return run(*flags); }};
}

}  // namespace hallmark::cli
