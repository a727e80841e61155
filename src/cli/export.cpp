// hallmark export: a quantized model into a file of another format, with every number as it was.
#include "cli/export.hpp"

#include <memory>

#include <fmt/format.h>

#include "artifact/llama_folder.hpp"
#include "base/error_numbers.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/shard_size.hpp"
#include "io/weights_writer.hpp"

namespace hallmark::cli {

void add_export_options(CLI::App& app, ExportFlags& flags) {
  app.add_option("input", flags.input, "Quantized file")->required();
  app.add_option("-o,--output", flags.output, "File to write; NAME.safetensors.index.json writes shards beside it")
      ->required();
  add_shard_option(app, flags.max_shard_size);
  app.add_flag("--overwrite", flags.overwrite, "Replace an existing output");
}

Expected<Exit> export_model(const ExportFlags& flags, const char* label, const ModelWriter& write) {
  const Expected<std::uint64_t> shard_bytes = shard_size(flags.max_shard_size, flags.output);
  if (!shard_bytes) return shard_bytes.error();
  std::optional<llama::Folder> folder;
  if (!flags.llama.empty()) {
    const Expected<llama::Folder> read = llama::read_folder(flags.llama);
    if (!read) return read.error();
    folder = *read;
  }
  const Expected<std::unique_ptr<QuantizedModel>> model = read_quantized(flags.input);
  if (!model) return model.error();
  std::vector<std::string> inputs = (*model)->paths();
  if (folder) inputs.insert(inputs.end(), folder->inputs.begin(), folder->inputs.end());
  if (const Status free = check_output(flags.output, flags.overwrite, inputs); !free) return free.error();
  if (is_index_name(flags.output))  // how many shards it takes, the format knows
    if (const Status free = check_shards(flags.output, flags.overwrite, 0, (*model)->paths()); !free)
      return free.error();
  if (const Status sound = check_model(**model); !sound) return sound.error();
  Progress progress(label);
  const Destination to{
      flags.output, flags.overwrite, *shard_bytes,
      [&](double done, double total, const std::string& tensor) { progress.update(done, total, tensor); },
      folder ? &*folder : nullptr};
  if (const Status written = write(**model, to); !written) return written.error();
  const auto matrices = matrices_by_tensor((*model)->header());
  note("wrote {}: {} tensors, {} of them from codes", flags.output, matrices.size(),
       std::ranges::count_if(matrices, [](const auto& of_tensor) { return !of_tensor.empty(); }));
  return Exit::ok;
}

Command export_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand("export", "Write a quantized model in another format, every number as it was");
  auto flags = std::make_shared<ExportFlags>();
  auto name = std::make_shared<std::string>();
  std::string formats;
  for (const FileFormat* format : file_formats()) formats += fmt::format("\n{}: {}", format->name, format->summary);
  add_export_options(*app, *flags);
  app->add_option("--to", *name, "Format:" + formats)->required();
  app->add_option("--llama", flags->llama,
                  "Folder of the model at Hugging Face's, config.json and tokenizer.model: gguf in llama.cpp's layout");
  return {app, [flags, name]() -> Expected<Exit> {
            const Expected<const FileFormat*> format = find_file_format(*name);
            if (!format) return format.error();
            if (!flags->llama.empty() && *name != "gguf")
              return Error{Exit::usage, error_number::command_line, "--llama is of one format alone",
                           fmt::format("--llama {} with --to {}", flags->llama, *name), "--to gguf"};
            return export_model(*flags, "export", [&](const QuantizedModel& model, const Destination& to) {
              return write_quantized(model, **format, to);
            });
          }};
}

}  // namespace hallmark::cli
