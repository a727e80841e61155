#include "cli/checker.hpp"

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "io/process.hpp"

namespace hallmark::cli {
namespace {

constexpr double no_limit = 1e7;  // seconds: how long exact arithmetic takes is the user's choice

// The checker's own three lines, without the ends of lines.
std::string one_line(std::string text) {
  for (char& c : text)
    if (c == '\n') c = ' ';
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

// What it says that it read: "files: weights HEX, calibration HEX or none, quantized HEX, certificate HEX".
std::optional<FileDigests> digests_in(const std::string& output) {
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("files: weights ")) continue;
    std::istringstream words(line);
    FileDigests read;
    std::string name;
    words >> name;
    for (std::string* digest : {&read.weights, &read.calibration, &read.quantized, &read.certificate}) {
      words >> name >> *digest;
      if (digest->ends_with(',')) digest->pop_back();
    }
    if (read.calibration == "none") read.calibration.clear();
    return read;
  }
  return std::nullopt;
}

// Names lead to other files than a moment before: whatever the checker says is not about those that were verified.
Error replaced(const CheckerFiles& files, const std::optional<FileDigests>& read) {
  const auto difference = [&]() -> std::string {
    if (!read) return fmt::format("{}: one of the files is another", files.quantized);
    const auto said = [](const std::string& path, const std::string& mine, const std::string& other) {
      return fmt::format("{}: SHA-256 {} for verify, {} for hallmark-check", path, mine, other);
    };
    const FileDigests& mine = files.verified;
    if (mine.weights != read->weights) return said(files.weights, mine.weights, read->weights);
    if (mine.calibration != read->calibration) return said(files.calibration, mine.calibration, read->calibration);
    if (mine.quantized != read->quantized) return said(files.quantized, mine.quantized, read->quantized);
    return said("the certificate of " + files.quantized, mine.certificate, read->certificate);
  };
  return {Exit::io, error_number::file_changed, "a file was replaced between verify and hallmark-check", difference(),
          "run again when nothing writes to the file"};
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

Expected<CheckerVerdict> run_checker(const std::string& checker, const CheckerFiles& files, std::size_t matrices) {
  std::vector<std::string> arguments{"--weights", files.weights, "--quantized", files.quantized};
  if (!files.certificate.empty()) arguments.insert(arguments.end(), {"--certificate", files.certificate});
  if (!files.calibration.empty()) arguments.insert(arguments.end(), {"--calibration", files.calibration});
  if (!files.rows.empty()) arguments.insert(arguments.end(), {"--rows", files.rows});
  const Expected<ProcessResult> result = run_process(checker, arguments, no_limit);
  if (!result) return result.error();
  const bool finished = result->exit == 0 || result->exit == static_cast<int>(Exit::fallback);
  const std::optional<FileDigests> read = digests_in(result->output);
  if (read ? *read != files.verified : !finished && !files.still_there()) return replaced(files, read);
  if (result->exit == static_cast<int>(Exit::io) && result->output.find("error[E0902]") != std::string::npos)
    return Error{Exit::io, error_number::file_changed, "an input file changed while hallmark-check read it",
                 one_line(result->output), "run again when nothing writes to the file"};
  if (result->exit == static_cast<int>(Exit::mismatch))
    return Error{Exit::mismatch, error_number::checker_rejects, "hallmark-check rejects the files",
                 one_line(result->output), "do not use this file; quantize the weights again"};
  // What hallmark read without complaint and the checker does not: a grid or a version that it does not know.
  if (result->exit == static_cast<int>(Exit::input)) return CheckerVerdict{false, {one_line(result->output)}};
  if (!finished || !read ||
      result->output.find(fmt::format(": accepted: {0} of {0} matrices\n", matrices)) == std::string::npos)
    return Error{Exit::internal, error_number::checker_failed, "hallmark-check gave no verdict",
                 fmt::format("exit code {}: {}", result->exit, one_line(result->output)),
                 "ulimit -s unlimited and more memory, or verify without --checker"};
  CheckerVerdict verdict{true, {}};
  std::istringstream lines(result->output);
  for (std::string line; std::getline(lines, line);)
    if (line.find("NOT JUDGED") != std::string::npos) verdict.not_judged.push_back(line);
  return verdict;
}

}  // namespace hallmark::cli
