// What a run does to each tensor of W: every offender is found and named before any work begins.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "artifact/quantized_model.hpp"
#include "calibrate/calibration_file.hpp"
#include "pipeline/rules.hpp"

namespace hallmark {

/// A matrix that is quantized, with its options as resolved: scale_rule is `given` where C holds the steps, method is
/// rtn where there is no calibration and a rule says so.
struct PlannedMatrix {
  const TensorInfo* tensor;              ///< of W
  QuantizedMatrix matrix;                ///< name, place in the tensor, shape, options
  const CalibrationEntry* calibration;   ///< nullptr without
  std::string file = {};                 ///< of the weight, for messages
  std::vector<Override> overrides = {};  ///< what its calibration, or the want of it, makes of its options

  const std::string& name() const { return matrix.name; }
  Index rows() const { return static_cast<Index>(matrix.rows); }
  Index cols() const { return static_cast<Index>(matrix.cols); }
  bool uses_gram() const;
  /// The bytes of the matrix in W.
  std::span<const std::byte> bytes() const;
  /// Multiplications, for progress: rows cols^2 of the recurrence and cols^3 / 3 of the factorization.
  double work() const;
  /// Bytes that this matrix needs at once.
  double working_set() const;
  /// "none", "gram" or "activations".
  const char* calibration_kind() const;
};

/// A tensor of 2 or 3 dimensions that passes through, and why.
struct LeftOut {
  const TensorInfo* tensor;
  std::string reason;
};

struct Plan {
  std::vector<PlannedMatrix> matrices;  ///< in the order of W, stacks by index
  std::vector<LeftOut> left_out;
  double work() const;
  /// Bytes that a run holds at most beside the pages of its inputs.
  double peak() const;
};

struct Selection {
  std::vector<std::string> include, exclude;  ///< regular expressions on tensor names
};

/// Every tensor of 2 or 3 dimensions gets a matrix (3: one for each index) or a reason. Without a pattern that names
/// it, a tensor is quantized where C knows it, where a rule of a configuration file matches it, or, for methods that
/// need no calibration, where there is no C. Errors: E0210 malformed pattern; E0430 a pattern or rule that matches no
/// such tensor; E0431 selected matrices without calibration; E0385 with calibration of no token; E0415 calibration of
/// another shape; E0434 groups beyond the columns; E0435 zero points; E0232 a rotation, E0234 a target that its options
/// do not take; E0351 a dtype that is not F32, BF16 or F16; E0420 an empty matrix; E0432 nothing selected; E0436
/// calibration of a matrix that W lacks; those of RuleSet.
Expected<Plan> make_plan(const SafeTensors& weights, const CalibrationFile* calibration, RuleSet& rules,
                         const Selection& selection);

/// Where a matrix lies that no file holds, for messages.
inline constexpr const char* in_memory = "memory";

/// The same of one tensor of 2 dimensions in memory, and of its calibration (null without), both of which outlive the
/// plan. Errors: those of make_plan.
Expected<PlannedMatrix> plan_matrix(const TensorInfo& tensor, const CalibrationEntry* entry, RuleSet& rules);

}  // namespace hallmark
