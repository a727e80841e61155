// Which tensors of W a run quantizes: every offender is found and named before any work begins.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "calibrate/calibration_file.hpp"
#include "io/safetensors.hpp"
#include "linalg/matrix.hpp"
#include "method/quantized.hpp"

namespace hallmark {

struct PlannedTensor {
  const TensorInfo* weight;
  const CalibrationEntry* calibration;  ///< nullptr with --method rtn and no calibration
  Index rows, cols;
  std::string file = {};  ///< of the weight, for messages

  /// Multiplications, for progress: rows cols^2 of the recurrence and cols^3 / 3 of the factorization.
  double work() const;
  /// Bytes that this tensor needs at once: W, G, U and codes.
  double working_set() const;
  /// "none", "gram" or "activations".
  const char* calibration_kind() const;
};

struct Selection {
  std::vector<std::string> include, exclude;  ///< regular expressions on tensor names
};

/// The 2-D tensors that C knows (all 2-D tensors for RTN without C), narrowed by the selection, in W's order.
/// Errors: E0210 malformed pattern; E0430 a pattern that matches no 2-D tensor; E0431 selected tensors without
/// calibration; E0415 calibration of another shape; E0351 a dtype that is not F32, BF16 or F16; E0432 nothing selected.
Expected<std::vector<PlannedTensor>> plan_tensors(const SafeTensors& weights, const CalibrationFile* calibration,
                                                  Method method, const Selection& selection);

}  // namespace hallmark
