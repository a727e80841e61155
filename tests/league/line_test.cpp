#include "league/line.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "../io/temporary_folder.hpp"
#include "ledger/ledger.hpp"
#include "synthetic.hpp"

namespace line_test {

using namespace hallmark;
using hallmark::test::line_of;
using hallmark::test::read_file;
using hallmark::test::write_file;

namespace {

std::vector<std::string> bodies_of(const std::vector<LeagueLine>& lines) {
  std::vector<std::string> bodies;
  for (const LeagueLine& line : lines) bodies.push_back(league_line(line).value());
  return bodies;
}

Expected<std::vector<LeagueLine>> read_back(const std::string& path) {
  const auto entries = read_ledger(path, LedgerForm::json_lines);
  if (!entries) return entries.error();
  return league_lines(*entries, path);
}

}  // namespace

TEST_CASE("a line is read back to the bit") {
  LeagueLine line = line_of("gptq", "4", 47, 0.1 + 0.2);
  line.embedding = "int8/2";
  line.contracts = "on";
  line.contracts_held = {{"guard_row", 12}};
  line.guard_rows = 3;
  const std::string text = league_line(line).value();
  CHECK(text.find('\n') == text.npos);
  const LeagueLine again = parse_league_line(text, "here").value();
  CHECK(league_line(again).value() == text);
  CHECK(again.damage == line.damage);
  CHECK(again.embedding == "int8/2");
  CHECK(again.contracts_held.at("guard_row") == 12);
  CHECK(again.options == line.options);
  CHECK(again.codes_digest == "gptq47");
}

TEST_CASE("a line whose numbers contradict each other is none") {
  const auto refused = [](const std::function<void(LeagueLine&)>& change) {
    LeagueLine line = line_of("gptq", "4", 47, 0.25);
    change(line);
    const auto parsed = parse_league_line(league_line(line).value(), "here");
    return !parsed && parsed.error().number == 373;
  };
  CHECK_FALSE(refused([](LeagueLine&) {}));
  CHECK(refused([](LeagueLine& l) { l.damage += 0.01; }));
  CHECK(refused([](LeagueLine& l) { l.mean_relative_loss = 0.5001; }));
  CHECK(refused([](LeagueLine& l) { l.relative_loss["other"] = 1; }));
  CHECK(refused([](LeagueLine& l) { l.loss["a.weight"] = -1; }));
  CHECK(refused([](LeagueLine& l) { l.lines = 0; }));
  CHECK(refused([](LeagueLine& l) { l.stored_bits = 0; }));
  CHECK(parse_league_line("[]", "here").error().number == 373);
  std::string text = league_line(line_of("gptq", "4", 47, 0.25)).value();
  text.replace(text.find("\"gram\""), 6, "\"grim\"");
  CHECK(parse_league_line(text, "here").error().number == 373);
}

TEST_CASE("the geometric mean") {
  CHECK(geometric_mean({{"a", 4}, {"b", 1}, {"c", 0.25}}) == doctest::Approx(1).epsilon(1e-15));
  CHECK(geometric_mean({{"a", 2}, {"b", 8}}) == doctest::Approx(4).epsilon(1e-15));
  CHECK(geometric_mean({{"a", 1}, {"b", 1}}) == 1);
  CHECK(geometric_mean({{"a", 0}, {"b", 1}}) == 0);
}

TEST_CASE("a changed byte of the ledger is refused, and so is a run that contradicts itself") {
  const hallmark::test::TemporaryFolder folder;
  const std::string path = folder / "league.jsonl";
  std::vector<LeagueLine> run;
  test::add(run, "rtn", "4", {0.5, 0.25, 0.125});
  REQUIRE(append_to_ledger(path, LedgerForm::json_lines, bodies_of(run)));
  REQUIRE(read_back(path).value().size() == 3);

  const std::string whole = read_file(path);
  // The first two lines are held by the chain: no byte of theirs can change.
  const std::size_t held = whole.find('\n', whole.find('\n') + 1);
  for (std::size_t at = 0; at < held; at += 37) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    write_file(path, bad);
    CAPTURE(at);
    CHECK_FALSE(read_back(path));
  }

  const auto number = [&](const std::function<void(std::vector<LeagueLine>&)>& change) {
    std::vector<LeagueLine> changed = run;
    change(changed);
    std::vector<LedgerEntry> entries;
    for (const std::string& body : bodies_of(changed)) entries.push_back({body, entries.size() + 1});
    const auto lines = league_lines(entries, "here");
    return lines ? 0 : lines.error().number;
  };
  CHECK(number([](auto&) {}) == 0);
  CHECK(number([](auto& lines) { lines.push_back(lines[0]); }) == 375);
  CHECK(number([](auto& lines) { lines[2].text_digest = "other"; }) == 376);
  CHECK(number([](auto& lines) { lines[2].git_sha = "other"; }) == 376);
  CHECK(number([](auto& lines) { lines[2].lines = 4; }) == 376);
  CHECK(number([](auto& lines) { lines[2].eval_bytes = 4; }) == 376);
  const auto twice = [&](auto change) {
    return number([&](auto& lines) {
      lines.push_back(line_of("gptq", "4", 47, 0.25));
      lines.back().lines = 3;
      change(lines.back());
    });
  };
  CHECK(twice([](LeagueLine&) {}) == 0);
  CHECK(twice([](LeagueLine& line) { line.gram_digest = "other"; }) == 376);
  CHECK(twice([](LeagueLine& line) { line.checkpoint_digest = "other"; }) == 376);
}

TEST_CASE("the last whole run is reported, or what met every checkpoint in an unfinished one") {
  std::vector<LeagueLine> first, second;
  test::add(first, "rtn", "4", {0.5, 0.25, 0.125});
  second = first;
  for (LeagueLine& line : second) line.run = "second";
  std::vector<LeagueLine> both = first;
  both.insert(both.end(), second.begin(), second.end());
  CHECK(run_to_report(both, "here").value().front().run == "second");
  both.pop_back();
  CHECK(run_to_report(both, "here").value().front().run == "run");
  CHECK(last_run(both).size() == 2);

  test::add(first, "gptq", "4", {0.5, 0.25, 0.125});
  first.pop_back();
  const auto unfinished = run_to_report(first, "here").value();
  REQUIRE(unfinished.size() == 3);
  for (const LeagueLine& line : unfinished) CHECK(line.entry == "rtn");
  CHECK(run_to_report({}, "here").error().number == 377);
  CHECK(last_run({}).empty());
}

}  // namespace line_test
