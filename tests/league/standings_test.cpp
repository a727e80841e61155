#include "league/standings.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "../io/temporary_folder.hpp"
#include "league/plot.hpp"
#include "league/report.hpp"
#include "ledger/ledger.hpp"
#include "synthetic.hpp"

namespace standings_test {

using namespace hallmark;
using hallmark::test::add;

namespace {

// Damages are dyadic, so that bits per byte of 2 + damage give them back exactly.
std::vector<LeagueLine> example() {
  std::vector<LeagueLine> run;
  add(run, "rtn", "4", {0.5, 0.75, 1});
  add(run, "gptq", "4", {0.25, 0.5, 0.25});
  add(run, "descent", "4", {0.125, 0.375, 0.1875});
  add(run, "noise", "4", {0, 1, 0.015625});
  return run;
}

const Standing& of(const std::vector<Standing>& all, std::string_view entry) {
  for (const Standing& one : all)
    if (one.entry == entry) return one;
  FAIL("no such entry");
  return all.front();
}

}  // namespace

TEST_CASE("ranks, fractions and verdicts are those worked out by hand") {
  const auto all = standings(example()).value();
  REQUIRE(all.size() == 4);
  CHECK(all[0].entry == "descent");  // 0.6875 / 3
  CHECK(all[1].entry == "gptq");     // 1 / 3
  CHECK(all[2].entry == "noise");    // 1.015625 / 3
  CHECK(all[3].entry == "rtn");      // 2.25 / 3
  const Standing& descent = all[0];
  CHECK(descent.mean_damage == doctest::Approx(0.6875 / 3).epsilon(1e-15));
  CHECK(*descent.of_plain == doctest::Approx(0.6875).epsilon(1e-15));
  CHECK(descent.relative_loss == doctest::Approx(0.5).epsilon(1e-15));
  CHECK(descent.embedding_loss == 1);

  // gptq - descent: 1/8, 1/8, 1/16. Mean 5/48; sum of squares about it (1/48)^2 (1 + 1 + 4) = 6/48^2;
  // 9 mean^2 = 225/48^2 > 6/48^2: shown. t = mean / sqrt(ss / 6) = 5.
  REQUIRE(descent.against_plain);
  CHECK(descent.against_plain->other == "gptq");
  CHECK(descent.against_plain->better);
  CHECK(descent.against_plain->test.significant);
  CHECK(*descent.against_plain->test.t == doctest::Approx(5).epsilon(1e-12));
  CHECK(*descent.against_plain->test.p == doctest::Approx(0.5 - 5 / (2 * std::sqrt(27.0))).epsilon(1e-9));
  CHECK(verdict_of(*descent.against_plain) == "shown (p = 0.019)");
  CHECK_FALSE(descent.against_next);  // nobody is before it

  // noise - gptq: -1/4, 1/2, -15/64. Mean 1/192; 9 mean^2 is far below the sum of squares: not shown.
  const Standing& noise = of(all, "noise");
  CHECK_FALSE(noise.against_plain->better);
  CHECK_FALSE(noise.against_plain->test.significant);
  CHECK(verdict_of(*noise.against_plain).starts_with("not shown"));
  CHECK(noise.against_next->other == "gptq");
  CHECK(of(all, "rtn").against_next->other == "noise");
  CHECK_FALSE(of(all, "gptq").against_plain);
  CHECK(of(all, "gptq").against_next->other == "descent");
  CHECK_FALSE(of(all, "gptq").against_next->better);
}

TEST_CASE("equal differences show nothing") {
  std::vector<LeagueLine> run;
  add(run, "gptq", "4", {0.5, 0.25, 0.125});
  add(run, "other", "4", {0.375, 0.125, 0});
  const auto all = standings(run).value();
  CHECK(verdict_of(*all[0].against_plain) == "not shown (all differences are equal)");
  CHECK_FALSE(all[0].against_plain->test.significant);
}

TEST_CASE("two checkpoints make no claim, and the page says so") {
  std::vector<LeagueLine> run = example();
  std::erase_if(run, [](const LeagueLine& line) { return line.seed == 89; });
  for (LeagueLine& line : run) line.lines = 8;
  const auto all = standings(run).value();
  for (const Standing& one : all) CHECK_FALSE((one.against_plain || one.against_next));

  const hallmark::test::TemporaryFolder folder;
  std::vector<std::string> bodies;
  for (const LeagueLine& line : run) bodies.push_back(league_line(line).value());
  REQUIRE(append_to_ledger(folder / "l.jsonl", LedgerForm::json_lines, bodies));
  REQUIRE(write_league_report(folder / "l.jsonl", folder / "l.md"));
  const std::string page = hallmark::test::read_file(folder / "l.md");
  CHECK(page.find("**No claim is made.** This run has 2 checkpoints") != page.npos);
  CHECK(page.find("hown (p") == page.npos);
  CHECK(page.find("| no claim |") != page.npos);
}

TEST_CASE("entries that met other checkpoints are not compared") {
  std::vector<LeagueLine> run = example();
  run.pop_back();
  CHECK(standings(run).error().number == 376);
}

TEST_CASE("an embedding of its own stands apart, beside the entry with the same options") {
  std::vector<LeagueLine> run = example();
  add(run, "gptq, embedding", "4", {0.125, 0.375, 0.25});
  for (std::size_t k = run.size() - 3; k < run.size(); ++k) {
    run[k].embedding = "int8/2";
    run[k].options = {{"method", "gptq"}};
  }
  const auto all = standings(run).value();
  REQUIRE(all.size() == 5);
  CHECK(all[4].entry == "gptq, embedding");
  CHECK(all[4].against_next->other == "gptq");
  CHECK(all[4].against_next->better);
  CHECK(places_of(all) == std::vector<std::string>{"4.1", "4.2", "4.3", "4.4", "4.e1"});
  CHECK(all[3].against_next->other == "noise");  // it is in nobody's way
}

TEST_CASE("the page is made of the ledger alone, and a changed ledger makes none") {
  const hallmark::test::TemporaryFolder folder;
  const std::string ledger = folder / "l.jsonl", page = folder / "l.md";
  CHECK(write_league_report(ledger, page).error().number == 377);
  std::vector<std::string> bodies;
  for (const LeagueLine& line : example()) bodies.push_back(league_line(line).value());
  REQUIRE(append_to_ledger(ledger, LedgerForm::json_lines, bodies));
  REQUIRE(write_league_report(ledger, page));
  const std::string text = hallmark::test::read_file(page), picture = hallmark::test::read_file(folder / "l.svg");
  CHECK(text.find("| 4.1 | descent | 4.250 | 3.750 | 0.5000 | 0.125 | 0.375 | 0.188 | 0.229 | 0.688 | better, shown (p "
                  "= 0.019) |  |") != text.npos);
  CHECK(text.find("**No claim is made.**") == text.npos);
  CHECK(text.find("](l.svg)") != text.npos);
  CHECK(picture.find(">4.1</text>") != picture.npos);
  REQUIRE(write_league_report(ledger, page));
  CHECK(hallmark::test::read_file(page) == text);
  std::string bad = hallmark::test::read_file(ledger);
  bad[bad.find("\"damage\":0.5") + 9] = '7';
  hallmark::test::write_file(ledger, bad);
  CHECK_FALSE(write_league_report(ledger, page));
  CHECK(hallmark::test::read_file(page) == text);
}

}  // namespace standings_test
