#include "base/error_numbers.hpp"
#include "cli/suggest.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace hallmark::cli {
std::string command_line(int argc, char** argv) {
  std::string line = "hallmark";
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool plain = !word.empty() && word.find_first_of(" \t\n'\"") == std::string_view::npos;
    line += plain ? fmt::format(" {}", word) : fmt::format(" '{}'", word);
  }
  return line;
}

Error usage_error(const CLI::App& root, const std::string& what, int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto any = [](const CLI::App*) { return true; };
  const CLI::App* app = &root;
  std::string name = "hallmark";
  std::size_t at = 0;
  for (; at < words.size(); ++at) {  // down to the innermost command that was named
    const auto commands = app->get_subcommands(any);
    const auto next = std::find_if(commands.begin(), commands.end(),
                                   [&](const CLI::App* sub) { return sub->get_name() == words[at]; });
    if (next == commands.end()) break;
    app = *next;
    name += " " + words[at];
  }

  Error error{Exit::usage, error_number::command_line, what, command_line(argc, argv), name + " --help"};
  std::vector<std::string> known;
  const auto did_you_mean = [&](const std::string& word) {
    const std::string guess = nearest_spelling(word, known);
    if (!guess.empty()) error.hint = fmt::format("did you mean {}? see {}", guess, error.hint);
  };
  for (const CLI::App* command : app->get_subcommands(any)) known.push_back(command->get_name());
  if (!known.empty() && (at == words.size() || !words[at].starts_with("-"))) {
    const bool none = at == words.size() || words[at].empty();
    error.what =
        none ? fmt::format("'{}' needs a command", name) : fmt::format("unknown command '{} {}'", name, words[at]);
    if (!none) did_you_mean(words[at]);
    return error;
  }
  known.clear();
  for (const CLI::Option* option : app->get_options())
    for (const std::string& flag : option->get_lnames()) known.push_back("--" + flag);
  for (; at < words.size(); ++at) {
    const std::string flag = words[at].substr(0, words[at].find('='));
    if (!flag.starts_with("--") || std::find(known.begin(), known.end(), flag) != known.end()) continue;
    did_you_mean(flag);
    break;
  }
  return error;
}

Status check_words(const CLI::App& root, int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (!word.empty() && !(word.starts_with("--") && word.find('=') == word.size() - 1)) continue;
    const std::string what = word.empty() ? "an empty argument" : fmt::format("{} without a value", word);
    Error error = usage_error(root, what, argc, argv);  // which may find that a command is missing
    if (error.what == what) error.hint = "give it a value, or leave it out";
    return error;
  }
  return ok();
}

}  // namespace hallmark::cli
