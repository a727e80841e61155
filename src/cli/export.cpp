// hallmark export: a quantized model into a file of another format, with every number as it was.
#include "cli/export.hpp"

#include <memory>

#include <fmt/format.h>

#include "artifact/file_format.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"

namespace hallmark::cli {

Expected<Exit> export_file(const ExportFlags& flags, const char* label) {
  const Expected<const FileFormat*> format = find_file_format(flags.format);
  if (!format) return format.error();
  const Expected<std::unique_ptr<QuantizedModel>> model = read_quantized(flags.input);
  if (!model) return model.error();
  if (const Status free = check_output(flags.output, flags.overwrite, (*model)->paths()); !free) return free.error();
  if (const Status sound = check_model(**model); !sound) return sound.error();
  Progress progress(label);
  const Destination to{flags.output, flags.overwrite, [&](double done, double total, const std::string& tensor) {
                         progress.update(done, total, tensor);
                       }};
  if (const Status written = write_quantized(**model, **format, to); !written) return written.error();
  const QuantizedHeader& header = (*model)->header();
  const auto quantized =
      std::ranges::count_if(header.tensors, [&](const OriginalTensor& t) { return is_quantized(header, t.name); });
  note("wrote {}: {} tensors, {} of them from codes", flags.output, header.tensors.size(), quantized);
  return Exit::ok;
}

Command export_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand("export", "Write a quantized model in another format, every number as it was");
  auto flags = std::make_shared<ExportFlags>();
  std::string formats;
  for (const FileFormat* format : file_formats()) formats += fmt::format("\n{}: {}", format->name, format->summary);
  app->add_option("input", flags->input, "Quantized file")->required();
  app->add_option("-o,--output", flags->output, "File to write")->required();
  app->add_option("--to", flags->format, "Format:" + formats)->required();
  app->add_flag("--overwrite", flags->overwrite, "Replace an existing output");
  return {app, [flags] { return export_file(*flags, "export"); }};
}

}  // namespace hallmark::cli
