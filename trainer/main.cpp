// hallmark-train: trains one checkpoint from a recipe, a seed and a text folder.
#include <CLI/CLI.hpp>
#include <iostream>

#include "base/error_numbers.hpp"
#include "training.hpp"

int main(int argc, char** argv) {
  hallmark::trainer::Arguments arguments;
  CLI::App app("Train one checkpoint for the replay");
  app.add_option("--recipe", arguments.recipe, "recipe file")->capture_default_str();
  app.add_option("--seed", arguments.seed, "training seed")->required();
  app.add_option("--text", arguments.text, "text folder; of shards for a vocabulary of tokens")->capture_default_str();
  app.add_option("--pieces", arguments.pieces, "the tokenizer's model of sentencepiece: also reports bits per byte");
  app.add_option("--output", arguments.output, "checkpoint to write (.safetensors)");
  app.add_option("--start", arguments.start,
                 "begin with the weights of this checkpoint, by our names or the published ones");
  app.add_option("--save-every", arguments.every, "also write the mean every so many steps");
  auto* state = app.add_option("--state", arguments.state, "file that lets a killed training go on (.safetensors)");
  app.add_option("--state-every", arguments.state_every, "steps between two states")
      ->capture_default_str()
      ->check(CLI::PositiveNumber)
      ->needs(state);
  app.add_flag("--resume", arguments.resume, "go on with what --state holds, if it holds anything")->needs(state);
  app.add_option("--threads", arguments.threads, "threads")->capture_default_str();
  app.add_option("--device", arguments.device, "cpu or cuda")->capture_default_str();
  app.add_flag("--check", arguments.check, "fail unless the loss fell and the replay agrees on the written checkpoint")
      ->needs("--output");
  CLI11_PARSE(app, argc, argv);
  try {
    const auto status = hallmark::trainer::train(arguments);
    if (status) return 0;
    std::cerr << hallmark::to_string(status.error());
    return static_cast<int>(status.error().exit);
  } catch (const std::exception& failure) {  // LibTorch throws
    std::cerr << hallmark::to_string({hallmark::Exit::internal, hallmark::error_number::writer_misuse,
                                      "LibTorch failed", failure.what(), "report this"});
    return 1;
  }
}
