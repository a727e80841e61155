// The ledgers that ship: each replays, agrees with its recorded verdict, and shows what the design promises of every
// cell.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>

#include "ablation/report.hpp"
#include "ablation/verdict.hpp"
#include "replay/forward.hpp"

namespace shipped_ledgers_test {

using namespace hallmark;

TEST_CASE("every shipped run reproduces its verdict, and GPTQ lowers the loss of every tensor") {
  for (const std::string grid : {"gf16", "int8", "int6", "int4", "bits-4", "bits-3", "bits-2"}) {
    const std::string path = ledger_path("assertions", grid);
    CAPTURE(path);
    std::ifstream in(path);
    REQUIRE(in);
    const auto run = replay_run(in);
    REQUIRE(run);
    CHECK(run->verdict_line > 0);
    CHECK(run->verdict.grid == grid);
    REQUIRE(run->cells.size() == 9);
    for (const Cell& cell : run->cells) {
      CAPTURE(cell.seed);
      CAPTURE(cell.n);
      CHECK(cell.grid == grid);
      CHECK(cell.bpb_pre_quant <= 2.3);
      CHECK(cell.eval_bytes == static_cast<std::int64_t>(evaluation_bytes));
      CHECK(cell.unguarded_loss_ratio_by_tensor.empty() == (cell.n == 0));
      for (const auto& ratio : cell.unguarded_loss_ratio_by_tensor) {
        CAPTURE(ratio.first);
        CHECK(ratio.second < 1);
      }
      for (const ContractCount& count : cell.contracts) {
        CAPTURE(count.name);
        CHECK(count.passed > 0);
        CHECK(count.failed == 0);
      }
    }
  }
}

}  // namespace shipped_ledgers_test
