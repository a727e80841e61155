// What codes lose on tokens of the calibration that they have not seen.
#pragma once

#include "method/quantized.hpp"
#include "pipeline/plan.hpp"

namespace hallmark {

/// Plain losses sum_t |(W - What) x_t|^2 over the tokens that were held out, of round-to-nearest and of the codes.
struct HeldOut {
  std::uint64_t tokens = 0;
  double loss_rtn = 0, loss = 0;
};

/// Whether every matrix that uses calibration has activations of which some are used and some are held out. Errors:
/// E0438.
Status check_holdout(const Plan& plan, const CalibrationFile* calibration);

/// W [rows, cols] is the matrix. Each error times an activation is a chain over the columns in increasing order, in
/// binary64; the bits do not depend on threads. Errors: those of CalibrationFile::activations.
Expected<HeldOut> held_out_losses(const PlannedMatrix& planned, const CalibrationFile& calibration, MatrixRef<float> W,
                                  const Quantized& result);

}  // namespace hallmark
