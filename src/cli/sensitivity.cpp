// hallmark sensitivity: what each matrix of some containers costs a replay checkpoint alone, for pack --budget.
#include <fmt/format.h>

#include <memory>

#include "artifact/quantized_file.hpp"
#include "base/error_numbers.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/ranges.hpp"
#include "io/file.hpp"
#include "io/sha256.hpp"
#include "measure/sensitivity.hpp"
#include "pipeline/sensitivity_file.hpp"
#include "replay/calibration.hpp"

namespace hallmark::cli {
namespace {

struct SensitivityFlags {
  std::vector<std::string> containers;
  std::string model, text{default_text_folder}, output;
  std::size_t batches = 2;
  bool overwrite = false;
};

Expected<std::vector<QuantizedFile>> open_containers(const SensitivityFlags& flags, const std::string& weights_sha256) {
  std::vector<QuantizedFile> files;
  for (const std::string& path : flags.containers) {
    Expected<QuantizedFile> file = QuantizedFile::open(path);
    if (!file) return file.error();
    if (file->header().source_sha256 != weights_sha256)
      return Error{Exit::infeasible, error_number::sensitivity_missing, "a container quantizes another checkpoint",
                   fmt::format("{}: weights of SHA-256 {}, {} has {}", path, file->header().source_sha256, flags.model,
                               weights_sha256),
                   "--model with the file that `quantize --weights` had"};
    files.push_back(*std::move(file));
  }
  return files;
}

// All damages, with a line of progress for each.
Expected<Sensitivities::Damages> measure(const Model& model, const Divergence& before,
                                         const std::vector<QuantizedFile>& files) {
  Progress progress("sensitivity");
  double done = 0, total = 0;
  for (const QuantizedFile& file : files) total += static_cast<double>(file.header().matrices.size());
  Sensitivities::Damages damages;
  for (const QuantizedFile& file : files) {
    const auto alone =
        damages_alone(model, before, file, [&](const std::string& matrix) { progress.update(++done, total, matrix); });
    if (!alone) return alone.error();
    if (const Status same = file.files_unchanged(); !same) return same.error();
    damages[file.payload_sha256()] = *alone;
  }
  return damages;
}

Expected<Exit> run(const SensitivityFlags& flags) {
  std::vector<std::string> inputs = flags.containers;
  inputs.push_back(flags.model);
  if (const Status free = check_output(flags.output, flags.overwrite, inputs); !free) return free.error();
  const Expected<std::string> digest = sha256_file(flags.model);
  if (!digest) return digest.error();
  const Expected<Model> model = load_model(flags.model);
  if (!model) return model.error();
  const Expected<std::vector<QuantizedFile>> files = open_containers(flags, *digest);
  if (!files) return files.error();
  const Expected<std::uint64_t> seed = model->seed();
  if (!seed) return seed.error();
  const Expected<Corpus> corpus = load_corpus(flags.text);
  if (!corpus) return corpus.error();
  const Expected<CalibrationPlan> plan = CalibrationPlan::draw(corpus->train, *seed, 0);
  if (!plan) return plan.error();
  const auto offsets = plan->reconstruction().first(flags.batches * calibration_batch);
  const Divergence before(*model, windows_at(corpus->train, offsets));
  const Expected<Sensitivities::Damages> damages = measure(*model, before, *files);
  if (!damages) return damages.error();
  const Sensitivities measured{*digest, corpus->digest, offsets_digest(offsets), offsets.size(), *damages};
  if (const Status written = write_sensitivities(flags.output, flags.overwrite, measured); !written)
    return written.error();
  note("wrote {}: damages of {} containers on {} windows of training text", flags.output, damages->size(),
       offsets.size());
  return Exit::ok;
}

}  // namespace

Command sensitivity_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand(
      "sensitivity", "Measure what each matrix of quantized models costs a replay checkpoint alone, for pack --budget");
  auto flags = std::make_shared<SensitivityFlags>();
  app->add_option("input", flags->containers, "Containers of the checkpoint")->required()->expected(1, 256);
  app->add_option("--model", flags->model, "Replay checkpoint that the containers quantize")->required();
  app->add_option("--text", flags->text, "Folder of text, of which the train split is read")->capture_default_str();
  app->add_option("--batches", flags->batches, "Batches of 16 windows that no Gram matrix of `gram --model` has seen")
      ->check(whole_number(1, static_cast<std::int64_t>(reconstruction_batches)))
      ->capture_default_str();
  app->add_option("-o,--output", flags->output, "File to write")->required();
  app->add_flag("--overwrite", flags->overwrite, "Replace an existing output");
  return {app, [flags] { return run(*flags); }};
}

}  // namespace hallmark::cli
