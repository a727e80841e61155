// hallmark import: weights that other programs wrote, as safetensors, every byte as it was.
#include <memory>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "io/safetensors.hpp"

namespace hallmark::cli {
namespace {

struct ImportFlags {
  std::string input, output;
  bool overwrite = false;
};

Expected<Exit> run(const ImportFlags& flags) {
  const Expected<SafeTensors> source = SafeTensors::open(flags.input);
  if (!source) return source.error();
  if (const Status free = check_output(flags.output, flags.overwrite, source->paths()); !free) return free.error();
  std::vector<TensorPlan> plan;
  for (const TensorInfo& tensor : source->tensors()) plan.push_back({tensor.name, tensor.dtype, tensor.shape});
  Expected<SafeTensorsWriter> writer =
      SafeTensorsWriter::create(flags.output, flags.overwrite, plan, source->metadata(), TensorOrder::given);
  if (!writer) return writer.error();
  Progress progress("import");
  std::size_t done = 0;
  for (const TensorInfo& tensor : source->tensors()) {
    progress.update(static_cast<double>(done++), static_cast<double>(plan.size()), tensor.name);
    const auto sink = [&](std::span<const std::byte> piece) { return writer->write(tensor.name, piece); };
    if (const Status written = in_pieces(tensor.data, sink); !written) return written.error();
  }
  if (const Status same = source->unchanged(); !same) return same.error();
  if (const Status committed = writer->commit(); !committed) return committed.error();
  note("wrote {}: {} tensors", flags.output, plan.size());
  return Exit::ok;
}

}  // namespace

Command import_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand("import", "Write a checkpoint of PyTorch as safetensors, every byte as it was");
  auto flags = std::make_shared<ImportFlags>();
  app->add_option("input", flags->input, "Checkpoint of torch.save: a state dict; or safetensors, shards too")
      ->required();
  app->add_option("-o,--output", flags->output, "File to write")->required();
  app->add_flag("--overwrite", flags->overwrite, "Replace an existing output");
  return {app, [flags] { return run(*flags); }};
}

}  // namespace hallmark::cli
