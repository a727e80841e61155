// What bash completes and what the manual says is what --help says, command by command.
#include <fmt/format.h>

#include <set>
#include <sstream>
#include <vector>

#include "../io/temporary_folder.hpp"
#include "files.hpp"
#include "shell.hpp"

namespace reference_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

std::string tool(const std::string& command) {
  const Result result = shell(fmt::format("{} {}", HALLMARK_TOOL, command));
  REQUIRE_MESSAGE(result.exit == 0, command << "\n" << result.out);
  return result.out;
}

// The words of the first column below a heading of --help, commas between names apart.
std::vector<std::string> listed(const std::string& help, const std::string& heading) {
  std::vector<std::string> words;
  std::istringstream lines(help.substr(std::min(help.find("\n" + heading + ":\n"), help.size())));
  std::string line;
  std::getline(lines, line), std::getline(lines, line);
  while (std::getline(lines, line) && line.starts_with("  ")) {
    if (line[2] == ' ') continue;  // the second column goes on
    std::istringstream names(line.substr(2, line.find(' ', 2) - 2));
    for (std::string name; std::getline(names, name, ',');) words.push_back(name);
  }
  return words;
}

// Every command that there is, with the words that lead to it.
void collect(const std::string& words, std::vector<std::string>& commands) {
  commands.push_back(words);
  for (const std::string& name : listed(tool(words + " --help"), "Subcommands")) collect(words + " " + name, commands);
}

std::vector<std::string> all_commands() {
  std::vector<std::string> commands;
  collect("", commands);
  return commands;
}

// What bash offers for the last word of the line, by the script.
std::set<std::string> completed(const TemporaryFolder& folder, const std::string& line) {
  const Result result = shell(fmt::format(
      R"(cd {}; bash -c 'source ./script; COMP_WORDS=({}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _hallmark; echo "${{COMPREPLY[@]}}"')",
      folder.path(), line));
  REQUIRE_MESSAGE(result.exit == 0, result.out);
  std::istringstream words(result.out);
  return {std::istream_iterator<std::string>(words), {}};
}

}  // namespace

TEST_CASE("bash completes the commands and the flags that --help lists, and the values of which there are a few") {
  const TemporaryFolder folder;
  shell(fmt::format("{} completion > {}/script", HALLMARK_TOOL, folder.path()));
  const std::vector<std::string> commands = all_commands();
  CHECK(commands.size() > 18);
  for (const std::string& command : commands) {
    CAPTURE(command);
    const std::string help = tool(command + " --help");
    const std::vector<std::string> flags = listed(help, "Options"), below = listed(help, "Subcommands");
    REQUIRE(!flags.empty());
    CHECK(completed(folder, "hallmark" + command + " -") == std::set<std::string>(flags.begin(), flags.end()));
    CHECK(completed(folder, "hallmark" + command + " \"\"") == std::set<std::string>(below.begin(), below.end()));
  }
  using Words = std::set<std::string>;
  CHECK(completed(folder, "hallmark quan") == Words{"quantize"});
  CHECK(completed(folder, "hallmark quantize --device \"\"") == Words{"cpu", "cuda"});
  CHECK(completed(folder, "hallmark quantize --device cu") == Words{"cuda"});
  CHECK(completed(folder, "hallmark quantize --weights verify --holdo") == Words{"--holdout"});  // a file, no command
  CHECK(completed(folder, "hallmark quantize --weights fi").empty());                            // names of files
}

namespace {

// A minus sign of troff's, and no hyphen that lines may be broken at.
std::string with_minus(std::string text) {
  for (std::size_t at = 0; (at = text.find('-', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

}  // namespace

TEST_CASE("the manual has every command, flag and description, and troff finds nothing wrong") {
  const TemporaryFolder folder;
  const std::string page = tool("manual");
  CHECK(page.find("\n.SH \"hallmark witness append\"\n") != std::string::npos);
  for (const std::string& command : all_commands()) {
    const std::size_t begin =
        page.find(command.empty() ? ".SH OPTIONS\n" : ".SH \"hallmark" + with_minus(command) + "\"\n");
    REQUIRE(begin != std::string::npos);
    const std::string section = page.substr(begin, page.find("\n.SH ", begin) - begin);
    for (const std::string& flag : listed(tool(command + " --help"), "Options")) {
      CAPTURE(flag);
      CHECK(section.find(with_minus(flag)) != std::string::npos);
    }
  }
  CHECK(page.find("7 verification mismatch") != std::string::npos);
  write_file(folder / "page", page);
  const Result set =
      shell(fmt::format("command -v groff > /dev/null || exit 0; groff -man -ww -z -Tascii {}", folder / "page"));
  CHECK(set.out == "");
}

}  // namespace reference_test
