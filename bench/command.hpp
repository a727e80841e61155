// The tool as a user runs it, and the folder of its files.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace hallmark::bench {

/// A folder that is there as long as this.
struct TemporaryFolder {
  std::filesystem::path path;

  explicit TemporaryFolder(const char* name)
      : path(std::filesystem::temp_directory_path() / fmt::format("hallmark-bench-{}-{}", name, ::getpid())) {
    std::filesystem::create_directories(path);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
};

/// Good news, or the end of the program.
inline void require(const Status& status) {
  if (status) return;
  fmt::print(stderr, "{}", to_string(status.error()));
  std::exit(9);
}

/// The value, or the end of the program.
template <class T>
T required(Expected<T> value) {
  if (!value) require(value.error());
  return *std::move(value);
}

/// Runs it as a user would, but for what it prints; its exit code.
inline int run_tool(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    const int nowhere = ::open("/dev/null", O_WRONLY);  // freopen would print what waits in a buffer of ours
    if (::dup2(nowhere, STDOUT_FILENO) >= 0 && ::dup2(nowhere, STDERR_FILENO) >= 0)
      ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace hallmark::bench
