// hallmark: proof-carrying weight quantization, the command line.
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <vector>

#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/suggest.hpp"
#include "io/file.hpp"

namespace {

using namespace hallmark;

extern "C" void on_signal(int signal) {
  // Temporary files go first: an interrupted run leaves the old output or none.
  unlink_temporary_files();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

int fail(const Error& error) {
  std::fputs(to_string(error).c_str(), stderr);
  return static_cast<int>(error.exit);
}

/// CLI11's own messages in the tool's three lines, with the nearest spelling of an unknown word.
int usage_error(const CLI::App& root, const CLI::ParseError& error, int argc, char** argv) {
  return fail({Exit::usage, 201, error.what(), cli::command_line(argc, argv), cli::usage_hint(root, argc, argv)});
}

int run(int argc, char** argv) {
  CLI::App root{"Proof-carrying weight quantization: GF16 and narrower grids, GPTQ, certificates.", "hallmark"};
  root.require_subcommand(1);
  root.option_defaults()->always_capture_default();
  root.footer("Exit codes: 0 done, 2 usage, 3 invalid input, 4 infeasible plan, 5 numeric failure, 6 contract violated,\n"
              "7 verification mismatch, 8 finished with skipped tensors, 9 I/O, 10 memory, 13 not built in, 1 a bug.");
  const std::vector<cli::Command> commands = {
      cli::quantize_command(root), cli::dequantize_command(root), cli::gram_command(root),
      cli::inspect_command(root),  cli::codec_command(root),      cli::eval_command(root),
      cli::ablate_command(root),   cli::ttest_command(root),      cli::smt_command(root),        cli::version_command(root)};
  try {
    root.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return root.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return root.exit(help);
  } catch (const CLI::ParseError& error) {
    return usage_error(root, error, argc, argv);
  }
  for (const cli::Command& command : commands) {
    if (!command.app->parsed()) continue;
    const Expected<Exit> result = command.run();
    return result ? static_cast<int>(*result) : fail(result.error());
  }
  return fail({Exit::internal, 101, "no subcommand ran", "", "report this as a bug"});
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGHUP, on_signal);
  std::signal(SIGQUIT, on_signal);
  std::signal(SIGPIPE, on_signal);
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit is then an error of write() with its message, not the end
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    return fail({Exit::memory, 1001, "out of memory", "", "quantize fewer tensors at a time with --include"});
  } catch (const std::exception& exception) {
    return fail({Exit::internal, 100, "internal error", exception.what(), "report this as a bug"});
  }
}
