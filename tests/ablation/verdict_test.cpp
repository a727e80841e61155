#include "ablation/verdict.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <limits>
#include <sstream>

#include "ledger/ledger.hpp"
#include "synthetic_run.hpp"

namespace verdict_test {

using namespace hallmark;
using hallmark::test::entries_of;
using hallmark::test::run_of;

namespace {

// bits per byte after quantization, [seed][n]
constexpr hallmark::test::Table confirmed{{{2.25, 2.24, 2.23}, {2.26, 2.255, 2.25}, {2.27, 2.262, 2.252}}};
constexpr hallmark::test::Table flat{{{2.25, 2.25, 2.25}, {2.26, 2.26, 2.26}, {2.27, 2.27, 2.27}}};
constexpr hallmark::test::Table noise{{{2.25, 2.26, 2.25}, {2.26, 2.25, 2.27}, {2.27, 2.275, 2.26}}};

Expected<RecordedRun> replay(const std::string& text) {
  std::istringstream in(text);
  return replay_run(in);
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.rfind(from);
  REQUIRE(at != text.npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a cell survives its line bit for bit") {
  auto cell = run_of("a", "gf16", confirmed)[4];
  cell.bpb_post_quant = 0.1 + 0.2;
  cell.reconstruction_mse = 5e-324;
  cell.contracts = {{"guard_row_loss", 17, 0}};
  cell.guard_rows_by_tensor = {{"tok_emb.weight", 3}};
  cell.unguarded_loss_ratio_by_tensor = {{"a\"b", 1.0 / 3}};
  const auto line = cell_line(cell);
  REQUIRE(line);
  CHECK(line->find('\n') == std::string::npos);
  CHECK(line->find("\"bpb_post_quant\":0.30000000000000004,") != std::string::npos);
  const auto back = parse_cell(*line, "test");
  REQUIRE(back);
  const auto again = cell_line(*back);
  REQUIRE(again);
  CHECK(*again == *line);
  CHECK(back->bpb_post_quant == cell.bpb_post_quant);
  CHECK(back->reconstruction_mse == cell.reconstruction_mse);
  CHECK(back->guard_rows_by_tensor == cell.guard_rows_by_tensor);
}

TEST_CASE("no NaN is ever written") {
  auto cell = run_of("a", "gf16", confirmed)[0];
  cell.bpb_post_quant = std::numeric_limits<double>::quiet_NaN();
  const auto line = cell_line(cell);
  REQUIRE_FALSE(line);
  CHECK(line.error().number == 122);
}

TEST_CASE("every field is required and typed") {
  const auto whole = cell_line(run_of("a", "gf16", confirmed)[1]);
  REQUIRE(whole);
  REQUIRE(parse_cell(*whole, "test"));
  for (const char* key : {"run",
                          "seed",
                          "n",
                          "grid",
                          "git_sha",
                          "timestamp",
                          "wallclock_ms",
                          "reconstruction_mse",
                          "calibration_mse",
                          "bpb_pre_quant",
                          "bpb_post_quant",
                          "eval_bytes",
                          "guard_rows",
                          "guard_rows_by_tensor",
                          "unguarded_loss_ratio",
                          "unguarded_loss_ratio_by_tensor",
                          "digests",
                          "checkpoint",
                          "text",
                          "calibration_offsets",
                          "gram",
                          "reconstruction_offsets",
                          "reconstruction_gram",
                          "codes",
                          "count_model_bpb",
                          "contracts"}) {
    CAPTURE(key);
    const auto parsed = parse_cell(replaced(*whole, fmt::format("\"{}\":", key), "\"other\":"), "test, line 7");
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().number == 373);
    CHECK(parsed.error().where.starts_with("test, line 7"));
    CHECK(parsed.error().where.find(key) != std::string::npos);
  }
  CHECK_FALSE(parse_cell(replaced(*whole, "\"seed\":47", "\"seed\":-47"), "test"));
  CHECK_FALSE(parse_cell(replaced(*whole, "\"seed\":47", "\"seed\":\"47\""), "test"));
  CHECK_FALSE(parse_cell(replaced(*whole, "\"n\":16", "\"n\":16.0"), "test"));
  CHECK_FALSE(parse_cell(replaced(*whole, "\"n\":16", "\"n\":0"), "test"));  // a calibration_mse without calibration
  CHECK_FALSE(parse_cell(replaced(*whole, "\"calibration_mse\":", "\"calibration_mse\":null,\"old\":"), "test"));
  CHECK_FALSE(parse_cell(replaced(*whole, "\"bpb_post_quant\":2.24", "\"bpb_post_quant\":null"), "test"));
  CHECK_FALSE(parse_cell(replaced(*whole, "\"bpb_post_quant\":2.24", "\"bpb_post_quant\":1e999"), "test"));
  CHECK_FALSE(parse_cell(replaced(*whole, "\"bpb_post_quant\":2.24", "\"bpb_post_quant\":0"), "test"));
}

TEST_CASE("lift confirmed only if both tests are significant") {
  const auto yes = judge(run_of("a", "gf16", confirmed));
  REQUIRE(yes);
  CHECK(yes->confirmed);
  CHECK(yes->comparisons[0].from == 0);
  CHECK(yes->comparisons[1].to == 32);
  CHECK(yes->comparisons[0].test.differences[0] == 2.25 - 2.24);

  auto half = confirmed;
  for (auto& row : half) row[2] = row[1];  // no gain from 16 to 32
  const auto no = judge(run_of("a", "gf16", half));
  REQUIRE(no);
  CHECK(no->comparisons[0].test.significant);
  CHECK(no->comparisons[1].test.degenerate);
  CHECK_FALSE(no->confirmed);
  auto late = confirmed;
  for (auto& row : late) row[0] = row[1];  // no gain from 0 to 16
  const auto second = judge(run_of("a", "gf16", late));
  REQUIRE(second);
  CHECK(second->comparisons[0].test.degenerate);
  CHECK(second->comparisons[1].test.significant);
  CHECK_FALSE(second->confirmed);
  const auto worse = judge(run_of("a", "gf16", noise));
  REQUIRE(worse);
  CHECK_FALSE(worse->confirmed);
}

TEST_CASE("a degenerate verdict has neither t nor p and says so") {
  const auto verdict = judge(run_of("a", "gf16", flat));
  REQUIRE(verdict);
  const auto line = verdict_line(*verdict, "sha", "now");
  REQUIRE(line);
  CHECK(line->find("\"verdict\":\"lift not confirmed\"") != std::string::npos);
  CHECK(line->find("\"degenerate\":true") != std::string::npos);
  CHECK(line->find("\"t\":") == std::string::npos);
  CHECK(line->find("\"p\":") == std::string::npos);
  CHECK(describe(*verdict).find("degenerate") != std::string::npos);
  CHECK(replay(entries_of("a", "gf16", flat)));
}

TEST_CASE("judge refuses what is no complete consistent run") {
  const auto whole = run_of("a", "gf16", confirmed);
  auto cells = whole;
  cells.pop_back();
  CHECK(judge(cells).error().number == 377);
  CHECK(judge({}).error().number == 377);
  cells = whole;
  cells[8] = cells[7];
  CHECK(judge(cells).error().number == 375);
  cells = whole;
  cells[3].seed = 48;
  CHECK(judge(cells).error().number == 376);
  const auto differs = [&](auto change) {
    auto changed = whole;
    change(changed[5]);
    const auto verdict = judge(changed);
    return !verdict && verdict.error().number == 376;
  };
  CHECK(differs([](Cell& cell) { cell.run = "b"; }));
  CHECK(differs([](Cell& cell) { cell.grid = "int4"; }));
  CHECK(differs([](Cell& cell) { cell.text_digest = "other"; }));
  CHECK(differs([](Cell& cell) { cell.eval_bytes = 1; }));
  CHECK(differs([](Cell& cell) { cell.checkpoint_digest = "other"; }));
  CHECK(differs([](Cell& cell) { cell.bpb_pre_quant = 2; }));
  cells = whole;  // order does not matter
  std::swap(cells[0], cells[8]);
  CHECK(judge(cells)->confirmed);
}

TEST_CASE("replay takes the last complete run and reproduces its verdict") {
  const auto first = entries_of("first", "gf16", confirmed);
  auto two = entries_of("second", "gf16", noise, first);
  REQUIRE(replay(first));
  CHECK(replay(first)->verdict.confirmed);
  const auto replayed = replay(two);
  REQUIRE(replayed);
  const Verdict* verdict = &replayed->verdict;
  CHECK(verdict->run == "second");
  CHECK_FALSE(verdict->confirmed);
  CHECK(describe(*verdict).find("verdict: lift not confirmed") != std::string::npos);

  // Without the last two lines the second run has eight cells: the first one is the last complete run.
  for (int i = 0; i < 2; ++i) two.erase(two.rfind('\n', two.size() - 2) + 1);
  REQUIRE(replay(two));
  CHECK(replay(two)->verdict.run == "first");
  // Nine cells without the tenth line are enough; a tail of the ledger too.
  CHECK(replay(first.substr(0, first.rfind("{\"prev\"")))->verdict.confirmed);
  CHECK(replay(entries_of("second", "gf16", noise, first).substr(first.size()))->verdict.run == "second");
}

TEST_CASE("replay names the line of what is wrong") {
  const auto good = entries_of("a", "gf16", noise);
  CHECK(replay("").error().number == 377);
  const auto torn = replay(good.substr(0, good.size() - 1)).error();
  CHECK(torn.number == 370);
  CHECK(torn.where == "standard input, line 10");
  CHECK(torn.exit == Exit::input);

  // A changed cell breaks the chain at the next line.
  auto changed = good;
  changed.replace(changed.find("\"bpb_post_quant\":2.26"), 21, "\"bpb_post_quant\":2.27");
  const auto chain = replay(changed).error();
  CHECK(chain.number == 374);
  CHECK(chain.where == "standard input, line 3");
  const auto junk = replay("not json\n").error();
  CHECK(junk.number == 373);
  CHECK(junk.where == "standard input, line 1");
  const auto missing = replay(hallmark::test::chained({R"({"run":"a","seed":47})"})).error();
  CHECK(missing.number == 373);
  CHECK(missing.where.starts_with("standard input, line 1"));
}

TEST_CASE("a recorded verdict that the cells do not give is a mismatch") {
  const auto lines = hallmark::test::lines_of("a", "gf16", noise);
  const auto with_verdict = [&](const std::string& from, const std::string& to) {
    auto changed = lines;
    changed.back() = replaced(changed.back(), from, to);
    return replay(hallmark::test::chained(changed));
  };
  CHECK(replay(hallmark::test::chained(lines)));
  for (const auto& change :
       std::vector<std::pair<std::string, std::string>>{{"lift not confirmed", "lift confirmed"},
                                                        {"\"significant\":false", "\"significant\":true"},
                                                        {"\"from\":16", "\"from\":0"},
                                                        {"\"degenerate\":false", "\"degenerate\":true"},
                                                        {"\"t\":", "\"t\":1"},
                                                        {"\"p\":0.", "\"p\":0.1"},
                                                        {"\"deviation\":", "\"deviation\":1"},
                                                        {"\"smallest_mean\":", "\"smallest_mean\":1"},
                                                        {"\"differences\":[", "\"differences\":[1,"},
                                                        {"\"grid\":\"gf16\"", "\"grid\":\"int4\""},
                                                        {"\"seeds\":[47", "\"seeds\":[48"}}) {
    CAPTURE(change.first);
    const auto verdict = with_verdict(change.first, change.second);
    REQUIRE_FALSE(verdict);
    CHECK(verdict.error().number == 720);
    CHECK(verdict.error().exit == Exit::mismatch);
    CHECK(verdict.error().where.starts_with("standard input, line 10"));
  }
  // p is Boost's: its last bits may differ between builds.
  const auto verdict = judge(run_of("a", "gf16", noise));
  auto nudged = *verdict;
  nudged.comparisons[0].test.p = *nudged.comparisons[0].test.p * (1 + 1e-14);
  CHECK(check_verdict_line(*verdict, *verdict_line(nudged, "s", "t"), "test"));
  nudged.comparisons[0].test.p = *verdict->comparisons[0].test.p * (1 + 1e-9);
  CHECK_FALSE(check_verdict_line(*verdict, *verdict_line(nudged, "s", "t"), "test"));
}

}  // namespace verdict_test
