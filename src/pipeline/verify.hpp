// Verification of a quantized model matrix by matrix: its stored codes judged, or the run that made them reproduced.
#pragma once

#include <optional>

#include "certify/loss_verifier.hpp"
#include "pipeline/input_digests.hpp"

namespace hallmark {

/// The matrices of a model as those of W and C: what verification walks. Errors: E0711 a tensor that W or C has
/// not, or of another shape; E0201 a calibrated matrix and no C.
Expected<Plan> plan_of(const QuantizedModel& model, const SafeTensors& weights, const CalibrationFile* calibration);

/// What was found of one matrix.
struct Verified {
  LoadedMatrix loaded;
  CertifiedTensor tensor;        ///< as certified, or as computed where nothing is claimed or a run was reproduced
  Matrix<Code> codes_rtn;        ///< round-to-nearest with the stored steps
  std::optional<Error> differs;  ///< E0711, E0712 or E0713: names tensor and row
  JudgedRows judged;
  bool unjudged_scales = false;      ///< of a rule that judges codes: only the run tells whether they are its own
  bool unjudged_counts = false;      ///< the codes leave open how many were clipped, or which rows the guard kept
  std::uint64_t worse_rows = 0;      ///< without a claim: rows that surely lose more than round-to-nearest
  std::uint64_t exact_elements = 0;  ///< reproduced: elements of the recurrence that exact arithmetic decided
  double largest_ratio = 0;          ///< max |u' - u| / delta over them
};

/// The rule from whose steps a search began that had to lose no more than round-to-nearest under them; none where
/// nothing was searched, or nothing is promised of it.
std::optional<std::string> rule_before_search(const Options& options);

/// Judges the stored codes and steps, whatever made them. With a claim: that options, digests, scale rule, lambda,
/// counts and the losses of every row are true of the files, that no row is above its bound, nor, where steps were
/// searched, above round-to-nearest under those of the rule; the contracts of the run and how small its bounds are
/// cannot be told from them. Without one nothing is promised, and the losses are computed. `tell` hears of every row
/// that exact arithmetic judges. Errors: those of load_matrix and LossVerifier; E0365, E0366. Throws what `tell` does.
Expected<Verified> judge_stored(const PlannedMatrix& planned, const CalibrationFile* calibration,
                                const QuantizedModel& model, const CertifiedTensor* claim, ExactRows exact,
                                const InputDigests& digests, const TellRows& tell = {});

/// Quantizes the matrix again and compares: steps, then codes, then the certificate, then what exact arithmetic found.
/// Errors: those of quantize_planned; they are E0712 when the digests of the sources differ.
Expected<Verified> reproduce(const PlannedMatrix& planned, const CalibrationFile* calibration,
                             const QuantizedModel& model, const CertifiedTensor& claim, const Demands& demands,
                             const InputDigests& digests, bool sources_differ, cuda::EngineBackend* device = nullptr);

}  // namespace hallmark
