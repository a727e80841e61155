// hallmark learn-tables: a configuration that quantize takes, under which every matrix that learned loses less.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "../io/temporary_folder.hpp"
#include "check_error.hpp"
#include "files.hpp"
#include "shell.hpp"

namespace learn_tables_test {

using namespace hallmark;
using hallmark::test::check_error;
using hallmark::test::read_file;
using hallmark::test::Result;
using hallmark::test::shell;
using hallmark::test::write_file;
using hallmark::test::write_tensors;

namespace {

struct Workspace {
  test::TemporaryFolder folder;
  Workspace() {
    write_tensors(folder / "w", {{"a.weight", DType::F32, {24, 48}}, {"b", DType::F32, {16, 32}}});
    write_tensors(folder / "c",
                  {{"a.weight.activations", DType::F32, {90, 48}}, {"b.activations", DType::F32, {90, 32}}});
  }
  Result run(const std::string& command) const {
    return shell(fmt::format("cd {}; {} {}", folder.path(), HALLMARK_TOOL, command));
  }
  Result learn(const std::string& rules, const std::string& more = "") const {
    write_file(folder / "start.json", rules);
    return run("learn-tables --weights w --calibration c --config start.json -o learned.json --overwrite " + more);
  }
  // The losses of the run's report, by matrix.
  std::map<std::string, double> losses(const std::string& config) const {
    const Result done =
        run(fmt::format("quantize --weights w --calibration c --config {} -o q --overwrite --report r.jsonl", config));
    REQUIRE_MESSAGE(done.exit == 0, done.out);
    std::map<std::string, double> found;
    std::istringstream lines(read_file(folder / "r.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      const auto json = nlohmann::json::parse(line);
      found[json.at("name")] = json.at("loss");
    }
    return found;
  }
};

constexpr const char* start =
    R"({"rules": [{"match": "", "grid": "table:-127,-10,10,127", "rotation": "hadamard:16", "method": "descent"}]})";

}  // namespace

TEST_CASE("every matrix learns a table, which quantize takes, verify confirms and the losses show") {
  const Workspace work;
  const Result learned = work.learn(start);
  REQUIRE_MESSAGE(learned.exit == 0, learned.out);
  CHECK(learned.out.find("a.weight: ") != std::string::npos);
  const auto rules = nlohmann::json::parse(read_file(work.folder / "learned.json")).at("rules");
  REQUIRE(rules.size() == 3);
  CHECK_FALSE(rules[0].contains("grid"));  // which no matrix has any more
  CHECK(rules[0].at("method") == "descent");
  CHECK(rules[1].at("match") == "^a\\.weight$");
  CHECK(rules[1].at("grid").get<std::string>().starts_with("table:"));
  const auto before = work.losses("start.json"), after = work.losses("learned.json");
  REQUIRE(after.size() == 2);
  for (const auto& [name, loss] : after) CHECK(loss < before.at(name));
  const Result verified = work.run("verify q --weights w --calibration c --exact");
  CHECK_MESSAGE(verified.exit == 0, verified.out);
  const std::string once = read_file(work.folder / "learned.json");
  REQUIRE(work.learn(start, "--threads 1").exit == 0);
  CHECK(read_file(work.folder / "learned.json") == once);
}

TEST_CASE("a matrix that keeps its grid is named with the reason, and keeps its rule") {
  const Workspace work;
  const Result learned = work.learn(
      R"({"rules": [{"match": "", "grid": "table:-127,-10,10,127", "method": "descent"}, {"match": "^b$", "grid": "int4"}]})");
  REQUIRE_MESSAGE(learned.exit == 0, learned.out);
  CHECK(learned.out.find("keeps its grid: b: int4 is no table of points") != std::string::npos);
  const auto rules = nlohmann::json::parse(read_file(work.folder / "learned.json")).at("rules");
  REQUIRE(rules.size() == 3);
  CHECK(rules[1].at("grid") == "int4");
  CHECK(work.losses("learned.json").size() == 2);
}

TEST_CASE("where nothing is learned nothing is written") {
  const Workspace work;
  check_error(work.learn(R"({"rules": [{"match": "", "grid": "int4"}]})"), 4, "E0448");
  CHECK_FALSE(std::filesystem::exists(work.folder / "learned.json"));
  check_error(work.learn(start, "--rounds 0"), 2, "E0201");
  write_file(work.folder / "there.json", "{}");
  check_error(work.run("learn-tables --weights w --calibration c --config start.json -o there.json"), 4, "E0410");
}

}  // namespace learn_tables_test
