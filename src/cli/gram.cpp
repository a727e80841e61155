// hallmark gram: activations to Gram matrices, and Gram matrices of several runs to one.
#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "cli/accumulate.hpp"
#include "cli/command.hpp"
#include "cli/progress.hpp"
#include "linalg/gram.hpp"

namespace hallmark::cli {
namespace {

struct GramFlags {
  std::vector<std::string> activations, merge;
  std::string output;
  bool overwrite = false;
};

Expected<Exit> run(const GramFlags& flags) {
  const std::vector<std::string>& inputs = flags.activations.empty() ? flags.merge : flags.activations;
  const bool merging = flags.activations.empty();
  if (const Status free = check_output(flags.output, flags.overwrite, inputs); !free) return free.error();

  std::vector<CalibrationFile> files;
  for (const std::string& path : inputs) {
    Expected<CalibrationFile> file = CalibrationFile::open(path);
    if (!file) return file.error();
    files.push_back(*std::move(file));
  }

  std::vector<GramPlan> plan;
  for (const CalibrationFile& file : files)
    for (const auto& [weight, entry] : file.entries()) {
      if (entry.is_gram != merging)
        return Error{Exit::usage, 211, merging ? "--merge takes Gram matrices" : "--activations takes activations",
                     fmt::format("{} in {}", weight, file.file().paths().front()),
                     merging ? "accumulate this file with --activations first" : "add this file with --merge"};
      const auto known = std::find_if(plan.begin(), plan.end(), [&](const GramPlan& p) { return p.weight == weight; });
      if (known == plan.end()) {
        plan.push_back({weight, entry.cols, entry.tokens});
      } else if (known->cols != entry.cols) {
        return Error{Exit::infeasible, 415, "the files disagree in the number of columns",
                     fmt::format("{}: {} and {} columns", weight, known->cols, entry.cols), "capture both from one model"};
      } else {
        known->tokens += entry.tokens;
      }
    }

  Progress progress("gram");
  const auto gram_of = [&](std::size_t i) -> Expected<Matrix<double>> {
    progress.update(static_cast<double>(i), static_cast<double>(plan.size()), plan[i].weight);
    if (!merging) return accumulate_gram(files, plan[i].weight);
    std::optional<Matrix<double>> total;
    for (const CalibrationFile& file : files) {
      if (!file.find(plan[i].weight)) continue;
      Expected<Matrix<double>> gram = file.gram(plan[i].weight);
      if (!gram) return gram.error();
      if (total) gram = merge_gram(*total, *gram);
      if (!gram) return gram.error();
      total = *std::move(gram);
    }
    return *std::move(total);
  };
  if (const Status written = write_grams(flags.output, flags.overwrite, plan, gram_of); !written) return written.error();
  fmt::print(stderr, "wrote {}: {} Gram matrices\n", flags.output, plan.size());
  return Exit::ok;
}

}  // namespace

Command gram_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand("gram", "Accumulate activations into Gram matrices, or merge Gram matrices");
  auto flags = std::make_shared<GramFlags>();
  auto* activations = app->add_option("--activations", flags->activations, "Files with NAME.activations [tokens, cols], in order");
  auto* merge = app->add_option("--merge", flags->merge, "Files with NAME.gram [cols, cols]: added entry by entry");
  activations->excludes(merge);
  app->require_option(1, 0);
  app->add_option("-o,--output", flags->output, "Calibration file to write")->required();
  app->add_flag("--overwrite", flags->overwrite, "Replace an existing output");
  return {app, [flags]() -> Expected<Exit> {
            if (flags->activations.empty() && flags->merge.empty())
              return Error{Exit::usage, 202, "no input files", "hallmark gram", "--activations FILE... or --merge FILE..."};
            return run(*flags);
          }};
}

}  // namespace hallmark::cli
