// hallmark pack, unpack: a container into one packed artifact, and back byte for byte.
#include <fmt/format.h>

#include <map>
#include <memory>

#include "artifact/pack/artifact.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "base/error_numbers.hpp"
#include "cli/progress.hpp"
#include "cli/ranges.hpp"
#include "io/file.hpp"
#include "measure/budget_plot.hpp"
#include "pipeline/pack_budget.hpp"

namespace hallmark::cli {
namespace {

constexpr std::int64_t most_budget = std::int64_t{1} << 48;

struct Flags {
  std::string output;
  bool overwrite = false;
};

struct PackFlags : Flags {
  std::vector<std::string> inputs;
  std::string sensitivity, plot;
  std::uint64_t budget = 0, code_bytes = 0;  // 0: no budget
};

struct UnpackFlags : Flags {
  std::string input;
};

void add_options(CLI::App& app, Flags& flags) {
  app.add_option("-o,--output", flags.output, "File to write")->required();
  app.add_flag("--overwrite", flags.overwrite, "Replace an existing output");
}

// "3 range, 2 brotli"
std::string counts_of(const pack::Contents& contents) {
  std::map<std::uint8_t, std::size_t> counts;
  for (const pack::PackedTensor& tensor : contents.tensors) ++counts[tensor.compressor->id];
  std::string text;
  for (const auto& [id, count] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, pack::find_compressor(id)->name);
  return text;
}

Expected<Exit> pack_file(const PackFlags& flags) {
  const std::string& input = flags.inputs.front();
  if (const Status free = check_output(flags.output, flags.overwrite, {input}); !free) return free.error();
  Progress progress("pack");
  const Expected<pack::Contents> contents = pack::pack_container(
      input, [&](double done, double total, const std::string& tensor) { progress.update(done, total, tensor); });
  if (!contents) return contents.error();
  const Expected<pack::Bytes> bytes = pack::artifact_bytes(*contents);
  if (!bytes) return bytes.error();
  Expected<AtomicFile> file = AtomicFile::create(flags.output, flags.overwrite);
  if (!file) return file.error();
  if (const Status written = file->write(*bytes); !written) return written.error();
  if (const Status done = file->commit(); !done) return done.error();
  note("wrote {}: {} bytes; tensors: {}", flags.output, bytes->size(), counts_of(*contents));
  return Exit::ok;
}

// What is made least.
std::string_view counted(const PackFlags& flags) {
  return flags.sensitivity.empty() ? "certified losses over those of round-to-nearest"
                                   : "damages of single matrices, bits per byte";
}

Status write_plot(const PackFlags& flags, const Budgeted& done) {
  Expected<AtomicFile> file = AtomicFile::create(flags.plot, flags.overwrite);
  if (!file) return file.error();
  const std::string text = budget_svg(done, flags.inputs, fmt::format("sum of {}", counted(flags)));
  if (const Status written = file->write(std::string_view(text)); !written) return written;
  return file->commit();
}

// Several containers, and what they may take together with the program that reads them.
Expected<Exit> pack_within_budget(const PackFlags& flags) {
  if (flags.code_bytes >= flags.budget)
    return Error{Exit::usage, error_number::command_line, "the program leaves no byte of the budget",
                 fmt::format("--budget {} --code-bytes {}", flags.budget, flags.code_bytes),
                 "a budget for program and artifact together"};
  Progress progress("pack");
  const std::uint64_t most = flags.budget - flags.code_bytes;
  const Expected<Budgeted> done =
      pack_within({flags.inputs, most, flags.sensitivity, flags.output, flags.overwrite, flags.plot},
                  [&](double part, double total, const std::string& tensor) { progress.update(part, total, tensor); });
  if (!done) return done.error();
  for (std::size_t m = 0; m < done->names.size(); ++m) note("{}: {}", done->names[m], flags.inputs[done->chosen[m]]);
  note("wrote {}: {} bytes of {} ({:.3f} % below); sum of {}: {:.6g}", flags.output, done->bytes, most,
       100 * static_cast<double>(most - done->bytes) / static_cast<double>(most), counted(flags), done->loss);
  if (!flags.plot.empty())
    if (const Status drawn = write_plot(flags, *done); !drawn) return drawn.error();
  return Exit::ok;
}

Expected<Exit> pack_files(const PackFlags& flags) {
  if (flags.budget > 0) return pack_within_budget(flags);
  if (flags.inputs.size() == 1 && flags.code_bytes == 0 && flags.sensitivity.empty() && flags.plot.empty())
    return pack_file(flags);
  return Error{Exit::usage, error_number::command_line, "one container is packed, or several within a budget",
               fmt::format("{} containers, no --budget", flags.inputs.size()), "--budget BYTES"};
}

Expected<Exit> unpack_file(const UnpackFlags& flags) {
  const Expected<MappedFile> input = MappedFile::open(flags.input);
  if (!input) return input.error();
  if (const Status free = check_output(flags.output, flags.overwrite, {flags.input}); !free) return free.error();
  const Expected<pack::Parsed> artifact = pack::parse_artifact(input->bytes(), flags.input);
  if (!artifact) return artifact.error();
  Expected<AtomicFile> file = AtomicFile::create(flags.output, flags.overwrite);
  if (!file) return file.error();
  if (const Status room = file->reserve(artifact->head.size() + artifact->layout.bytes); !room) return room.error();
  if (const Status written = file->write(artifact->head); !written) return written.error();
  Progress progress("unpack");
  const std::size_t count = artifact->tensors.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Expected<pack::Bytes> bytes = pack::tensor_of(*artifact, i, flags.input);
    if (!bytes) return bytes.error();
    if (const Status written = file->write(*bytes); !written) return written.error();
    progress.update(static_cast<double>(i + 1), static_cast<double>(count), artifact->layout.tensors[i].plan.name);
  }
  if (const Status same = input->unchanged(); !same) return same.error();
  if (const Status done = file->commit(); !done) return done.error();
  note("wrote {}: {} bytes", flags.output, artifact->head.size() + artifact->layout.bytes);
  return Exit::ok;
}

}  // namespace

Command pack_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand("pack", "Write a container as one artifact, every tensor in the fewest bytes");
  auto flags = std::make_shared<PackFlags>();
  app->add_option("input", flags->inputs, "Container; with --budget several of one model, each with its certificate")
      ->required()
      ->expected(1, 256);
  add_options(*app, *flags);
  app->add_option(
         "--budget", flags->budget,
         "Bytes that the artifact may have: each matrix is taken from the container that makes the sum of certified "
         "losses least")
      ->check(whole_number(1, most_budget));
  app->add_option("--sensitivity", flags->sensitivity,
                  "File of `hallmark sensitivity` for these containers: the sum of its damages is made least instead");
  app->add_option("--plot", flags->plot, "Picture of what was made least against bytes, for all budgets (SVG)");
  app->add_option("--code-bytes", flags->code_bytes, "Bytes of the budget that a program takes")
      ->check(whole_number(0, most_budget));
  return {app, [flags] { return pack_files(*flags); }};
}

Command unpack_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand("unpack", "Write the container of an artifact again, byte for byte");
  auto flags = std::make_shared<UnpackFlags>();
  app->add_option("input", flags->input, "Artifact of pack")->required();
  add_options(*app, *flags);
  return {app, [flags] { return unpack_file(*flags); }};
}

}  // namespace hallmark::cli
