// Every error number of src/io is explained to users, once per number in the code.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <regex>
#include <set>

#include "temporary_folder.hpp"

using namespace hallmark;

TEST_CASE("docs/file-format.md lists every error number, and no number has two names") {
  const std::string source = test::read_file("src/io/error_numbers.hpp"), docs = test::read_file("docs/file-format.md");
  const std::regex definition(R"(inline constexpr int (\w+) = (\d+);)");
  std::set<std::string> numbers;
  for (std::sregex_iterator found(source.begin(), source.end(), definition), end; found != end; ++found) {
    const std::string printed = fmt::format("E{:04}", std::stoi((*found)[2]));
    CAPTURE((*found)[1].str());
    CHECK(numbers.insert(printed).second);
    CHECK(docs.find(printed) != std::string::npos);
  }
  CHECK(numbers.size() > 50);
}
