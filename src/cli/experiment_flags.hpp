// What the experiments on the checkpoints are asked alike.
#pragma once

#include <limits>
#include <optional>
#include <string>

#include "base/threads.hpp"
#include "cli/command.hpp"
#include "cli/ranges.hpp"
#include "contracts/runtime/report.hpp"

namespace hallmark::cli {

template <class SomeOptions>
struct ExperimentFlags {
  SomeOptions options;
  std::string output, contracts = "on";
  int threads = 0;

  /// --seeds to --threads; `instead`: of which ledger --output is.
  void add_to(CLI::App& app, const std::string& instead) {
    app.add_option("--seeds", options.seeds, "Training seeds of the checkpoints")
        ->check(whole_number(0, std::numeric_limits<std::int64_t>::max()))
        ->delimiter(',')
        ->capture_default_str();
    app.add_option("--eval-bytes", options.eval_bytes, "Bytes of validation text")
        ->check(whole_number(1, std::int64_t{1} << 40))
        ->capture_default_str();
    app.add_option("--models", options.models, "Folder of the checkpoints")->capture_default_str();
    app.add_option("--text", options.text, "Folder of text; file i is validation when i mod 10 = 9")
        ->capture_default_str();
    app.add_option("-o,--output", output, "Append here instead of to " + instead);
    app.add_option("--contracts", contracts,
                   "off, on, or exact: run-time contracts, in enclosures or in exact arithmetic alone")
        ->capture_default_str();
    app.add_option("--threads", threads, "Threads; does not change the result [all cores]")
        ->check(whole_number(1, most_threads));
  }

  /// Threads and policy, as asked. Errors: E0228; those of use_threads.
  Status apply() {
    if (threads > 0)
      if (const auto used = use_threads(threads); !used) return used.error();
    const Expected<contracts::Policy> policy = contracts::parse_policy(contracts);
    if (!policy) return policy.error();
    options.contracts = *policy;
    return ok();
  }

  std::optional<std::string> ledger() const { return output.empty() ? std::nullopt : std::optional(output); }
};

}  // namespace hallmark::cli
