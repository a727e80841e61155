#include "cli/suggest.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace hallmark::cli {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substitution = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substitution});
    }
  }
  return row.back();
}

}  // namespace

std::string command_line(int argc, char** argv) {
  std::string line = "hallmark";
  for (int i = 1; i < argc; ++i) line += std::string(" ") + argv[i];
  return line;
}

std::string nearest_spelling(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = word.size() / 3 + 2;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string usage_hint(const CLI::App& root, int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  std::vector<std::string> known;
  for (const CLI::App* sub : root.get_subcommands([](const CLI::App*) { return true; })) known.push_back(sub->get_name());
  if (words.empty()) return "hallmark --help";
  const auto did_you_mean = [&](const std::string& word, const std::string& see) {
    const std::string guess = nearest_spelling(word, known);
    return guess.empty() ? see : fmt::format("did you mean {}? see {}", guess, see);
  };
  if (std::find(known.begin(), known.end(), words[0]) == known.end()) return did_you_mean(words[0], "hallmark --help");

  const std::string see = fmt::format("hallmark {} --help", words[0]);
  known.clear();
  for (const CLI::Option* option : root.get_subcommand(words[0])->get_options())
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  for (const std::string& word : words) {
    const std::string flag = word.substr(0, word.find('='));
    if (flag.starts_with("--") && std::find(known.begin(), known.end(), flag) == known.end()) return did_you_mean(flag, see);
  }
  return see;
}

}  // namespace hallmark::cli
