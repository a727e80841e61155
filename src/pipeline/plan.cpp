#include "pipeline/plan.hpp"

#include <algorithm>
#include <regex>

#include <fmt/format.h>

namespace hallmark {
namespace {

/// At most the first eight names, so that a message stays readable.
std::string name_list(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 8); ++i) text += (i ? "; " : "") + names[i];
  if (names.size() > 8) text += fmt::format("; and {} more", names.size() - 8);
  return text;
}

/// Names among `matrices` that one of the patterns finds; each pattern has to find one.
Expected<std::vector<bool>> matching(const std::vector<std::string>& patterns, const char* flag,
                                     const std::vector<const TensorInfo*>& matrices) {
  std::vector<bool> found(matrices.size(), false);
  for (const std::string& pattern : patterns) {
    std::regex expression;
    try {
      expression.assign(pattern);
    } catch (const std::regex_error& error) {
      return Error{Exit::usage, 210, "malformed regular expression",
                   fmt::format("{} '{}': {}", flag, pattern, error.what()),
                   "ECMAScript syntax, for example 'mlp\\..*weight'"};
    }
    bool used = false;
    for (std::size_t i = 0; i < matrices.size(); ++i)
      if (std::regex_search(matrices[i]->name, expression)) used = found[i] = true;
    if (!used)
      return Error{Exit::infeasible, 430, "a pattern matches no 2-D tensor",
                   fmt::format("{} '{}' against {} 2-D tensors", flag, pattern, matrices.size()),
                   "hallmark inspect lists the names"};
  }
  return found;
}

}  // namespace

double PlannedTensor::work() const {
  const auto r = static_cast<double>(rows), c = static_cast<double>(cols);
  return calibration ? r * c * c + c * c * c / 3 : r * c;
}

double PlannedTensor::working_set() const {
  const auto r = static_cast<double>(rows), c = static_cast<double>(cols);
  const double weights_and_codes = r * c * (4 + 2);
  return calibration ? weights_and_codes + c * c * (8 + 8 + 4) : weights_and_codes;
}

const char* PlannedTensor::calibration_kind() const {
  if (!calibration) return "none";
  return calibration->is_gram ? "gram" : "activations";
}

Expected<std::vector<PlannedTensor>> plan_tensors(const SafeTensors& weights, const CalibrationFile* calibration,
                                                  Method method, const Selection& selection) {
  std::vector<const TensorInfo*> matrices;
  for (const TensorInfo& tensor : weights.tensors())
    if (tensor.shape.size() == 2) matrices.push_back(&tensor);
  const auto included = matching(selection.include, "--include", matrices);
  if (!included) return included.error();
  const auto excluded = matching(selection.exclude, "--exclude", matrices);
  if (!excluded) return excluded.error();

  std::vector<PlannedTensor> plan;
  std::vector<std::string> uncalibrated, unreadable, mismatched;
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const TensorInfo& tensor = *matrices[i];
    const CalibrationEntry* entry = calibration ? calibration->find(tensor.name) : nullptr;
    const bool named = !selection.include.empty() && (*included)[i];
    const bool eligible = selection.include.empty() ? entry != nullptr || !calibration : named;
    if (!eligible || (*excluded)[i]) continue;
    if (!entry && method == Method::gptq) uncalibrated.push_back(tensor.name);
    if (tensor.dtype != DType::F32 && tensor.dtype != DType::BF16 && tensor.dtype != DType::F16)
      unreadable.push_back(fmt::format("{} {}", tensor.name, dtype_name(tensor.dtype)));
    if (entry)
      if (const Status fits = calibration->check_weight(tensor.name, tensor.shape[0], tensor.shape[1]); !fits)
        mismatched.push_back(fits.error().where);
    plan.push_back({&tensor, entry, static_cast<Index>(tensor.shape[0]), static_cast<Index>(tensor.shape[1]),
                    weights.paths().front()});
  }
  if (!uncalibrated.empty())
    return Error{Exit::infeasible, 431, fmt::format("{} selected tensors have no calibration", uncalibrated.size()),
                 name_list(uncalibrated), "--method rtn, a calibration file that knows them, or --exclude"};
  if (!unreadable.empty())
    return Error{Exit::input, 351, fmt::format("{} selected tensors are not F32, BF16 or F16", unreadable.size()),
                 name_list(unreadable), "--exclude them"};
  if (!mismatched.empty())
    return Error{
        Exit::infeasible, 415, fmt::format("calibration and weights disagree in {} tensors", mismatched.size()),
        fmt::format("{}: {}", calibration->path(), name_list(mismatched)), "capture the calibration from this model"};
  if (plan.empty())
    return Error{Exit::infeasible, 432, "nothing to quantize",
                 fmt::format("{} 2-D tensors, {} calibration entries, {} tensors excluded", matrices.size(),
                             calibration ? calibration->entries().size() : 0,
                             std::count(excluded->begin(), excluded->end(), true)),
                 matrices.empty() ? "only 2-D tensors are quantized: hallmark inspect lists the shapes"
                 : selection.exclude.empty()
                     ? "the calibration names must be those of the weights: hallmark inspect shows both"
                     : "a narrower --exclude"};
  return plan;
}

}  // namespace hallmark
