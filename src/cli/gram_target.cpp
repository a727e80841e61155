#include "cli/gram_target.hpp"

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "cli/progress.hpp"
#include "measure/in_order.hpp"
#include "method/asymmetric.hpp"
#include "method/rtn.hpp"
#include "pipeline/accumulate.hpp"
#include "pipeline/quantize_matrix.hpp"

namespace hallmark::cli {
namespace {

void plan_matrices(std::vector<GramPlan>& plan, const std::string& weight, std::uint64_t cols, std::uint64_t tokens,
                   bool crossed) {
  for (const auto suffix : {gram_suffix, cross_gram_suffix, float_gram_suffix})
    if (crossed || suffix == gram_suffix) plan.push_back({weight, cols, tokens, suffix});
}

const Matrix<double>& matrix_of(const TargetGrams& grams, std::string_view suffix) {
  return suffix == gram_suffix ? grams.H : suffix == cross_gram_suffix ? grams.C : grams.K;
}

// What the codes stand for.
Expected<Matrix<float>> quantized_for(const TargetGrams& target, MatrixRef<float> W, const Options& options,
                                      const std::string& name) {
  const MatrixRef<double> H = target.H;
  const FloatInputs inputs{target.C, target.K};
  Layer layer{name, W, &H, target.tokens, target.tokens};
  if (options.target != plain_target) layer.inputs = &inputs;
  const auto done = quantize_matrix(layer, options, std::nullopt, {contracts::Policy::off, false, false, {}});
  if (!done) return done.error();
  return dequantize(done->result.codes, done->result.steps, options.grid);
}

// Whether the entries of two files are activations of the same tokens.
Status check_pair(const CalibrationFile& file, const CalibrationFile& behind) {
  const auto refused = [&](Exit exit, int number, const std::string& weight, std::string what) {
    return Error{exit, number, "the inputs of both models do not fit together",
                 fmt::format("{} and {}: {}: {}", file.path(), behind.path(), weight, what),
                 "store NAME.activations of both models over the same text, each file beside its fellow"};
  };
  for (const CalibrationFile* one : {&file, &behind})
    for (const auto& [weight, entry] : one->entries()) {
      const CalibrationEntry *X = file.find(weight), *moved = behind.find(weight);
      if (!X || !moved)
        return refused(Exit::infeasible, error_number::calibration_shape, weight, "in one of them alone");
      if (X->is_gram || moved->is_gram)
        return refused(Exit::usage, error_number::calibration_kind, weight, "a Gram matrix, where activations go");
      if (X->cols != moved->cols || X->tokens != moved->tokens)
        return refused(Exit::infeasible, error_number::calibration_shape, weight,
                       fmt::format("[{}, {}] and [{}, {}]", X->tokens, X->cols, moved->tokens, moved->cols));
    }
  return ok();
}

}  // namespace

Expected<WeightGrams> grams_in_order(const Model& model, const Grams& grams, const TrainSplit& train,
                                     std::span<const std::uint64_t> offsets, RuleSet& rules) {
  WeightGrams kept;
  Progress progress("quantize");
  const auto quantize = [&](const std::string& name, const TargetGrams& target) -> Expected<Matrix<float>> {
    progress.update(static_cast<double>(kept.size()), static_cast<double>(grams.size()), name);
    const Expected<Resolved> resolved = rules.resolve(name);
    if (!resolved) return resolved.error();
    const bool crossed = !resolved->skip && resolved->options.target != plain_target;
    const SiteGram& plain = *grams.at(name);
    const TargetGrams& by = kept[name] = crossed ? target : TargetGrams{plain.tokens, plain.G, {}, {}};
    if (resolved->skip) return model[name];
    rules.enter_use(*resolved, name, resolved->options, {});
    return quantized_for(by, model[name], resolved->options, name);
  };
  if (const auto quantized = quantize_in_order(model, grams, train, offsets, quantize); !quantized)
    return quantized.error();
  if (const Status used = rules.check_used(kept.size()); !used) return used.error();
  return kept;
}

Status write_weight_grams(const std::string& output, bool overwrite, const WeightGrams& weights) {
  std::vector<GramPlan> plan;
  for (const auto& [weight, grams] : weights)
    plan_matrices(plan, weight, static_cast<std::uint64_t>(grams.H.cols()), static_cast<std::uint64_t>(grams.tokens),
                  grams.C.size() > 0);
  return write_grams(output, overwrite, plan, [&](std::size_t i) -> Expected<Matrix<double>> {
    return matrix_of(weights.at(plan[i].weight), plan[i].suffix);
  });
}

Status write_behind(const std::string& output, bool overwrite, std::span<const CalibrationFile> files,
                    std::span<const CalibrationFile> behind) {
  struct Size {
    std::uint64_t cols = 0, tokens = 0;
  };
  std::map<std::string, Size> sizes;
  for (std::size_t f = 0; f < files.size(); ++f) {
    if (const Status pair = check_pair(files[f], behind[f]); !pair) return pair;
    for (const auto& [weight, entry] : files[f].entries()) {
      Size& size = sizes.try_emplace(weight, Size{entry.cols, 0}).first->second;
      if (size.cols != entry.cols)
        return Error{
            Exit::infeasible, error_number::calibration_shape, "the files disagree in the number of columns",
            fmt::format("{}: {}: {} columns, {} in a file before", files[f].path(), weight, entry.cols, size.cols),
            "capture both from one model"};
      size.tokens += entry.tokens;
    }
  }
  std::vector<GramPlan> plan;
  for (const auto& [weight, size] : sizes) plan_matrices(plan, weight, size.cols, size.tokens, true);
  Progress progress("gram");
  TargetGrams sums;  // of the weight whose matrices are written
  return write_grams(output, overwrite, plan, [&](std::size_t i) -> Expected<Matrix<double>> {
    progress.update(static_cast<double>(i), static_cast<double>(plan.size()), plan[i].weight);
    if (plan[i].suffix == gram_suffix) {
      Expected<TargetGrams> made = accumulate_target(files, behind, plan[i].weight);
      if (!made) return made.error();
      sums = *std::move(made);
    }
    return matrix_of(sums, plan[i].suffix);
  });
}

}  // namespace hallmark::cli
