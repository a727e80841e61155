// hallmark quantize: from flags and a configuration file to a plan, and from that to a container.

#include <limits>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "artifact/quantized_file.hpp"
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
#include "cli/resume.hpp"
#include "cli/shard_size.hpp"
#include "io/weights_writer.hpp"
#include "pipeline/presets.hpp"
#include "pipeline/run.hpp"

namespace hallmark::cli {
namespace {

struct QuantizeFlags {
  std::string weights, calibration, output, report, config, max_shard_size;
  std::string contracts = "on", device = "cpu";
  std::map<std::string, std::string> words;  // options by name, as typed
  bool desc_act = false, no_guard = false, exact = false, bounds = false, optimality = false, one_opt = false,
       dry_run = false, overwrite = false;
  int threads = 0;
  double holdout = 0;  // 0: no token is held out
  Selection selection;
  ResumeFlags resume;
};

// --group-size for group_size.
std::string flag_of(std::string_view option) {
  std::string flag = "--" + std::string(option);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

// The command line is the first rule; every option has a flag.
void add_options(CLI::App& app, QuantizeFlags& flags) {
  Options defaults{Grid(GridSpec::golden("gf16", "gf16/1", 6, 9))};
  visit_options(defaults, [&](const OptionInfo& info, auto& value) {
    const std::string name(info.name);
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, bool>) return;  // --desc-act, --no-guard
    std::string spelled = flag_of(info.name);
    if (name == "damp_fraction") spelled += ",--damp-percent";  // what it was called first
    app.add_option(spelled, flags.words[name],
                   std::string(info.help) + (name == "scale_rule" ? "" : fmt::format(" [{}]", option_text(value))));
  });
  app.add_option(
      "--bits", flags.words[std::string(bits_setting)],
      "2 to 8: grid, method, rotation and scale storage for codes of this size, chosen at 2 to 4 by the league, "
      "where no other flag says otherwise");
  app.add_option("--preset", flags.words[std::string(preset_setting)],
                 "q4_0 or q8_0: the grid, group size and scale storage of these blocks, for export --to gguf");
  app.add_flag("--desc-act", flags.desc_act, "Columns by descending diagonal of H (act-order)");
  app.add_flag("--no-guard", flags.no_guard,
               "Keep the method's codes even in rows where rounding to nearest is better");
}

Expected<RuleSet> rules_of(const QuantizeFlags& flags) {
  Rule typed{"the command line", "", {}, {}, {}, {}};
  for (const auto& [name, word] : flags.words)
    if (!word.empty()) typed.settings[name] = word;
  if (flags.desc_act) typed.settings["desc_act"] = "true";
  if (flags.no_guard) typed.settings["guard"] = "false";
  if (const Status expanded = expand_presets(typed.settings, typed.place); !expanded) return expanded.error();
  std::vector<Rule> rules{std::move(typed)};
  if (!flags.config.empty()) {
    Expected<std::vector<Rule>> more = read_rules(flags.config);
    if (!more) return more.error();
    rules.insert(rules.end(), more->begin(), more->end());
  }
  return RuleSet::make(std::move(rules));
}

// What is wrong with the words of the command line, before any file is opened.
Status check_words(RuleSet& rules) {
  const Expected<Resolved> any = rules.resolve("");
  return any ? rules.check_used(0) : Status(any.error());
}

Expected<std::optional<CalibrationFile>> open_calibration(const QuantizeFlags& flags) {
  if (flags.calibration.empty()) return std::optional<CalibrationFile>();
  Expected<CalibrationFile> file = CalibrationFile::open(flags.calibration);
  if (!file) return file.error();
  if (flags.holdout > 0) file->hold_out(flags.holdout);
  return std::optional(*std::move(file));
}

// Whether the outputs may be written, before any work.
Status check_outputs(const QuantizeFlags& flags, const std::vector<std::string>& inputs) {
  const std::string certificate = certificate_path(flags.output);
  if (const Status distinct = check_distinct({flags.output, flags.report, certificate}); !distinct) return distinct;
  for (const std::string& output : {flags.output, certificate, flags.report})
    if (!output.empty())
      if (const Status free = check_output(output, flags.overwrite, inputs); !free) return free;
  return is_index_name(flags.output) ? ok() : check_container_name(flags.output);
}

// The same of shards, whose number the plan says.
Status check_shards_of(const RunRequest& request, const std::string& report, const std::vector<std::string>& inputs) {
  if (may_be_of_set(request.output, report, certificate_ending))
    return Error{Exit::infeasible, error_number::output_twice, "the report has the name of a shard or of a certificate",
                 fmt::format("{} beside {}", report, request.output), "give every output a file of its own"};
  const Expected<std::vector<std::uint64_t>> cut = planned_cut(request);
  if (!cut) return cut.error();
  return check_shards(request.output, request.overwrite, std::max<std::size_t>(cut->size(), 1), inputs,
                      certificate_ending);
}

Expected<Exit> carry_out(const QuantizeFlags& flags, RunRequest request, const std::vector<std::string>& inputs) {
  Expected<Resumable> resumable = Resumable::open(flags.resume, "quantize", request.tool);
  if (!resumable) return resumable.error();
  request.state = resumable->state();
  request.program = resumable->program();
  Expected<QuantizeReport> report = QuantizeReport::create(flags.report, flags.overwrite, inputs);
  if (!report) return report.error();

  Expected<contracts::Report> judged = [&] {
    Progress progress("quantize");
    std::optional<LastWords> words;
    if (request.state) words.emplace(last_words_of(*request.state));
    return run_quantization(
        request,
        {[&](double done, double total, std::string_view item) { progress.update(done, total, item); },
         [&](const PlannedMatrix& planned, const QuantizedTensor& result) { return report->add(planned, result); },
         [&](const PlannedMatrix& planned, const std::string& why_not) { resumable->say(planned.name(), why_not); }});
  }();
  if (!judged) return judged.error();
  if (const Status written = report->commit(); !written) return written.error();
  report->print_summary(flags.output);
  resumable->print_summary(request.plan.matrices.size());
  print_left_out(request.plan);
  if (request.demands.contracts != contracts::Policy::off) note("{}", judged->summary());
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

  const Expected<SafeTensors> weights = SafeTensors::open(flags.weights);
  if (!weights) return weights.error();
  const Expected<std::optional<CalibrationFile>> calibration = open_calibration(flags);
  if (!calibration) return calibration.error();
  const CalibrationFile* known = *calibration ? &**calibration : nullptr;
  std::vector<std::string> inputs = weights->paths();
  if (!flags.config.empty()) inputs.push_back(flags.config);
  if (known) inputs.insert(inputs.end(), known->file().paths().begin(), known->file().paths().end());
  const Expected<Plan> plan = make_plan(*weights, known, *rules, flags.selection);
  if (!plan) return plan.error();
  if (flags.holdout > 0)
    if (const Status some = check_holdout(*plan, known); !some) return some.error();
  if (!flags.output.empty())
    if (const Status free = check_outputs(flags, inputs); !free) return free.error();
  const ExactRows exact{flags.exact ? std::numeric_limits<Index>::max() : 0};
  const RunRequest request{*weights,
                           known,
                           *plan,
                           flags.output,
                           flags.overwrite,
                           fmt::format("hallmark {}", build_info::version),
                           {*policy, true, flags.bounds, exact, flags.optimality, flags.one_opt},
                           device->get(),
                           *shard_bytes};
  if (is_index_name(flags.output))
    if (const Status free = check_shards_of(request, flags.report, inputs); !free) return free.error();
  if (const Status fine = check_values(*plan, known); !fine) return fine.error();
  if (flags.dry_run) return print_plan(*plan), Exit::ok;
  return carry_out(flags, request, inputs);
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
  return {app, [f]() -> Expected<Exit> {
            if (f->output.empty() && !f->dry_run)
              return Error{Exit::usage, error_number::no_output, "no output file", "hallmark quantize",
                           "--output Q.safetensors, or --dry-run"};
            return run(*f);
          }};
}

}  // namespace hallmark::cli
