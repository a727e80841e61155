// hallmark ttest: the verdict of the last complete run of a ledger, from its lines alone.
#include <iostream>

#include "ablation/verdict.hpp"
#include "cli/command.hpp"

namespace hallmark::cli {

Command ttest_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand("ttest", "Recompute the verdict of the last complete run from ledger lines on stdin");
  return {app, []() -> Expected<Exit> {
            const Expected<Verdict> verdict = replay_verdict(std::cin);
            if (!verdict) return verdict.error();
            std::cout << describe(*verdict);
            return Exit::ok;
          }};
}

}  // namespace hallmark::cli
