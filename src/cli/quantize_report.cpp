#include "cli/quantize_report.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/output.hpp"

namespace hallmark::cli {
namespace {

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

bool exact_products(const Options& options, const Quantized& result) {
  return std::all_of(result.scales.data(), result.scales.data() + result.scales.size(),
                     [&](float s) { return options.grid.exact_in_binary32(s); });
}

}  // namespace

void print_plan(const std::vector<PlannedTensor>& plan, const Options& options) {
  std::size_t width = 4;
  double largest = 0;
  for (const PlannedTensor& tensor : plan) {
    width = std::max(width, tensor.weight->name.size());
    largest = std::max(largest, tensor.working_set());
  }
  for (const PlannedTensor& tensor : plan)
    print("{:{}}  {:>7} x {:<7} {:4}  {:11} {:>8} tokens  {:>9.1f} MB\n", tensor.weight->name, width, tensor.rows,
          tensor.cols, dtype_name(tensor.weight->dtype), tensor.calibration_kind(),
          tensor.calibration ? std::to_string(tensor.calibration->tokens) : "-", tensor.working_set() / 1e6);
  print("{} tensors to {} by {}, scales {}, group size {}, damping {}, act-order {}, block {}, guard {}\n", plan.size(),
        options.grid.name(), to_string(options.method), to_string(options.scale_rule), options.group_size,
        options.damp_percent, options.desc_act, options.block_size, options.guard);
  print("largest working set {:.1f} MB\n", largest / 1e6);
}

Expected<QuantizeReport> QuantizeReport::create(const std::string& path, bool overwrite,
                                                const std::vector<std::string>& inputs) {
  QuantizeReport report;
  if (path.empty()) return report;
  if (const Status free = check_output(path, overwrite, inputs); !free) return free.error();
  Expected<AtomicFile> file = AtomicFile::create(path, overwrite);
  if (!file) return file.error();
  report.file_ = *std::move(file);
  return report;
}

Status QuantizeReport::add(const PlannedTensor& tensor, const Options& options, const Quantized& result) {
  const double rtn = sum(result.loss_rtn), gptq = sum(result.loss_gptq), final_loss = sum(result.loss_final);
  ++tensors_;
  rows_ += tensor.rows;
  guard_rows_ += result.guard_rows;
  clipped_ += result.clipped;
  loss_rtn_ += rtn;
  loss_final_ += final_loss;
  const std::string ratio = result.loss_rtn.empty() || !(rtn > 0) ? "-" : fmt::format("{:.4f}", final_loss / rtn);
  note("{}  {} x {}  {}  {}  loss/RTN {}  guard {} of {} rows  clipped {}  dead {}", tensor.weight->name, tensor.rows,
       tensor.cols, options.grid.short_name(), to_string(result.method), ratio, result.guard_rows, tensor.rows,
       result.clipped, result.dead_columns);
  const bool blind = tensor.calibration && result.method == Method::gptq && result.dead_columns == tensor.cols;
  if (blind)
    note("warning: {}: the Gram matrix is all zero: there is nothing to correct by, so every code is round-to-nearest",
         tensor.weight->name);
  if (!file_) return ok();

  nlohmann::ordered_json line;
  line["name"] = tensor.weight->name;
  line["rows"] = tensor.rows;
  line["cols"] = tensor.cols;
  line["grid"] = options.grid.name();
  line["method"] = to_string(result.method);
  line["scale_rule"] =
      tensor.calibration && tensor.calibration->has_scale ? "given" : std::string(to_string(options.scale_rule));
  line["exact_in_binary32"] = exact_products(options, result);
  line["group_size"] = result.group_size;
  line["calibration"] = tensor.calibration_kind();
  line["tokens"] = tensor.calibration ? tensor.calibration->tokens : 0;
  line["damp_percent"] = options.damp_percent;
  line["lambda"] = result.lambda;
  line["desc_act"] = options.desc_act;
  line["block_size"] = options.block_size;
  line["guard"] = options.guard;
  line["guard_rows"] = result.guard_rows;
  line["exact_rows"] = result.exact_rows;
  line["dead_columns"] = result.dead_columns;
  line["clipped"] = result.clipped;
  if (!result.loss_rtn.empty()) {
    line["loss_rtn"] = rtn;
    line["loss_gptq"] = gptq;
    line["loss"] = final_loss;
  }
  if (blind) line["warning"] = "the Gram matrix is all zero";
  return file_->write(line.dump() + "\n");
}

Status QuantizeReport::commit() { return file_ ? file_->commit() : ok(); }

void QuantizeReport::print_summary(const std::string& output) const {
  const std::string loss = loss_rtn_ > 0 ? fmt::format(", loss/RTN {:.4f}", loss_final_ / loss_rtn_) : "";
  note("wrote {}: {} tensors quantized{}, guard kept RTN in {} of {} rows, {} codes clipped", output, tensors_, loss,
       guard_rows_, rows_, clipped_);
}

}  // namespace hallmark::cli
