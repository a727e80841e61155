#include "measure/provenance.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <random>

namespace hallmark {
namespace {

// The output of a shell command, without a trailing newline; empty when it fails.
std::string output_of(const char* command) {
  std::FILE* pipe = ::popen(command, "r");
  if (pipe == nullptr) return "";
  std::string text;
  char piece[256];
  while (const std::size_t size = std::fread(piece, 1, sizeof piece, pipe)) text.append(piece, size);
  if (::pclose(pipe) != 0) return "";
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

std::string random_run_id() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) id += fmt::format("{:08x}", random());
  return id;
}

std::string timestamp_now() {
  const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", fmt::gmtime(now));
}

std::string current_git_sha() {
  const std::string sha = output_of("git rev-parse HEAD 2>/dev/null");
  if (sha.empty()) return "unknown";
  const bool changed =
      !output_of("git status --porcelain --untracked-files=no -- :/src :/models :/CMakeLists.txt 2>/dev/null").empty();
  return changed ? sha + "+changed" : sha;
}

}  // namespace hallmark
