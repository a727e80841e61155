// hallmark: proof-carrying weight quantization, the command line.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "base/threads.hpp"
#include "cli/build_info.hpp"
#include "cli/command.hpp"
#include "cli/last_words.hpp"
#include "cli/output.hpp"
#include "cli/ranks.hpp"
#include "cli/suggest.hpp"
#include "io/file.hpp"
#include "io/utf8.hpp"
#include "pipeline/beside.hpp"
#include "ranks/shared_work.hpp"

namespace {

using namespace hallmark;

extern "C" void on_signal(int signal) {
  // A commit that was begun is finished first; a fault at this very instruction waits for nothing.
  const bool fault = signal == SIGBUS || signal == SIGSEGV || signal == SIGFPE || signal == SIGABRT;
  if (!fault && !may_end(signal)) return;
  // Temporary files go first: an interrupted run leaves the old output or none.
  unlink_temporary_files();
  cli::say_last_words();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

std::atomic<bool> returned = false;  // from main's own work

/// What has to be done where something else ends the process: OpenMP, which has no other answer to a thread that the
/// system refuses.
void on_early_exit(int, void*) {
  if (returned) return;
  unlink_temporary_files();
  std::fputs(to_string({Exit::memory, error_number::out_of_memory, "the system refuses threads or memory",
                        "a thread of the arithmetic could not be started", "--threads 1, or a larger ulimit -u and -v"})
                 .c_str(),
             stderr);
  ::_exit(static_cast<int>(Exit::memory));
}

/// A descriptor that the caller closed would be given to the next file that is opened, an output among them: here it is
/// taken by one that fails (standard input and output) or swallows (standard error).
void occupy_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0) std::ignore = ::open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_WRONLY);
}

/// Of several ranks the first tells, and ends the others; they tell it. It may hear of theirs first.
int fail(const Error& error) {
  Ranks& ranks = *cli::ranks;
  if (!cli::first_rank()) {
    fail_rank(ranks, error);
    end_together(ranks);
  }
  const std::string text =
      to_string({error.exit, error.number, escaped(error.what), escaped(error.where), escaped(error.hint)});
  std::fwrite(text.data(), 1, text.size(), stderr);
  const int code = static_cast<int>(error.exit);
  if (ranks.size() == 1 || !cli::first_rank()) return code;
  unlink_temporary_files();
  cli::say_last_words();
  returned = true;
  ranks.abort(code);
  return code;
}

/// Several processes work together, or this tool does not know how.
Status start_ranks() {
#ifdef HALLMARK_WITH_MPI
  Expected<std::unique_ptr<Ranks>> started = mpi_ranks();
  if (!started) return started.error();
  cli::ranks = *std::move(started);
  cli::ranks->when_lost = [](const Error& error) { fail(error); };
#else
  if (const int processes = launched_together(); processes > 1)
    return Error{Exit::unavailable, error_number::mpi_not_built, "this hallmark was built without MPI",
                 fmt::format("{} processes, each of which would do all of the work", processes),
                 "build with cmake -DHALLMARK_MPI=ON, or start one process (docs/clusters.md)"};
#endif
  return ok();
}

/// Standard streams are asked once, here, for every command: a result that nobody received is no success.
int finish(const Expected<Exit>& result) {
  if (std::ferror(stdin) != 0)
    return fail({Exit::io, error_number::cannot_read, "cannot read the input", "standard input",
                 "give it a file or a pipe, not a folder"});
  std::cout.flush();
  const bool lost = std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout;
  if (!result) return fail(result.error());
  if (!lost) end_together(*cli::ranks);
  if (lost)
    return fail({Exit::io, error_number::cannot_read, "cannot write the result", "standard output",
                 "check the pipe or the disk"});
  return static_cast<int>(*result);
}

int run(int argc, char** argv) {
  if (const Status started = start_ranks(); !started) return fail(started.error());
  CLI::App root{"Proof-carrying weight quantization: GF16 and narrower grids, GPTQ, certificates.", "hallmark"};
  root.require_subcommand(1);
  root.set_version_flag("--version", fmt::format("hallmark {}", build_info::version), "Print the version");
  root.footer(
      "Exit codes: 0 done, 2 usage, 3 invalid input, 4 infeasible plan, 5 numeric failure, 6 contract violated,\n"
      "7 verification mismatch, 8 finished with skipped tensors, 9 I/O, 10 memory, 13 not built in, 1 a bug.");
  const std::vector<cli::Command> commands = {
      cli::quantize_command(root),    cli::verify_command(root),  cli::dequantize_command(root),
      cli::export_command(root),      cli::import_command(root),  cli::pack_command(root),
      cli::unpack_command(root),      cli::gram_command(root),    cli::inspect_command(root),
      cli::codec_command(root),       cli::eval_command(root),    cli::ablate_command(root),
      cli::league_command(root),      cli::study_command(root),   cli::ttest_command(root),
      cli::smt_command(root),         cli::witness_command(root), cli::completion_command(root),
      cli::manual_command(root),      cli::version_command(root), cli::sensitivity_command(root),
      cli::learn_tables_command(root)};
  for (const cli::Command& command : commands)
    command.app->add_flag("--quiet", cli::quiet, "Say nothing but results, warnings and errors");
  if (const Status sound = cli::check_words(root, argc, argv); !sound) return fail(sound.error());
  try {
    root.parse(argc, argv);
  } catch (const CLI::Success& information) {  // --help, --version
    if (cli::first_rank()) root.exit(information);
    return finish(Exit::ok);
  } catch (const CLI::ParseError& error) {
    return fail(cli::usage_error(root, error.what(), argc, argv));
  }
  if (const auto used = use_threads(0); !used) return fail(used.error());
  const SleepingBarriers sleeping;  // others may want the processors
  for (const cli::Command& command : commands) {
    if (!command.app->parsed()) continue;
    if (cli::ranks->size() == 1 || command.shared) return finish(command.run());
    return fail({Exit::usage, error_number::ranks_refused, "this command is one process",
                 fmt::format("{}: {} ranks", command.app->get_name(), cli::ranks->size()),
                 "start it without mpirun; docs/clusters.md lists the commands that ranks share"});
  }
  return fail({Exit::internal, error_number::no_command_ran, "no subcommand ran", cli::command_line(argc, argv),
               "report this as a bug"});
}

int guarded_run(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    return fail({Exit::memory, error_number::out_of_memory, "out of memory", cli::command_line(argc, argv),
                 "quantize fewer tensors at a time with --include"});
  } catch (const std::exception& exception) {
    return fail({Exit::internal, error_number::unexpected_exception, "internal error", exception.what(),
                 "report this as a bug"});
  }
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_descriptors();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) std::signal(signal, on_signal);
  // An input that was cut short, and what is a bug, leave no temporary file either; a sanitizer keeps its own handlers.
  for (const int signal : {SIGBUS, SIGSEGV, SIGFPE, SIGABRT})
    if (const auto before = std::signal(signal, on_signal); before != SIG_DFL) std::signal(signal, before);
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit is then an error of write() with its message, not the end
  ::on_exit(on_early_exit, nullptr);
  const int code = guarded_run(argc, argv);
  cli::ranks.reset();
  returned = true;
  return code;
}
