// hallmark export: a quantized model into a file of another format, with every number as it was.
#include "cli/export.hpp"

#include <array>
#include <charconv>
#include <memory>

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "io/weights_writer.hpp"

namespace hallmark::cli {
namespace {

// A number of bytes with a decimal or binary unit; 0 where none was asked for.
Expected<std::uint64_t> shard_size(const ExportFlags& flags) {
  const std::string& word = flags.max_shard_size;
  if (word.empty()) return std::uint64_t{0};
  const auto malformed = [&](std::string what, std::string hint) {
    return Error{Exit::usage, error_number::command_line, std::move(what), "--max-shard-size " + word, std::move(hint)};
  };
  if (!is_index_name(flags.output))
    return malformed("a size of shards where one file is written", "--output NAME.safetensors.index.json");
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 8> units{{{"", 1},
                                                                             {"KB", 1'000},
                                                                             {"MB", 1'000'000},
                                                                             {"GB", 1'000'000'000},
                                                                             {"TB", 1'000'000'000'000},
                                                                             {"KiB", 1ULL << 10},
                                                                             {"MiB", 1ULL << 20},
                                                                             {"GiB", 1ULL << 30}}};
  std::uint64_t count = 0, bytes = 0;
  const char* const end = word.data() + word.size();
  const auto [rest, fault] = std::from_chars(word.data(), end, count);
  const auto unit = std::ranges::find(units, std::string_view(rest, end), [](const auto& u) { return u.first; });
  if (fault != std::errc() || unit == units.end() || __builtin_mul_overflow(count, unit->second, &bytes) || bytes == 0)
    return malformed("not a size of shards", "a whole number from 1 and a unit, such as 5GB, 512MiB or 1000000");
  return bytes;
}

}  // namespace

void add_export_options(CLI::App& app, ExportFlags& flags) {
  app.add_option("input", flags.input, "Quantized file")->required();
  app.add_option("-o,--output", flags.output, "File to write; NAME.safetensors.index.json writes shards beside it")
      ->required();
  app.add_option("--max-shard-size", flags.max_shard_size,
                 "Bytes of a shard's tensors, such as 5GB or 512MiB [as the weights were cut]");
  app.add_flag("--overwrite", flags.overwrite, "Replace an existing output");
}

Expected<Exit> export_model(const ExportFlags& flags, const char* label, const ModelWriter& write) {
  const Expected<std::uint64_t> shard_bytes = shard_size(flags);
  if (!shard_bytes) return shard_bytes.error();
  const Expected<std::unique_ptr<QuantizedModel>> model = read_quantized(flags.input);
  if (!model) return model.error();
  if (const Status free = check_output(flags.output, flags.overwrite, (*model)->paths()); !free) return free.error();
  if (const Status sound = check_model(**model); !sound) return sound.error();
  Progress progress(label);
  const Destination to{
      flags.output, flags.overwrite, *shard_bytes,
      [&](double done, double total, const std::string& tensor) { progress.update(done, total, tensor); }};
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
  return {app, [flags, name]() -> Expected<Exit> {
            const Expected<const FileFormat*> format = find_file_format(*name);
            if (!format) return format.error();
            return export_model(*flags, "export", [&](const QuantizedModel& model, const Destination& to) {
              return write_quantized(model, **format, to);
            });
          }};
}

}  // namespace hallmark::cli
