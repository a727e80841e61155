#include "cli/checker.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "io/process.hpp"

namespace hallmark::cli {
namespace {

constexpr double no_limit = 1e7;  // seconds: how long exact arithmetic takes is the user's choice

// A file that vanishes with its descriptor, however this process ends; a child finds it under path().
class Scratch {
 public:
  Scratch() {
    const char* folder = std::getenv("TMPDIR");
    std::string name = fmt::format("{}/hallmark-bundle-XXXXXX", folder && *folder ? folder : "/tmp");
    fd_ = ::mkstemp(name.data());
    reason_ = errno;
    if (fd_ >= 0) ::unlink(name.c_str());
    name_ = std::move(name);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    if (fd_ >= 0) ::close(fd_);
  }

  std::string path() const { return fmt::format("/proc/self/fd/{}", fd_); }

  Status write(std::span<const std::byte> bytes) {
    if (fd_ < 0) return failure(error_number::cannot_create, "cannot create a temporary file for the bundle", reason_);
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0)
        return failure(
            errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? error_number::disk_full : error_number::cannot_write,
            "cannot write the bundle", errno);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return ok();
  }

 private:
  Status failure(int number, const char* what, int reason) const {
    return Error{Exit::io, number, what, fmt::format("{}: {}", name_, std::strerror(reason)),
                 "TMPDIR=FOLDER with room for the bundle"};
  }

  std::string name_;
  int fd_ = -1, reason_ = 0;
};

// The checker's own three lines, without the ends of lines.
std::string one_line(std::string text) {
  for (char& c : text)
    if (c == '\n') c = ' ';
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

}  // namespace

Expected<std::string> find_checker() {
  constexpr const char* name = "hallmark-check";
  const auto missing = [](std::string where) {
    return Error{Exit::unavailable, error_number::program_missing,
                 "hallmark-check is missing, so nothing was verified with it", std::move(where),
                 "make checker, or HALLMARK_CHECK=/path/to/hallmark-check"};
  };
  if (const char* named = std::getenv("HALLMARK_CHECK")) {
    if (auto found = find_program(named)) return found;
    return missing(fmt::format("HALLMARK_CHECK={}: not a program", named));
  }
  std::error_code fault;
  const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", fault).parent_path();
  for (const std::string& candidate :
       {(folder / name).string(), (folder / "checker" / name).string(), std::string(name)})
    if (auto found = find_program(candidate)) return found;
  return missing(fmt::format("not beside the tool in {}, not in its checker/, not in PATH", folder.string()));
}

Status run_checker(const std::string& checker, const std::string& tensor, const BundleContent& content) {
  Scratch scratch;
  const Status written = write_bundle(content, [&](std::span<const std::byte> bytes) { return scratch.write(bytes); });
  if (!written) return written;
  const Expected<ProcessResult> result = run_process(checker, {scratch.path()}, no_limit);
  if (!result) return result.error();
  if (result->exit == 0 && result->output.find(": accepted: ") != std::string::npos) return ok();
  if (result->exit == static_cast<int>(Exit::mismatch))
    return Error{Exit::mismatch, error_number::checker_rejects, "hallmark-check rejects a tensor",
                 fmt::format("tensor '{}': {}", tensor, one_line(result->output)),
                 "do not use this file; quantize the weights again"};
  return Error{Exit::internal, error_number::checker_failed, "hallmark-check gave no verdict",
               fmt::format("tensor '{}': exit code {}: {}", tensor, result->exit, one_line(result->output)),
               "ulimit -s unlimited and more memory, or verify without --checker"};
}

}  // namespace hallmark::cli
