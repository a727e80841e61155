// hallmark quantize: from flags and a configuration file to a plan, and from that to a container.

#include <limits>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "base/threads.hpp"
#include "cli/build_info.hpp"
#include "cli/command.hpp"
#include "cli/device.hpp"
#include "cli/last_words.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/quantize_report.hpp"
#include "cli/ranges.hpp"
#include "cli/ranks.hpp"
#include "cli/resume.hpp"
#include "cli/shard_size.hpp"
#include "pipeline/presets.hpp"
#include "pipeline/quantize_files.hpp"

namespace hallmark::cli {
namespace {

std::string tool_name() { return fmt::format("hallmark {}", build_info::version); }

struct QuantizeFlags {
  std::string weights, calibration, output, report, config, max_shard_size;
  std::string contracts = "on", device = "cpu";
  std::map<std::string, std::string> words;  // options by name, as typed
  std::map<std::string, bool> on, off;       // those that are true or false: whether --X, --no-X is there
  bool exact = false, bounds = false, optimality = false, one_opt = false, dry_run = false, overwrite = false;
  int threads = 0;
  double holdout = 0;  // 0: no token is held out
  Selection selection;
  ResumeFlags resume;
};

// --group-size for group_size.
std::string flag_of(std::string_view option, std::string_view prefix = "--") {
  std::string flag = fmt::format("{}{}", prefix, option);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

// The command line is the first rule; every option has a flag.
void add_options(CLI::App& app, QuantizeFlags& flags) {
  const Options defaults{Grid(GridSpec::golden("gf16", "gf16/1", 6, 9))};
  visit_options(defaults, [&]<class T>(const OptionInfo& info, const T& value) {
    const std::string name(info.name),
        flag = flag_of(info.name),
        help = fmt::format("{} [{}]", option_help(info),
                           info.usually.empty() ? option_text(value) : std::string(info.usually));
    if constexpr (std::is_same_v<T, bool>) {
      CLI::Option* const yes = app.add_flag(flag, flags.on[name], help);
      app.add_flag(flag_of(info.name, "--no-"), flags.off[name], fmt::format("the opposite of {}", flag))
          ->excludes(yes);
    } else {
      app.add_option(info.former.empty() ? flag : fmt::format("{},{}", flag, flag_of(info.former)), flags.words[name],
                     help);
    }
  });
  app.add_option(
      "--bits", flags.words[std::string(bits_setting)],
      "2 to 8: grid, method, rotation and scale storage for codes of this size, chosen at 2 to 4 by the league, "
      "where no other flag says otherwise");
  app.add_option("--preset", flags.words[std::string(preset_setting)],
                 "q4_0, q6_k or q8_0: the grid, group size and scale storage of these blocks, for export --to gguf");
}

Expected<RuleSet> rules_of(const QuantizeFlags& flags) {
  std::map<std::string, std::string> typed;
  for (const auto& [name, word] : flags.words)
    if (!word.empty()) typed[name] = word;
  for (const auto& [name, there] : flags.on)
    if (there) typed[name] = "true";
  for (const auto& [name, there] : flags.off)
    if (there) typed[name] = "false";
  return rules_of_words(std::move(typed), "the command line", flags.config);
}

Expected<Exit> carry_out(const QuantizeFlags& flags, const QuantizationOfFiles& work, bool judging) {
  Expected<Resumable> resumable = Resumable::open(flags.resume, "quantize", tool_name());
  if (!resumable) return resumable.error();
  if (!first_rank()) {
    const auto helped = work.run({}, nullptr, resumable->program(), ranks.get());
    return helped ? Expected<Exit>(Exit::ok) : helped.error();
  }
  Expected<QuantizeReport> report = QuantizeReport::create(flags.report, flags.overwrite, work.inputs());
  if (!report) return report.error();

  Expected<contracts::Report> judged = [&] {
    Progress progress("quantize");
    std::optional<LastWords> words;
    if (const State* const state = resumable->state()) words.emplace(last_words_of(*state));
    const auto show = [&](double done, double total, std::string_view item) { progress.update(done, total, item); };
    return work.run(
        {show,
         [&](const PlannedMatrix& planned, const QuantizedTensor& result) { return report->add(planned, result); },
         [&](const PlannedMatrix& planned, const std::string& why_not) { resumable->say(planned.name(), why_not); },
         show},
        resumable->state(), resumable->program(), ranks.get());
  }();
  if (!judged) return judged.error();
  if (const Status written = report->commit(); !written) return written.error();
  report->print_summary(flags.output);
  resumable->print_summary(work.plan().matrices.size());
  print_left_out(work.plan());
  if (judging) note("{}", judged->summary());
  return Exit::ok;
}

Expected<Exit> run(const QuantizeFlags& flags) {
  const Expected<std::uint64_t> shard_bytes = shard_size(flags.max_shard_size, flags.output);
  if (!shard_bytes) return shard_bytes.error();
  Expected<RuleSet> rules = rules_of(flags);
  if (!rules) return rules.error();
  if (flags.config.empty())
    if (const Status good = check_words(*rules); !good) return good.error();
  const Expected<contracts::Policy> policy = contracts::parse_policy(flags.contracts);
  if (!policy) return policy.error();
  const Expected<std::unique_ptr<cuda::EngineBackend>> device = device_backend(flags.device);
  if (!device) return device.error();
  if (flags.calibration.empty() && flags.config.empty())
    if (const auto any = rules->resolve(""); any && any->options.method != "rtn")
      return Error{Exit::usage, error_number::no_calibration, fmt::format("{} needs calibration", any->options.method),
                   "no --calibration", "--calibration C.safetensors, or --method rtn"};
  if (flags.threads > 0)
    if (const auto used = use_threads(flags.threads); !used) return used.error();

  const ExactRows exact{flags.exact ? std::numeric_limits<Index>::max() : 0};
  const QuantizeFilesRequest request{flags.weights,
                                     flags.calibration,
                                     first_rank() ? flags.output : "",
                                     first_rank() ? flags.report : "",
                                     flags.config,
                                     flags.selection,
                                     {*policy, true, flags.bounds, exact, flags.optimality, flags.one_opt},
                                     flags.holdout,
                                     flags.overwrite,
                                     tool_name(),
                                     *shard_bytes,
                                     device->get(),
                                     !first_rank()};
  const Expected<QuantizationOfFiles> work = QuantizationOfFiles::prepare(request, *rules);
  if (!work) return work.error();
  if (flags.dry_run) {
    if (first_rank()) print_plan(work->plan());
    return Exit::ok;
  }
  return carry_out(flags, *work, *policy != contracts::Policy::off);
}

}  // namespace

Command quantize_command(CLI::App& root) {
  CLI::App* app =
      root.add_subcommand("quantize", "Round the matrices of W to grids, with error correction and the guard");
  auto f = std::make_shared<QuantizeFlags>();
  app->add_option("--weights", f->weights, "W: a .safetensors file or model.safetensors.index.json")->required();
  app->add_option("--calibration", f->calibration, "C: NAME.activations or NAME.gram for each weight NAME");
  app->add_option("-o,--output", f->output,
                  "Quantized file to write; NAME.safetensors.index.json writes shards beside it");
  add_shard_option(*app, f->max_shard_size);
  app->add_option("--config", f->config, "Rules for tensors by name, in JSON; the flags below are the first rule");
  add_options(*app, *f);
  app->add_option("--contracts", f->contracts,
                  "off, on, or exact: run-time contracts, in enclosures or in exact arithmetic alone")
      ->capture_default_str();
  app->add_option("--include", f->selection.include, "Only tensors whose name matches this regular expression");
  app->add_option("--exclude", f->selection.exclude, "Not the tensors whose name matches this regular expression");
  app->add_option(
         "--holdout", f->holdout,
         "Keep the last of the tokens, this fraction of them, out of the calibration and report the losses there")
      ->check(fraction());
  app->add_option("--threads", f->threads, "Threads; does not change the result [all cores]")
      ->check(whole_number(1, most_threads));
  app->add_option("--device", f->device, "cpu, or cuda: speed, never a bit of the result")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  app->add_flag("--exact", f->exact, "Judge every row by exact arithmetic too, and certify exact losses");
  app->add_flag("--bounds", f->bounds, "Certify the bound of GPTQ for every row too");
  app->add_flag("--optimality", f->optimality,
                "Certify for every row what no codes of its grid and scale lose less than");
  app->add_flag("--one-opt", f->one_opt, "Certify for every row whether any change of one code would lower its loss");
  CLI::Option* const state = add_resume_flags(*app, f->resume, "matrix");
  app->add_flag("--dry-run", f->dry_run, "Print what every tensor gets, and why the others get nothing, and stop")
      ->excludes(state);
  app->add_flag("--overwrite", f->overwrite, "Replace existing outputs");
  app->add_option("--report", f->report, "One JSON object per matrix");
  return {app,
          [f]() -> Expected<Exit> {
            if (f->output.empty() && !f->dry_run)
              return Error{Exit::usage, error_number::no_output, "no output file", "hallmark quantize",
                           "--output Q.safetensors, or --dry-run"};
            return run(*f);
          },
          true};
}

}  // namespace hallmark::cli
