// hallmark pack, unpack: a container into one packed artifact, and back byte for byte.
#include <fmt/format.h>

#include <map>
#include <memory>

#include "artifact/pack/artifact.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "io/file.hpp"

namespace hallmark::cli {
namespace {

struct Flags {
  std::string input, output;
  bool overwrite = false;
};

void add_options(CLI::App& app, Flags& flags, const char* input) {
  app.add_option("input", flags.input, input)->required();
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

Expected<Exit> pack_file(const Flags& flags) {
  if (const Status free = check_output(flags.output, flags.overwrite, {flags.input}); !free) return free.error();
  Progress progress("pack");
  const Expected<pack::Contents> contents = pack::pack_container(
      flags.input, [&](double done, double total, const std::string& tensor) { progress.update(done, total, tensor); });
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

Expected<Exit> unpack_file(const Flags& flags) {
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
  auto flags = std::make_shared<Flags>();
  add_options(*app, *flags, "Container");
  return {app, [flags] { return pack_file(*flags); }};
}

Command unpack_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand("unpack", "Write the container of an artifact again, byte for byte");
  auto flags = std::make_shared<Flags>();
  add_options(*app, *flags, "Artifact of pack");
  return {app, [flags] { return unpack_file(*flags); }};
}

}  // namespace hallmark::cli
