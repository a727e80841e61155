// The ledger that ships, and the page that was made of it.
#include <doctest/doctest.h>

#include <filesystem>

#include "../io/temporary_folder.hpp"
#include "league/report.hpp"
#include "league/run.hpp"

namespace shipped_test {

using namespace hallmark;
using hallmark::test::read_file;

TEST_CASE("every shipped line is read, and the page says what the ledger says") {
  const std::string ledger(league_ledger_path);
  const auto entries = read_ledger(ledger, LedgerForm::json_lines);
  REQUIRE(entries);
  REQUIRE_FALSE(entries->empty());
  const auto lines = league_lines(*entries, ledger);
  REQUIRE(lines);
  for (const LeagueLine& line : *lines) {
    const std::string key = line.key();
    CAPTURE(key);
    CHECK(line.eval_bytes == static_cast<std::int64_t>(evaluation_bytes));
    CHECK(line.batches == league_batches);
    CHECK(line.loss.size() == 27);
    if (line.entry == "rtn") CHECK(line.mean_relative_loss == 1);
  }
  const hallmark::test::TemporaryFolder folder;
  REQUIRE(write_league_report(ledger, folder / "league.md"));
  CHECK(read_file(folder / "league.md") == read_file("docs/league.md"));
  CHECK(read_file(folder / "league.svg") == read_file("docs/league.svg"));
}

}  // namespace shipped_test
