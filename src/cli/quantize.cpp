// hallmark quantize: plan, quantize tensor by tensor, write, reopen and check.
#include <omp.h>

#include <cstdio>
#include <limits>
#include <memory>
#include <numeric>

#include <fmt/format.h>

#include "pipeline/beside.hpp"
#include "cli/build_info.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/device.hpp"
#include "pipeline/input_digests.hpp"
#include "pipeline/plan.hpp"
#include "cli/progress.hpp"
#include "pipeline/quantize_outputs.hpp"
#include "cli/quantize_report.hpp"
#include "pipeline/quantize_tensor.hpp"
#include "cli/ranges.hpp"
#include "io/error_numbers.hpp"
#include "artifact/quantized_file.hpp"

namespace hallmark::cli {
namespace {

constexpr Index most_columns = 1'000'000'000;  // beyond any matrix, far from overflow

struct QuantizeFlags {
  std::string weights, calibration, output, report;
  std::string grid = "gf16", method = "gptq", scale_rule, contracts = "on", device = "cpu";
  Index group_size = 0, block_size = 128;
  double damp_percent = 0.01;
  bool desc_act = false, no_guard = false, exact = false, dry_run = false, overwrite = false;
  int threads = 0;
  Selection selection;
};

Expected<Options> options_of(const QuantizeFlags& flags) {
  Expected<Grid> grid = Grid::parse(flags.grid);
  if (!grid) return grid.error();
  const Expected<Method> method = parse_method(flags.method);
  if (!method) return method.error();
  const ScaleRule fallback = default_scale_rule(*grid);
  const Expected<ScaleRule> rule = flags.scale_rule.empty() ? fallback : parse_scale_rule(flags.scale_rule);
  if (!rule) return rule.error();
  if (*rule == ScaleRule::given)
    return Error{Exit::usage, 223, "scale rule given cannot be asked for", "--scale-rule given",
                 "store NAME.scale in the calibration file: it is then used as it is"};
  return Options{*std::move(grid), *method,          *rule,          flags.group_size, flags.damp_percent,
                 flags.desc_act,   flags.block_size, !flags.no_guard};
}

const std::string not_yet(64, '0');  // in the place of a digest

QuantizedHeader header_of(const SafeTensors& weights, const CalibrationFile* calibration, const Options& options,
                          const std::vector<PlannedTensor>& plan) {
  QuantizedHeader header;
  header.tool = fmt::format("hallmark {}", build_info::version);
  header.grid = options.grid.name();
  header.method = to_string(options.method);
  header.scale_rule = to_string(options.scale_rule);
  header.group_size = static_cast<std::uint64_t>(options.group_size);
  header.block_size = static_cast<std::uint64_t>(options.block_size);
  header.damp_percent = options.damp_percent;
  header.desc_act = options.desc_act;
  header.guard = options.guard;
  header.source_sha256 = not_yet;
  if (calibration) header.calibration_sha256 = not_yet;
  header.source_metadata = weights.metadata();
  for (const TensorInfo& tensor : weights.tensors()) {
    const bool quantized =
        std::any_of(plan.begin(), plan.end(), [&](const PlannedTensor& p) { return p.weight == &tensor; });
    header.tensors.push_back({tensor.name, tensor.dtype, tensor.shape, quantized});
  }
  return header;
}

Expected<Exit> run(const QuantizeFlags& flags) {
  const Expected<Options> options = options_of(flags);
  if (!options) return options.error();
  const Expected<contracts::Policy> policy = contracts::parse_policy(flags.contracts);
  if (!policy) return policy.error();
  const Expected<std::unique_ptr<cuda::EngineBackend>> device = device_backend(flags.device);
  if (!device) return device.error();
  if (options->method == Method::gptq && flags.calibration.empty())
    return Error{Exit::usage, 214, "GPTQ needs calibration", "no --calibration",
                 "--calibration C.safetensors, or --method rtn"};
  if (flags.threads > 0) omp_set_num_threads(flags.threads);

  const Expected<SafeTensors> weights = SafeTensors::open(flags.weights);
  if (!weights) return weights.error();
  std::optional<CalibrationFile> calibration;
  std::vector<std::string> inputs = weights->paths();
  if (!flags.calibration.empty()) {
    Expected<CalibrationFile> file = CalibrationFile::open(flags.calibration);
    if (!file) return file.error();
    inputs.insert(inputs.end(), file->file().paths().begin(), file->file().paths().end());
    calibration = *std::move(file);
  }
  const CalibrationFile* known = calibration ? &*calibration : nullptr;
  const Expected<std::vector<PlannedTensor>> plan = plan_tensors(*weights, known, options->method, flags.selection);
  if (!plan) return plan.error();
  if (flags.dry_run) return print_plan(*plan, *options), Exit::ok;
  const std::string certificate_name = certificate_path(flags.output);
  if (const Status distinct = check_distinct({flags.output, flags.report, certificate_name}); !distinct)
    return distinct.error();
  for (const std::string& output : {flags.output, certificate_name})
    if (const Status free = check_output(output, flags.overwrite, inputs); !free) return free.error();
  Expected<QuantizeReport> report = QuantizeReport::create(flags.report, flags.overwrite, inputs);
  if (!report) return report.error();
  const QuantizedHeader header = header_of(*weights, known, *options, *plan);
  CertificateHeader certificate = certificate_header(header, *policy);
  Expected<QuantizeOutputs> outputs = QuantizeOutputs::create(flags.output, flags.overwrite, header, certificate);
  if (!outputs) return outputs.error();
  const SleepingBarriers sleeping;
  const InputDigests digests(*weights, known);
  const ExactRows exact{flags.exact ? std::numeric_limits<Index>::max() : 0};

  const double total = std::accumulate(plan->begin(), plan->end(), 0.0,
                                       [](double sum, const PlannedTensor& tensor) { return sum + tensor.work(); });
  double done = 0;
  Progress progress("quantize");
  contracts::Report judged;
  if (const Status begun = outputs->pass_through(*weights, *plan); !begun) return begun.error();
  for (const PlannedTensor& tensor : *plan) {
    progress.update(done, total, tensor.weight->name);
    Expected<QuantizedTensor> quantized = quantize_tensor(tensor, known, *options, exact, *policy, device->get());
    // What came first is told first, however the threads ran.
    if (const Status written = outputs->settle(); !written) return written.error();
    if (!quantized) return quantized.error();
    if (const Status held = quantized->contracts.status(); !held) return held.error();
    judged.merge(quantized->contracts);
    if (const auto& offence = quantized->seen->offence)
      return Error{Exit::contract, error_number::oracle_refuses, "exact arithmetic finds a promise broken",
                   fmt::format("tensor '{}': {}", tensor.weight->name, *offence),
                   "report this with the files; nothing was written"};
    if (const Status added = report->add(tensor, *options, quantized->result); !added) return added.error();
    digests.enter(*quantized, tensor.weight->name);
    if (const Status begun = outputs->write(tensor, *std::move(quantized)); !begun) return begun.error();
    done += tensor.work();
    forget_pages(tensor.weight->data);  // what is behind us need not stay in memory
  }
  if (const Status written = outputs->settle(); !written) return written.error();
  digests.enter(certificate);
  // A mixture of two versions of an input must not be certified as one.
  if (const Status whole = weights->unchanged(); !whole) return whole.error();
  if (known)
    if (const Status whole = known->file().unchanged(); !whole) return whole.error();
  if (const Status written = outputs->commit(certificate); !written) return written.error();
  if (const Status written = report->commit(); !written) return written.error();
  if (const auto reopened = QuantizedFile::open(flags.output); !reopened) return reopened.error();
  report->print_summary(flags.output);
  if (*policy != contracts::Policy::off) note("{}", judged.summary());
  return Exit::ok;
}

}  // namespace

Command quantize_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand("quantize", "Round the 2-D tensors of W to a grid, with GPTQ and the guard");
  auto f = std::make_shared<QuantizeFlags>();
  app->add_option("--weights", f->weights, "W: a .safetensors file or model.safetensors.index.json")->required();
  app->add_option("--calibration", f->calibration, "C: NAME.activations or NAME.gram for each weight NAME");
  app->add_option("-o,--output", f->output, "Quantized file to write");
  app->add_option("--grid", f->grid, "gf16, bf16, fp16, gf:E,M, or int2 .. int8")->capture_default_str();
  app->add_option("--method", f->method, "gptq, or rtn (round to nearest)")->capture_default_str();
  app->add_option("--scale-rule", f->scale_rule, "unit, row-pow2, matrix-max or absmax [matrix-max; integers: absmax]");
  app->add_option("--group-size", f->group_size, "Columns that share a scale; 0: the whole row")
      ->check(whole_number(0, most_columns))
      ->capture_default_str();
  app->add_option("--damp-percent", f->damp_percent, "lambda as a fraction of mean(diag(2G))")
      ->check(fraction())
      ->capture_default_str();
  app->add_flag("--desc-act", f->desc_act, "Columns by descending diagonal of H (act-order)");
  app->add_option("--block-size", f->block_size, "Columns per block: speed, never a bit of the result")
      ->check(whole_number(1, most_columns))
      ->capture_default_str();
  app->add_flag("--no-guard", f->no_guard, "Keep GPTQ even in rows where rounding to nearest is better");
  app->add_option("--contracts", f->contracts,
                  "off, on, or exact: run-time contracts, in enclosures or in exact arithmetic alone")
      ->capture_default_str();
  app->add_option("--include", f->selection.include, "Only tensors whose name matches this regular expression");
  app->add_option("--exclude", f->selection.exclude, "Not the tensors whose name matches this regular expression");
  app->add_option("--threads", f->threads, "Threads; does not change the result [all cores]")
      ->check(whole_number(1, most_threads));
  app->add_option("--device", f->device, "cpu, or cuda: speed, never a bit of the result")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  app->add_flag("--exact", f->exact, "Judge every row by exact arithmetic too, and certify exact losses");
  app->add_flag("--dry-run", f->dry_run, "Print the plan and stop");
  app->add_flag("--overwrite", f->overwrite, "Replace existing outputs");
  app->add_option("--report", f->report, "One JSON object per tensor");
  return {
      app, [f]() -> Expected<Exit> {
        if (f->output.empty() && !f->dry_run)
          return Error{Exit::usage, 203, "no output file", "hallmark quantize", "--output Q.safetensors, or --dry-run"};
        return run(*f);
      }};
}

}  // namespace hallmark::cli
