// docs/errors.md and the source name the same error numbers.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

std::string read(const fs::path& path) {
  std::ifstream stream(path);
  REQUIRE_MESSAGE(stream, path.string());
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<std::smatch> matches(const std::string& text, const std::string& expression) {
  const std::regex regex(expression);
  return {std::sregex_iterator(text.begin(), text.end(), regex), std::sregex_iterator()};
}

/// number -> the exit code that the table gives it
std::map<int, int> table() {
  const std::string text = read("docs/errors.md");
  std::map<int, int> rows;
  int last = 0;
  for (const std::smatch& row : matches(text, R"(\n\| E(\d{4}) \| (\d+) \| [^\n|]+ \|)")) {
    const int number = std::stoi(row[1]);
    CHECK_MESSAGE(number > last, "the table is sorted and has every number once: " << number);
    last = number;
    rows[number] = std::stoi(row[2]);
  }
  return rows;
}

struct Source {
  std::map<int, std::string> used;       // number -> a file that prints it
  std::map<int, std::string> mentioned;  // number -> a file that speaks of it, E0123
  std::map<std::string, int> named;      // names of error_numbers.hpp
};

Source source() {
  Source found;
  std::set<int> numbers;
  std::string everything;
  for (const char* folder : {"src", "contracts/runtime", "trainer", "extract"})
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
      const std::string path = entry.path().string(), end = entry.path().extension().string();
      if (!std::set<std::string>{".cpp", ".hpp", ".cu", ".cuh", ".ml"}.contains(end)) continue;
      const std::string text = read(path);
      for (const std::smatch& m : matches(text, R"(\bE([01]\d{3})\b)")) found.mentioned[std::stoi(m[1])] = path;
      if (end == ".ml") {
        for (const std::smatch& m : matches(text, R"(\berror (\d{3,4}) \d+ )")) found.used[std::stoi(m[1])] = path;
        continue;
      }
      if (entry.path().filename() == "error_numbers.hpp") {
        for (const std::smatch& m : matches(text, R"(inline constexpr int (\w+) = (\d+);)")) {
          const int number = std::stoi(m[2]);
          CHECK_MESSAGE(found.named.emplace(m[1], number).second, "one name, two numbers: " << m[1]);
          CHECK_MESSAGE(numbers.insert(number).second, "one number, two names: " << number);
          found.used[number] = path;
        }
        continue;
      }
      everything += text;
      // Error{Exit::input, 350, ...}, also behind a choice between two numbers
      for (const std::smatch& m : matches(text, R"(Exit::\w+,\s*([^,"{}]*),)")) {
        const std::string argument = m[1];  // outlives its matches
        for (const std::smatch& n : matches(argument, R"(\b\d{3,4}\b)")) found.used[std::stoi(n[0])] = path;
      }
    }
  for (const auto& named : found.named)  // clang 14 captures no structured binding, and doctest's messages capture
    CHECK_MESSAGE(everything.find(named.first) != std::string::npos, "no code uses the error number " << named.first);
  return found;
}

}  // namespace

TEST_CASE("docs/errors.md lists every error number of the source and no other") {
  const std::map<int, int> listed = table();
  const Source found = source();
  CHECK(found.used.size() > 100);  // a pattern that no longer matches must not pass
  CHECK(listed.size() > 100);
  for (const auto& used : found.used)
    CHECK_MESSAGE(listed.contains(used.first), used.first << " of " << used.second << " is not listed");
  for (const auto& mentioned : found.mentioned)
    CHECK_MESSAGE(listed.contains(mentioned.first),
                  mentioned.first << ", which " << mentioned.second << " speaks of, is not listed");
  for (const auto& line : listed) {
    const int number = line.first, exit = line.second;
    CHECK_MESSAGE(found.used.contains(number), number << " is listed and nothing prints it");
    CHECK_MESSAGE(exit == (number == 1302 ? 10 : number / 100), number << " exits with the class of its hundreds");
  }
}

TEST_CASE("every page speaks only of numbers that exist") {
  const std::map<int, int> listed = table();
  std::size_t mentions = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator("docs")) {
    if (entry.path().extension() != ".md") continue;
    const std::string text = read(entry.path());
    for (const std::smatch& m : matches(text, R"(\bE([01]\d{3})\b)")) {
      ++mentions;
      CHECK_MESSAGE(listed.contains(std::stoi(m[1])), m[0] << " in " << entry.path().string());
    }
  }
  CHECK(mentions > 100);
}
