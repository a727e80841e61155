// The subcommands of the tool: each file registers its flags on the root and returns what to run when it was chosen.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>
#include <string>

#include "base/error.hpp"

namespace hallmark::cli {

struct Command {
  CLI::App* app;                        ///< parsed() tells whether the user chose it
  std::function<Expected<Exit>()> run;  ///< the exit code on success (0, or 8 with skipped tensors)
  bool shared = false;                  ///< by several ranks, all of which run it
};

Command quantize_command(CLI::App& root);
Command verify_command(CLI::App& root);
Command dequantize_command(CLI::App& root);
Command export_command(CLI::App& root);
Command import_command(CLI::App& root);
Command pack_command(CLI::App& root);
Command unpack_command(CLI::App& root);
Command sensitivity_command(CLI::App& root);
Command gram_command(CLI::App& root);
Command inspect_command(CLI::App& root);
Command codec_command(CLI::App& root);
Command eval_command(CLI::App& root);
Command ablate_command(CLI::App& root);
Command league_command(CLI::App& root);
Command learn_tables_command(CLI::App& root);
Command study_command(CLI::App& root);
Command ttest_command(CLI::App& root);
Command witness_command(CLI::App& root);
Command smt_command(CLI::App& root);
Command completion_command(CLI::App& root);
Command manual_command(CLI::App& root);
Command version_command(CLI::App& root);

}  // namespace hallmark::cli
