#include "io/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/error_numbers.hpp"

namespace hallmark {
namespace {

constexpr std::size_t most_output = std::size_t{64} << 20;

bool executable(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

Error cannot_run(const std::string& program, std::string_view why) {
  return {Exit::io, error_number::cannot_run, "a program could not be run", fmt::format("{}: {}", program, why),
          "look at the limits of processes, files and memory"};
}

// Between fork and exec only async-signal-safe calls: other threads may have held locks.
[[noreturn]] void become(const char* path, char* const* arguments, int output, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it died before the line above
  const int empty = ::open("/dev/null", O_RDONLY);
  if (empty < 0 || ::dup2(empty, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(output, 2) < 0) ::_exit(127);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_DFL);
  ::execv(path, arguments);
  ::_exit(127);
}

}  // namespace

Expected<std::string> find_program(const std::string& program) {
  if (program.find('/') != program.npos) {
    if (executable(program)) return program;
  } else if (const char* path = std::getenv("PATH")) {
    for (std::string_view rest = path; !program.empty();) {
      const auto colon = rest.find(':');
      const auto folder = rest.substr(0, colon);
      const std::string candidate = fmt::format("{}/{}", folder.empty() ? "." : folder, program);
      if (executable(candidate)) return candidate;
      if (colon == rest.npos) break;
      rest.remove_prefix(colon + 1);
    }
  }
  return Error{Exit::unavailable, error_number::program_missing, "a program that is needed is missing",
               fmt::format("{}: not found", program), "install it, or put its folder into PATH"};
}

Expected<ProcessResult> run_process(const std::string& program, const std::vector<std::string>& arguments,
                                    double limit) {
  using Clock = std::chrono::steady_clock;
  auto path = find_program(program);
  if (!path) return path.error();
  std::vector<char*> argv{path->data()};
  std::vector<std::string> copies = arguments;
  for (auto& argument : copies) argv.push_back(argument.data());
  argv.push_back(nullptr);

  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return cannot_run(*path, std::strerror(errno));
  const auto start = Clock::now();
  const pid_t parent = ::getpid(), child = ::fork();
  if (child == 0) become(path->c_str(), argv.data(), ends[1], parent);
  const int forked = errno;
  ::close(ends[1]);
  if (child < 0) {
    ::close(ends[0]);
    return cannot_run(*path, std::strerror(forked));
  }

  ProcessResult result;
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  bool open = true;
  while (open && !result.timed_out && result.output.size() <= most_output) {
    const double left = limit - elapsed();
    result.timed_out = !(left > 0);
    pollfd ready{ends[0], POLLIN, 0};
    if (::poll(&ready, 1, result.timed_out ? 0 : static_cast<int>(std::ceil(std::fmin(left, 3600) * 1e3))) <= 0)
      continue;
    char piece[65536];
    const ssize_t size = ::read(ends[0], piece, sizeof piece);
    if (size > 0) result.output.append(piece, static_cast<std::size_t>(size));
    else open = size < 0 && errno == EINTR;
  }
  // A program that closed its output and lives on is given the rest of its time.
  int status = 0;
  pid_t ended = 0;
  while (!open && (ended = ::waitpid(child, &status, WNOHANG)) == 0 && !(result.timed_out = !(elapsed() < limit)))
    ::usleep(500);
  if (ended != child) {
    ::kill(child, SIGKILL);
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  ::close(ends[0]);
  result.seconds = elapsed();
  if (result.output.size() > most_output) return cannot_run(*path, "more than 64 MiB of output");
  result.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace hallmark
