// hallmark import: weights that other programs wrote, as safetensors: every byte as it was, or the numbers that the
// competition's reader makes of an artifact.
#include <functional>
#include <memory>

#include "artifact/formats/parameter_golf_published.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "io/safetensors.hpp"
#include "replay/model.hpp"

namespace hallmark::cli {
namespace {

struct ImportFlags {
  std::string input, output, config;
  bool overwrite = false;
};

/// The tensors of a file and what writes each, in their order.
struct Source {
  std::vector<TensorPlan> plan;
  std::map<std::string, std::string> metadata;
  std::vector<std::string> paths;
  std::function<Status(std::size_t, const ByteSink&)> values;
  std::function<Status()> unchanged;
};

Source source_of(const SafeTensors& file) {
  Source source{{}, file.metadata(), file.paths(), {}, [&file] { return file.unchanged(); }};
  for (const TensorInfo& tensor : file.tensors()) source.plan.push_back({tensor.name, tensor.dtype, tensor.shape});
  source.values = [&file](std::size_t i, const ByteSink& sink) { return in_pieces(file.tensors()[i].data, sink); };
  return source;
}

Source source_of(const golf::PublishedFile& file) {
  Source source{{}, {}, {file.path()}, {}, [&file] { return file.unchanged(); }};
  for (const golf::Published& tensor : file.tensors())
    source.plan.push_back({tensor.stored.name, tensor.dtype, tensor.stored.shape});
  source.values = [&file](std::size_t i, const ByteSink& sink) {
    return golf::read_values(file.tensors()[i], file.path(), sink);
  };
  return source;
}

/// The metadata of the output: the input's, and what eval has to know of the model. Errors: E0393.
Expected<std::map<std::string, std::string>> metadata_of(const ImportFlags& flags, const Source& source) {
  auto metadata = source.metadata;
  if (flags.config.empty()) return metadata;
  const Expected<std::string> text = read_text(flags.config);
  if (!text) return text.error();
  const Expected<ModelConfig> config = parse_config(*text, flags.config, Reads::tokens);
  if (!config) return config.error();
  metadata["hallmark.config"] = config_json(*config);
  return metadata;
}

Expected<Exit> write(const ImportFlags& flags, const Source& source) {
  const auto metadata = metadata_of(flags, source);
  if (!metadata) return metadata.error();
  if (const Status free = check_output(flags.output, flags.overwrite, source.paths); !free) return free.error();
  Expected<SafeTensorsWriter> writer =
      SafeTensorsWriter::create(flags.output, flags.overwrite, source.plan, *metadata, TensorOrder::given);
  if (!writer) return writer.error();
  Progress progress("import");
  for (std::size_t i = 0; i < source.plan.size(); ++i) {
    const std::string& name = source.plan[i].name;
    progress.update(static_cast<double>(i), static_cast<double>(source.plan.size()), name);
    const auto sink = [&](std::span<const std::byte> piece) { return writer->write(name, piece); };
    if (const Status written = source.values(i, sink); !written) return written.error();
  }
  if (const Status same = source.unchanged(); !same) return same.error();
  if (const Status committed = writer->commit(); !committed) return committed.error();
  note("wrote {}: {} tensors", flags.output, source.plan.size());
  return Exit::ok;
}

Expected<Exit> run(const ImportFlags& flags) {
  const Expected<SafeTensors> file = SafeTensors::open(flags.input);
  if (file) return write(flags, source_of(*file));
  const auto artifact = golf::PublishedFile::open(flags.input);
  if (artifact && *artifact) return write(flags, source_of(**artifact));
  return artifact ? file.error() : artifact.error();
}

}  // namespace

Command import_command(CLI::App& root) {
  CLI::App* app =
      root.add_subcommand("import", "Write a checkpoint of PyTorch, or an artifact of parameter-golf, as safetensors");
  auto flags = std::make_shared<ImportFlags>();
  app->add_option("input", flags->input,
                  "Checkpoint of torch.save: a state dict; an artifact .ptz; or safetensors, shards too")
      ->required();
  app->add_option("-o,--output", flags->output, "File to write")->required();
  app->add_option("--config", flags->config, "Configuration of the model, for eval: the object `model` of a recipe");
  app->add_flag("--overwrite", flags->overwrite, "Replace an existing output");
  return {app, [flags] { return run(*flags); }};
}

}  // namespace hallmark::cli
