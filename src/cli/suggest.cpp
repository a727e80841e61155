#include "cli/suggest.hpp"

#include <algorithm>
#include <numeric>

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

std::string usage_hint(const CLI::App& root, std::string_view message) {
  const CLI::App* app = &root;
  std::string path = "hallmark";
  if (const auto chosen = root.get_subcommands(); !chosen.empty()) {
    app = chosen.front();
    path += " " + app->get_name();
  }
  std::vector<std::string> known;
  for (const CLI::App* sub : app->get_subcommands([](const CLI::App*) { return true; })) known.push_back(sub->get_name());
  for (const CLI::Option* option : app->get_options())
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);

  std::string hint = path + " --help";
  // CLI11 ends its message about extra arguments with the words themselves.
  const std::string_view marker = "not expected: ";
  if (const auto at = message.find(marker); at != std::string_view::npos) {
    std::string_view word = message.substr(at + marker.size());
    word = word.substr(0, word.find_first_of(" ="));
    const std::string guess = nearest_spelling(word, known);
    if (!guess.empty()) hint = "did you mean " + guess + "? see " + hint;
  }
  return hint;
}

}  // namespace hallmark::cli
