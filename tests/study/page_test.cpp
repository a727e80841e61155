// Pages from lines alone: what three checkpoints show, what fewer claim, and that the shipped pages are those of the
// shipped ledger.
#include "study/report.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <set>

#include "../io/temporary_folder.hpp"
#include "study/dots.hpp"
#include "study/run.hpp"

namespace page_test {

using namespace hallmark;
using hallmark::test::read_file;

namespace {

StudyLine line_of(const std::string& arm, std::uint64_t seed, Figures figures) {
  StudyLine line;
  line.run = "run";
  line.study = "damage";
  line.arm = arm;
  line.seed = seed;
  line.git_sha = "0123456789abcdef";
  line.timestamp = "2026-01-31T12:00:00Z";
  line.bpb_float = 2;
  line.eval_bytes = 8192;
  line.figures = std::move(figures);
  line.checkpoint_digest = "checkpoint" + std::to_string(seed);
  line.text_digest = "text";
  line.codes_digest = "codes";
  return line;
}

// Plain and floored GPTQ at 6 bits; one of two tensors makes nearly all the damage.
std::vector<StudyLine> example(const std::vector<std::uint64_t>& seeds) {
  std::vector<StudyLine> run;
  double more = 0;
  for (const std::uint64_t seed : seeds) {
    more += 0.001;
    for (const bool floored : {false, true}) {
      const double damage = floored ? 3 + more : 0.03 + more * more;
      run.push_back(line_of(floored ? "int6 gptq, floored" : "int6 gptq", seed,
                            {{"damage", damage},
                             {"chance", damage / 6},
                             {"alone/a.weight", 0.001},
                             {"alone/tok_emb.weight", 0.02},
                             {"biased/a.weight", floored ? 0.9 : 0.1},
                             {"biased/tok_emb.weight", floored ? 1.0 : 0.0},
                             {"bias/a.weight", floored ? -0.5 : 0.0},
                             {"bias/tok_emb.weight", floored ? -0.5 : 0.0}}));
    }
  }
  for (StudyLine& line : run) line.lines = static_cast<std::int64_t>(run.size());
  return run;
}

std::vector<std::string> bodies_of(const std::vector<StudyLine>& lines) {
  std::vector<std::string> bodies;
  for (const StudyLine& line : lines) bodies.push_back(study_line(line).value());
  return bodies;
}

std::string page_of(const hallmark::test::TemporaryFolder& folder, const std::vector<StudyLine>& lines) {
  const std::string ledger = folder / "l.jsonl", page = folder / "l.md";
  std::filesystem::remove(ledger);
  REQUIRE(append_to_ledger(ledger, LedgerForm::json_lines, bodies_of(lines)));
  REQUIRE(write_study_page(ledger, "damage", page));
  return read_file(page);
}

bool contains(const std::string& text, const std::string& part) {
  CAPTURE(text);
  return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE("a line is read back to the bit, and refused where a key is missing or wrong") {
  StudyLine line = line_of("int6 gptq", 47, {{"damage", 0.1 + 0.2}});
  line.lines = 1;
  const std::string text = study_line(line).value();
  CHECK(study_line(parse_study_line(text, "here").value()).value() == text);
  for (const char* key : {"run", "lines", "arm", "seed", "figures", "digests", "contracts_held"}) {
    CAPTURE(key);
    std::string broken = text;
    broken.replace(broken.find(key), 1, "x");
    CHECK(parse_study_line(broken, "here").error().number == 373);
  }
  line.lines = 0;
  CHECK(parse_study_line(study_line(line).value(), "here").error().number == 373);
  line.figures["damage"] = std::numeric_limits<double>::infinity();
  CHECK(study_line(line).error().number == 122);
}

TEST_CASE("lines of one run agree in what they share") {
  const auto number = [](auto change) {
    const hallmark::test::TemporaryFolder folder;
    auto lines = example({47, 89, 144});
    change(lines);
    REQUIRE(append_to_ledger(folder / "l.jsonl", LedgerForm::json_lines, bodies_of(lines)));
    const Status written = write_study_page(folder / "l.jsonl", "damage", folder / "l.md");
    return written ? 0 : written.error().number;
  };
  CHECK(number([](auto&) {}) == 0);
  CHECK(number([](auto& lines) { lines[1] = lines[0]; }) == 375);
  CHECK(number([](auto& lines) { lines[1].eval_bytes = 1024; }) == 376);
  CHECK(number([](auto& lines) { lines[1].bpb_float = 3; }) == 376);
  CHECK(number([](auto& lines) { lines[1].arm = "int4 gptq"; }) == 376);  // which has met one checkpoint
  CHECK(number([](auto& lines) { lines.pop_back(); }) == 377);
}

TEST_CASE("a page answers what its arms can answer, and claims nothing for fewer than three checkpoints") {
  const hallmark::test::TemporaryFolder folder;
  const std::string three = page_of(folder, example({47, 89, 144}));
  CHECK(contains(three, "names it in 2 of 2 tensors (without it in 0)"));
  CHECK(contains(three, "50 % of the way to a uniform guess (above 100 %: beyond it)"));
  CHECK(contains(three, "| 3 against 0.03 bits per byte; mean bias -0.50 steps against 0.00 | "));
  CHECK(contains(three, "| shown (p = "));
  CHECK(confidence_of(BySeed{1, 2, 3}, BySeed{2, 3, 4}).value() == "not shown (all differences are equal)");
  CHECK(confidence_of(BySeed{1, 2, 3}, BySeed{3, 3, 4}).value().starts_with("shown"));
  CHECK(confidence_of(BySeed{1, 2, 3}, BySeed{3, 1, 2.5}).value().starts_with("not shown (p = "));
  CHECK_FALSE(contains(three, "4 bits?"));
  CHECK(contains(read_file(folder / "l.svg"), "tok_emb.weight"));
  const std::string two = page_of(folder, example({47, 89}));
  CHECK(contains(two, "no claim: 2 checkpoints"));
  CHECK_FALSE(contains(two, "shown ("));
}

TEST_CASE("repeat-2135: checkpoints and draws are tested apart, with what they could have shown") {
  // Nine draws of three checkpoints: 32 batches damage 0.001 less in the mean, surely for checkpoints, hardly for
  // draws.
  std::vector<StudyLine> lines;
  for (int draw = 1; draw <= 9; ++draw)
    for (const std::uint64_t seed : {47U, 89U, 144U}) {
      const double less = 0.001 + (draw % 2 == 0 ? 0.01 : -0.008) + 1e-5 * static_cast<double>(seed);
      lines.push_back(
          line_of(fmt::format("draw {}", draw), seed,
                  {{"damage/int6 sdclip, 16 batches", 0.02}, {"damage/int6 sdclip, 32 batches", 0.02 - less}}));
      lines.back().study = "repeat-2135";
      lines.back().lines = 27;
    }
  const hallmark::test::TemporaryFolder folder;
  const auto page = [&] {
    std::filesystem::remove(folder / "l.jsonl");
    REQUIRE(append_to_ledger(folder / "l.jsonl", LedgerForm::json_lines, bodies_of(lines)));
    REQUIRE(write_study_page(folder / "l.jsonl", "repeat-2135", folder / "l.md"));
    return read_file(folder / "l.md");
  };
  const std::string all = page();
  CHECK(contains(all, "the damage falls by 0.00193 bits per byte"));
  CHECK(contains(all, "| 3 checkpoints: shown (p = 0.01), a mean difference from 0.000229 on is shown; 9 draws"));
  CHECK(contains(all, "; 9 draws: not shown (p = 0.28), a mean difference from 0.00223 on is shown |"));
  CHECK(contains(all, "| draw 2 | 0.02000 | 0.00807 | -0.01193 |"));
  CHECK_FALSE(contains(all, "int4 gptq?"));
  std::erase_if(lines, [](const StudyLine& line) { return line.arm > "draw 2"; });
  for (StudyLine& line : lines) line.lines = 6;
  CHECK(contains(page(), "; no claim: 2 draws |"));
}

TEST_CASE("training: what an arm does is told apart into checkpoint and damage") {
  std::vector<StudyLine> lines;
  for (const std::uint64_t seed : {47U, 89U, 144U})
    for (const bool plain : {true, false}) {
      const double more = 1e-4 * static_cast<double>(seed);
      const double checkpoint = plain ? 2 : 1.9 + more, damage = plain ? 0.1 : 0.13;
      lines.push_back(line_of(plain ? "plain" : "curriculum", seed,
                              {{"checkpoint", checkpoint},
                               {"damage/int4 gptq", damage},
                               {"bits/int4 gptq", checkpoint + damage},
                               {"bytes/int4 gptq", plain ? 1000.0 : 900.0}}));
      lines.back().study = "training";
      lines.back().lines = 6;
    }
  const hallmark::test::TemporaryFolder folder;
  REQUIRE(append_to_ledger(folder / "l.jsonl", LedgerForm::json_lines, bodies_of(lines)));
  REQUIRE(write_study_page(folder / "l.jsonl", "training", folder / "l.md"));
  const std::string page = read_file(folder / "l.md");
  CHECK(contains(page,
                 "| What does \"curriculum\" do for the model at int4 gptq? | -0.0607 bits per byte, -0.0907 of "
                 "the checkpoint and +0.0300 of the damage | codes at their entropy 900 bytes, plain 1000 | "
                 "shown (p = "));
  CHECK_FALSE(contains(page, "int6 sdclip?"));
  CHECK_FALSE(contains(page, "\"plain\" do"));
}

TEST_CASE("the last whole run counts, and the summary has a line for each answer") {
  const hallmark::test::TemporaryFolder folder;
  auto older = example({47, 89, 144}), newer = older, torn = older;
  for (StudyLine& line : newer) line.run = "newer", line.figures["damage"] *= 2;
  for (StudyLine& line : torn) line.run = "torn";
  torn.pop_back();
  auto all = older;
  for (const auto& more : {newer, torn}) all.insert(all.end(), more.begin(), more.end());
  CHECK(contains(page_of(folder, all), "`newer`"));
  REQUIRE(write_studies_summary(folder / "l.jsonl", folder / "s.md"));
  CHECK(contains(read_file(folder / "s.md"), "| [damage](studies/damage.md) | What does flooring"));
  CHECK(write_study_page(folder / "none.jsonl", "damage", folder / "n.md").error().number == 377);
  CHECK(write_study_page(folder / "l.jsonl", "no such", folder / "n.md").error().number == 226);
}

TEST_CASE("a mean at or below 0 has an open mark, and a picture without values is one") {
  const std::string svg = dots_svg("t", "x", {"a", "b"}, {{"row", {BySeed{0.5, 1}, BySeed{-1, 0.5}, {}}}});
  CHECK(contains(svg, "fill=\"none\""));
  CHECK(contains(dots_svg("t", "x", {"a"}, {{"row", {}}}), "</svg>"));
}

TEST_CASE("the shipped pages say what the shipped ledger says") {
  const std::string ledger(studies_ledger_path);
  const auto entries = read_ledger(ledger, LedgerForm::json_lines);
  REQUIRE(entries);
  REQUIRE_FALSE(entries->empty());
  const hallmark::test::TemporaryFolder folder;
  std::set<std::string> measured;
  const auto lines = study_lines(*entries, ledger);
  REQUIRE(lines);
  for (const StudyLine& line : *lines) measured.insert(line.study);
  for (const std::string& name : measured) {
    const std::string page = "docs/studies/" + name;
    CAPTURE(name);
    REQUIRE(write_study_page(ledger, name, folder / (name + ".md")));
    CHECK(read_file(folder / (name + ".md")) == read_file(page + ".md"));
    CHECK(read_file(folder / (name + ".svg")) == read_file(page + ".svg"));
  }
  REQUIRE(write_studies_summary(ledger, folder / "studies.md"));
  CHECK(read_file(folder / "studies.md") == read_file("docs/studies.md"));
}

}  // namespace page_test
