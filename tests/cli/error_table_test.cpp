// docs/errors.md and the source name the same error numbers.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <re2/re2.h>

namespace error_table_test {

namespace fs = std::filesystem;

namespace {

std::string read(const fs::path& path) {
  std::ifstream stream(path);
  REQUIRE_MESSAGE(stream, path.string());
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Of each match the whole and its groups.
std::vector<std::vector<std::string>> matches(const std::string& text, const std::string& expression) {
  const RE2 pattern(expression);
  REQUIRE_MESSAGE(pattern.ok(), pattern.error());
  std::vector<re2::StringPiece> groups(static_cast<std::size_t>(pattern.NumberOfCapturingGroups()) + 1);
  std::vector<std::vector<std::string>> found;
  for (std::size_t at = 0;
       pattern.Match(text, at, text.size(), RE2::UNANCHORED, groups.data(), static_cast<int>(groups.size()));
       at = static_cast<std::size_t>(groups[0].end() - text.data())) {
    found.emplace_back();
    for (const re2::StringPiece& group : groups) found.back().push_back(group.as_string());
  }
  return found;
}

/// number -> the exit code that the table gives it
std::map<int, int> table() {
  const std::string text = read("docs/errors.md");
  std::map<int, int> rows;
  int last = 0;
  for (const auto& row : matches(text, R"(\n\| E(\d{4}) \| (\d+) \| [^\n|]+ \|)")) {
    const int number = std::stoi(row[1]);
    CHECK_MESSAGE(number > last, "the table is sorted and has every number once: " << number);
    last = number;
    rows[number] = std::stoi(row[2]);
  }
  return rows;
}

const std::string header = "src/base/error_numbers.hpp";

struct Source {
  std::map<int, std::string> used;       // number -> a file that prints it
  std::map<int, std::string> mentioned;  // number -> a file that speaks of it, E0123
};

/// A number where an Error takes a name: behind an exit code, also in a choice between two; before a text, as the
/// helpers that make an Error take it; or assigned to the member.
std::vector<std::string> raw_numbers(const std::string& text) {
  std::vector<std::string> found;
  for (const char* expression :
       {R"(Exit::\w+,\s*[^,"{}]*\b\d{3,4}\b)",
        R"([({,]\s*\d{3,4}\s*,\s*("|\w*_text\b|(fmt::|std::)?(format|move|string|to_string)\b))",
        R"(\bnumber\s*(=|\{)\s*\d+)"})
    for (const auto& m : matches(text, expression)) found.push_back(m[0]);
  return found;
}

Source source() {
  Source found;
  std::map<std::string, int> named;
  std::set<int> numbers;
  const std::string constants = read(header);
  for (const auto& m : matches(constants, R"(inline constexpr int (\w+) = (\d+);  *///< )")) {
    const int number = std::stoi(m[2]);
    CHECK_MESSAGE(named.emplace(m[1], number).second, "one name, two numbers: " << m[1]);
    CHECK_MESSAGE(numbers.insert(number).second, "one number, two names: " << number);
    found.used[number] = header;
  }
  CHECK_MESSAGE(named.size() == matches(constants, "constexpr").size(), "one line and one comment for every number");

  std::set<std::string> taken;
  for (const char* folder : {"src", "contracts/runtime", "trainer", "python", "extract"})
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
      const std::string path = entry.path().string(), end = entry.path().extension().string();
      if (!std::set<std::string>{".cpp", ".hpp", ".cu", ".cuh", ".ml"}.contains(end) || path == header) continue;
      const std::string text = read(path);
      for (const auto& m : matches(text, R"(\bE([01]\d{3})\b)")) found.mentioned[std::stoi(m[1])] = path;
      if (end == ".ml") {
        for (const auto& m : matches(text, R"(\b(?:error|refuse|malformed|fail) (\d{3,4})\b)"))
          found.used[std::stoi(m[1])] = path;
        continue;
      }
      for (const std::string& raw : raw_numbers(text))
        CHECK_MESSAGE(false, path << " has a number without a name: " << raw << "; give it one in " << header);
      const bool qualified = text.find("using namespace error_number;") == std::string::npos;
      for (const auto& m : matches(text, qualified ? R"(\berror_number::(\w+))" : R"(\b([a-z]\w+))"))
        taken.insert(m[1]);
    }
  for (const auto& name : named)  // clang 14 captures no structured binding, and doctest's messages capture
    CHECK_MESSAGE(taken.contains(name.first), "no code uses the error number " << name.first);
  return found;
}

}  // namespace

TEST_CASE("a number without a name is seen") {
  for (const char* raw :
       {R"(Error{Exit::input, 322, "what")", "{Exit::io,\n   full ? 905 : 904, what", R"(fail(301, "what")",
        "malformed(path, 307, fmt::format(", "error.number = 100;", "int number = 100;"})
    CHECK_MESSAGE(!raw_numbers(raw).empty(), raw);
  for (const char* named : {R"(Error{Exit::input, error_number::not_finite, "what 350, ")", "return Exit::ok;"})
    CHECK_MESSAGE(raw_numbers(named).empty(), named);
}

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
    for (const auto& m : matches(text, R"(\bE([01]\d{3})\b)")) {
      ++mentions;
      CHECK_MESSAGE(listed.contains(std::stoi(m[1])), m[0] << " in " << entry.path().string());
    }
  }
  CHECK(mentions > 100);
}

TEST_CASE("an error exits with the class of its number, wherever it is made") {
  const std::string constants = read(header);
  std::map<std::string, int> number,
      exit{{"internal", 1}, {"usage", 2},    {"input", 3}, {"infeasible", 4}, {"numeric", 5},
           {"contract", 6}, {"mismatch", 7}, {"io", 9},    {"memory", 10},    {"unavailable", 13}};
  for (const auto& m : matches(constants, R"(inline constexpr int (\w+) = (\d+);)")) number[m[1]] = std::stoi(m[2]);
  std::size_t pairs = 0;
  for (const char* folder : {"src", "contracts/runtime", "trainer", "python"})
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
      if (!std::set<std::string>{".cpp", ".hpp", ".cu"}.contains(entry.path().extension().string())) continue;
      const std::string text = read(entry.path());
      for (const auto& m : matches(text, R"(Exit::(\w+),\s*(?:\w+::)*(\w+))")) {
        if (!number.contains(m[2])) continue;
        ++pairs;
        const int hundreds = number.at(m[2]) / 100;
        CHECK_MESSAGE((exit.at(m[1]) == hundreds || number.at(m[2]) == 1302), entry.path().string() << ": " << m[0]);
      }
    }
  CHECK(pairs > 100);
}

}  // namespace error_table_test
