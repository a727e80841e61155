// hallmark ttest: the verdict of the last complete run of a ledger, from its lines alone.
#include <iostream>

#include "ablation/verdict.hpp"
#include "cli/command.hpp"

namespace hallmark::cli {

Command ttest_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand(
      "ttest", "Recompute the verdict of the last complete run from the lines of a ledger, read from standard input");
  return {app, []() -> Expected<Exit> {
            const Expected<RecordedRun> run = replay_run(std::cin);
            if (!run) return run.error();
            std::cout << describe(run->verdict);
            if (run->verdict_line == 0) std::cout << "the run has no verdict line: there was none to compare with\n";
            else std::cout << "agrees with the verdict in line " << run->verdict_line << "\n";
            return Exit::ok;
          }};
}

}  // namespace hallmark::cli
