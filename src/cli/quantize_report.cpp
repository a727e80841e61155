#include "cli/quantize_report.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/output.hpp"
#include "method/method.hpp"
#include "method/options_json.hpp"

namespace hallmark::cli {
namespace {

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

std::string ratio_text(double loss, double rtn) { return rtn > 0 ? fmt::format("{:.4f}", loss / rtn) : "-"; }

std::string optimality_text(const MeanOptimality& mean) {
  return fmt::format("loss/optimality {:.2f} in the mean of {} rows", mean.ratio(), mean.rows);
}

bool exact_products(const Options& options, const Quantized& result) {
  if (result.steps.rotation.any()) return true;  // else they would have been refused
  return std::all_of(result.steps.scales.data(), result.steps.scales.data() + result.steps.scales.size(),
                     [&](float s) { return options.grid.exact_in_binary32(s); });
}

// The options that are not what they would be without a word of the user's, and that something reads.
std::string described(const Options& options) {
  const Options usual{options.grid};
  std::vector<std::string> defaults;
  visit_options(usual, [&](const OptionInfo&, const auto& value) { defaults.push_back(option_text(value)); });
  std::string text = fmt::format("{} {} {}", options.grid.name(), options.method, options.scale_rule);
  std::size_t k = 0;
  visit_options(options, [&](const OptionInfo& info, const auto& value) {
    const bool shown = info.name == "grid" || info.name == "method" || info.name == "scale_rule";
    if (option_text(value) != defaults[k++] && !shown && missing_reader(options, info.name).empty())
      text += fmt::format(", {} {}", info.name, option_text(value));
  });
  return text;
}

// What the calibration of a matrix, or the want of it, makes of its options, and what somebody asked for in vain.
std::string override_text(const PlannedMatrix& planned) {
  std::string text;
  for (const Override& over : planned.overrides) {
    text += "; " + over.why;
    for (const char* before = ", without "; const auto& [name, word] : over.lost) {
      text += fmt::format("{}{} {}", before, name, word);
      before = ", ";
    }
  }
  return text;
}

// What is odd about the calibration of a matrix; empty where nothing is.
std::string warning_of(const PlannedMatrix& planned, const QuantizedTensor& quantized) {
  const Quantized& result = quantized.judged.result;
  if (!planned.uses_gram()) return "";
  if (result.dead_columns == planned.cols())
    return "the Gram matrix is all zero: there is nothing to correct by, so every code is round-to-nearest";
  if (quantized.held_out && quantized.held_out->loss > quantized.held_out->loss_rtn)
    return fmt::format("on the {} tokens that were held out the codes lose more than round-to-nearest",
                       quantized.held_out->tokens);
  const std::uint64_t tokens = planned.calibration ? planned.calibration->tokens : 0;
  const auto live = static_cast<double>(planned.cols() - result.dead_columns), seen = static_cast<double>(tokens);
  // Three tokens for each direction that they fill: with one, white inputs lose more on other text than by rounding.
  if (tokens == 0 || (seen >= live && seen >= 3 * result.effective_rank)) return "";
  return fmt::format(
      "{} tokens for {} columns (effective rank {:.0f}) are few: the loss is small on these tokens and can be "
      "larger than that of round-to-nearest on others",
      tokens, live, result.effective_rank);
}

}  // namespace

void print_plan(const Plan& plan) {
  std::size_t width = 4;
  for (const PlannedMatrix& planned : plan.matrices) width = std::max(width, planned.name().size());
  for (const LeftOut& left : plan.left_out) width = std::max(width, left.tensor->name.size());
  for (const PlannedMatrix& planned : plan.matrices)
    print("{:{}}  {:>7} x {:<7} {:4}  {:11} {:>8} tokens  {:>9.1f} MB  {}{}{}{}\n", planned.name(), width,
          planned.matrix.rows, planned.matrix.cols, dtype_name(planned.tensor->dtype), planned.calibration_kind(),
          planned.calibration ? std::to_string(planned.calibration->tokens) : "-", planned.working_set() / 1e6,
          described(planned.matrix.options), planned.matrix.transposed ? ", transposed" : "",
          planned.calibration && planned.calibration->held_out > 0
              ? fmt::format(", {} tokens held out", planned.calibration->held_out)
              : "",
          override_text(planned));
  for (const LeftOut& left : plan.left_out)
    print("{:{}}  {:>17} {:4}  passes through: {}\n", left.tensor->name, width, shape_text(left.tensor->shape),
          dtype_name(left.tensor->dtype), left.reason);
  print("{} matrices are quantized, {} tensors of 2 or 3 dimensions pass through\n", plan.matrices.size(),
        plan.left_out.size());
  print("largest working set {:.1f} MB\n", plan.peak() / 1e6);
}

void print_left_out(const Plan& plan) {
  std::map<std::string, std::vector<std::string>> names;
  for (const LeftOut& left : plan.left_out) names[left.reason].push_back(left.tensor->name);
  for (const auto& [reason, list] : names)
    warn("{} {} left as {}: {}: {}{}", list.size(), list.size() == 1 ? "matrix" : "matrices",
         list.size() == 1 ? "it is" : "they are", reason, list.front(), list.size() > 1 ? ", ..." : "");
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

Status QuantizeReport::add(const PlannedMatrix& planned, const QuantizedTensor& quantized) {
  const Quantized& result = quantized.judged.result;
  const Options& options = planned.matrix.options;
  const double rtn = sum(result.loss_rtn), proposal = sum(result.loss_proposal), final_loss = sum(result.loss_final);
  ++matrices_;
  rows_ += planned.rows();
  guard_rows_ += result.guard_rows;
  clipped_ += result.clipped;
  loss_rtn_ += rtn;
  loss_final_ += final_loss;
  std::string ratio = result.loss_rtn.empty() ? "-" : ratio_text(final_loss, rtn);
  if (const auto& held = quantized.held_out) {
    held_out_.loss_rtn += held->loss_rtn;
    held_out_.loss += held->loss;
    held_out_.tokens += held->tokens;
    ratio += fmt::format(" on {} tokens, {} on {} held out", planned.calibration->tokens,
                         ratio_text(held->loss, held->loss_rtn), held->tokens);
  }
  const MeanOptimality optimality = mean_optimality(quantized.judged.seen->values);
  optimality_.sum += optimality.sum;
  optimality_.rows += optimality.rows;
  note("{}  {} x {}  {}  {}  loss/RTN {}  guard {} of {} rows  clipped {}  dead {}{}", planned.name(), planned.rows(),
       planned.cols(), options.grid.name(), result.method, ratio, result.guard_rows, planned.rows(), result.clipped,
       result.dead_columns, optimality.rows > 0 ? "  " + optimality_text(optimality) : "");
  const std::string warning = warning_of(planned, quantized);
  if (!warning.empty()) warn("warning: {}: {}", planned.name(), warning);
  if (!file_) return ok();

  nlohmann::ordered_json line;
  line["name"] = planned.name();
  line["rows"] = planned.matrix.rows;
  line["cols"] = planned.matrix.cols;
  line.update(options_json(options));
  line["exact_in_binary32"] = exact_products(options, result);
  line["calibration"] = planned.calibration_kind();
  line["tokens"] = planned.calibration ? planned.calibration->tokens : 0;
  line["lambda"] = result.lambda;
  line["guard_rows"] = result.guard_rows;
  line["exact_rows"] = result.exact_rows;
  line["dead_columns"] = result.dead_columns;
  line["clipped"] = result.clipped;
  if (!result.loss_rtn.empty()) {
    line["loss_rtn"] = rtn;
    line["loss_proposal"] = proposal;
    line["loss"] = final_loss;
  }
  const OneOptRows one_opt = one_opt_rows(quantized.judged.seen->values);
  if (one_opt.rows > 0) line["one_opt_rows"] = one_opt.held, line["one_opt_judged"] = one_opt.rows;
  if (optimality.rows > 0) {
    line["loss_over_optimality"] = optimality.ratio();
    line["optimality_rows"] = optimality.rows;
  }
  if (const auto& held = quantized.held_out) {
    line["held_out_tokens"] = held->tokens;
    line["held_out_loss_rtn"] = held->loss_rtn;
    line["held_out_loss"] = held->loss;
  }
  if (!warning.empty()) line["warning"] = warning;
  return file_->write(line.dump() + "\n");
}

Status QuantizeReport::commit() { return file_ ? file_->commit() : ok(); }

void QuantizeReport::print_summary(const std::string& output) const {
  std::string loss = loss_rtn_ > 0 ? ", loss/RTN " + ratio_text(loss_final_, loss_rtn_) : "";
  if (held_out_.tokens > 0) loss += ", " + ratio_text(held_out_.loss, held_out_.loss_rtn) + " on tokens held out";
  if (optimality_.rows > 0) loss += ", " + optimality_text(optimality_);
  note("wrote {}: {} matrices quantized{}, guard kept RTN in {} of {} rows, {} codes clipped", output, matrices_, loss,
       guard_rows_, rows_, clipped_);
}

}  // namespace hallmark::cli
