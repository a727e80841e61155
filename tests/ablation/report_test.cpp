#include "ablation/report.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "../io/temporary_folder.hpp"
#include "ablation/plot.hpp"
#include "synthetic_run.hpp"

namespace report_test {

using namespace hallmark;
using hallmark::test::entries_of;
using hallmark::test::read_file;
using hallmark::test::TemporaryFolder;
using hallmark::test::write_file;

namespace {

constexpr hallmark::test::Table gains{{{2.25, 2.24, 2.23}, {2.26, 2.255, 2.25}, {2.27, 2.262, 2.252}}};
constexpr hallmark::test::Table none{{{2.25, 2.25, 2.25}, {2.26, 2.26, 2.26}, {2.27, 2.27, 2.27}}};

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) ++found;
  return found;
}

}  // namespace

TEST_CASE("the report says what the ledgers say, for the grids that have one") {
  const TemporaryFolder folder;
  const auto page = folder / "ablation.md";
  CHECK(write_report(folder.path(), page).error().number == 377);

  write_file(ledger_path(folder.path(), "gf16"), entries_of("a", "gf16", none));
  REQUIRE(write_report(folder.path(), page));
  auto text = read_file(page);
  CHECK(text.find("**gf16: lift not confirmed.**") != text.npos);
  CHECK(text.find("degenerate") != text.npos);
  CHECK(text.find("int4") == text.npos);
  CHECK(text.find("](ablation.svg)") != text.npos);
  CHECK(text.find("order 3: 2.360") != text.npos);

  write_file(ledger_path(folder.path(), "int4"), entries_of("b", "int4", gains));
  REQUIRE(write_report(folder.path(), page));
  text = read_file(page);
  CHECK(text.find("**int4: lift confirmed.**") != text.npos);
  CHECK(text.find("three seeds can only show a mean gain above") != text.npos);
  CHECK(text.find(
            "| int4 | 144 | 2.22000000 | 2.27000000 (+5.00e-02) | 2.26200000 (+4.20e-02) | 2.25200000 (+3.20e-02) |") !=
        text.npos);
  CHECK(text.find("| `tok_emb.weight` | 0.8000 (2) | 0.8000 (2) | 0.8100 (2) |") != text.npos);
  CHECK(text.find("| codes_decode | contract | 900 | 0 |") != text.npos);
  CHECK(text.find("| rtn_codes | check | 90 | 0 |") != text.npos);
  const auto picture = read_file(folder / "ablation.svg");
  // 2 grids x 2 panels x 3 N points of each seed's shape, and one of each in the legend.
  CHECK(count(picture, "<circle") == 13);
  CHECK(count(picture, "<path") == 13);
  CHECK(count(picture, "width=\"8\"") == 13);

  write_file(ledger_path(folder.path(), "bf16"), entries_of("c", "bf16", none));
  REQUIRE(write_report(folder.path(), page));
  CHECK(read_file(page).find("**bf16:") > read_file(page).find("**int4:"));
  std::filesystem::remove(ledger_path(folder.path(), "bf16"));

  REQUIRE(write_report(folder.path(), page));
  CHECK(read_file(page) == text);  // a function of the ledgers alone
  CHECK(read_file(folder / "ablation.svg") == picture);
}

TEST_CASE("a ledger with another grid's run or a broken chain gives no report") {
  const TemporaryFolder folder;
  write_file(ledger_path(folder.path(), "int8"), entries_of("a", "int4", gains));
  CHECK(write_report(folder.path(), folder / "ablation.md").error().number == 376);
  const auto entries = entries_of("a", "int8", gains, entries_of("b", "int8", gains));
  write_file(ledger_path(folder.path(), "int8"), entries.substr(entries.find('\n') + 1));
  CHECK(write_report(folder.path(), folder / "ablation.md").error().number == 374);
  CHECK(folder.count() == 1);
}

TEST_CASE("points lie inside their panel and equal values are still drawn") {
  const hallmark::test::Table tables[] = {gains, none, none};
  const auto& without_change = tables[2];
  for (const auto& table : tables) {
    RecordedRun run;
    run.cells = hallmark::test::run_of("a", "gf16", table);
    if (&table == &without_change)
      for (Cell& cell : run.cells) cell.bpb_post_quant = cell.bpb_pre_quant, cell.reconstruction_mse = 0;
    run.verdict = judge(run.cells).value();
    const RecordedRun runs[] = {run};
    const auto picture = ablation_svg(runs);
    CHECK(count(picture, "<circle") == 7);
    CHECK(picture.find("nan") == picture.npos);
    CHECK(picture.find("inf") == picture.npos);
    for (std::size_t at = picture.find("cy=\""); at != picture.npos; at = picture.find("cy=\"", at + 1)) {
      const double y = std::stod(picture.substr(at + 4));
      CHECK((y == 46 || (y >= 114 && y <= 270)));
    }
  }
}

}  // namespace report_test
