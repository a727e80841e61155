#include "pipeline/quantize_files.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "artifact/quantized_file.hpp"
#include "base/error_numbers.hpp"
#include "io/weights_writer.hpp"

namespace hallmark {

Expected<QuantizationOfFiles> QuantizationOfFiles::prepare(const QuantizeFilesRequest& request, RuleSet& rules) {
  Expected<SafeTensors> weights = SafeTensors::open(request.weights);
  if (!weights) return weights.error();
  std::optional<CalibrationFile> calibration;
  if (!request.calibration.empty()) {
    Expected<CalibrationFile> file = CalibrationFile::open(request.calibration);
    if (!file) return file.error();
    if (request.holdout > 0) file->hold_out(request.holdout);
    calibration = *std::move(file);
  }
  QuantizationOfFiles out(std::make_unique<Parts>(Parts{request, *std::move(weights), std::move(calibration), {}, {}}));
  Parts& parts = *out.parts_;
  parts.inputs = parts.weights.paths();
  if (!request.config.empty()) parts.inputs.push_back(request.config);
  if (parts.calibration) {
    const std::vector<std::string>& paths = parts.calibration->file().paths();
    parts.inputs.insert(parts.inputs.end(), paths.begin(), paths.end());
  }
  Expected<Plan> plan = make_plan(parts.weights, parts.known(), rules, request.selection);
  if (!plan) return plan.error();
  parts.plan = *std::move(plan);
  if (request.holdout > 0)
    if (const Status some = check_holdout(parts.plan, parts.known()); !some) return some.error();
  if (!request.output.empty())
    if (const Status free = out.check_outputs(); !free) return free.error();
  if (is_index_name(request.output))
    if (const Status free = out.check_shard_names(); !free) return free.error();
  if (!request.values_checked)
    if (const Status fine = check_values(parts.plan, parts.known()); !fine) return fine.error();
  return out;
}

RunRequest QuantizationOfFiles::request() const {
  const QuantizeFilesRequest& asked = parts_->asked;
  return {parts_->weights, parts_->known(), parts_->plan, asked.output,         asked.overwrite,
          asked.tool,      asked.demands,   asked.device, asked.max_shard_bytes};
}

// Whether the outputs may be written, before any work.
Status QuantizationOfFiles::check_outputs() const {
  const QuantizeFilesRequest& asked = parts_->asked;
  const std::string certificate = certificate_path(asked.output);
  if (const Status distinct = check_distinct({asked.output, asked.report, certificate}); !distinct) return distinct;
  for (const std::string& output : {asked.output, certificate, asked.report})
    if (!output.empty())
      if (const Status free = check_output(output, asked.overwrite, inputs()); !free) return free;
  return is_index_name(asked.output) ? ok() : check_container_name(asked.output);
}

// The same of shards, whose number the plan says.
Status QuantizationOfFiles::check_shard_names() const {
  const QuantizeFilesRequest& asked = parts_->asked;
  if (may_be_of_set(asked.output, asked.report, certificate_ending))
    return Error{Exit::infeasible, error_number::output_twice, "the report has the name of a shard or of a certificate",
                 fmt::format("{} beside {}", asked.report, asked.output), "give every output a file of its own"};
  const Expected<std::vector<std::uint64_t>> cut = planned_cut(request());
  if (!cut) return cut.error();
  return check_shards(asked.output, asked.overwrite, std::max<std::size_t>(cut->size(), 1), inputs(),
                      certificate_ending);
}

}  // namespace hallmark
