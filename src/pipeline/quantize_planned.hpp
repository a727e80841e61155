// One planned matrix from its files to codes.
#pragma once

#include "cuda/backend.hpp"
#include "pipeline/holdout.hpp"
#include "pipeline/quantize_matrix.hpp"

namespace hallmark {

/// A matrix as the quantizer sees it, read from the files.
struct LoadedMatrix {
  HeldMatrix<float> W;                  ///< [rows, cols]
  std::optional<HeldMatrix<double>> G;  ///< [cols, cols], stored or accumulated; none where the method needs none
  std::optional<CrossGrams> cross;      ///< of an asymmetric target
  std::optional<Steps> given;           ///< where C holds them
  contracts::Report contracts;          ///< of a Gram matrix that was accumulated here
};

/// W and a stored Gram matrix in place, where their files hold them as they are used. Errors: E0350; those of
/// accumulate_gram and CalibrationFile.
Expected<LoadedMatrix> load_matrix(const PlannedMatrix& planned, const CalibrationFile* calibration,
                                   contracts::Policy policy, cuda::EngineBackend* device = nullptr);

/// The pages of both files that hold the matrix need not stay in memory.
void forget(const PlannedMatrix& planned, const CalibrationFile* calibration);

/// Reads every number that the plan uses, so that what is wrong with one is said before any work: also that a scale
/// cannot exist. Errors: E0350, E0351, E0382, E0383, E0321, E0421.
Status check_values(const Plan& plan, const CalibrationFile* calibration);

/// A quantized matrix with what it was quantized from.
struct QuantizedTensor {
  LoadedMatrix loaded;
  JudgedMatrix judged;
  std::optional<HeldOut> held_out;  ///< entered by run_quantization, where tokens were held out
  std::string weights_sha256,
      gram_sha256;  ///< of the matrix's bytes in W, and of G ("" without): InputDigests enters them
  std::string cross_sha256 = {}, float_sha256 = {};  ///< of C and K; "" with a plain target
};

/// Reads and quantizes. Of the digests only that of a Gram matrix which C does not hold as it is used is entered.
/// Errors: those of load_matrix, quantize and the device.
Expected<QuantizedTensor> quantize_planned(const PlannedMatrix& planned, const CalibrationFile* calibration,
                                           const Demands& demands, cuda::EngineBackend* device = nullptr);

/// Quantizes what is loaded. Of the digests only that of the Gram matrix is entered, where it is asked for. Errors:
/// those of load_matrix's contracts, quantize and the device.
Expected<QuantizedTensor> quantize_loaded(const PlannedMatrix& planned, LoadedMatrix loaded, bool digest_gram,
                                          const Demands& demands, cuda::EngineBackend* device = nullptr);

/// What the contracts and exact arithmetic found wrong with a matrix, or ok. Errors: those of the contracts; E0621.
Status check_judged(const PlannedMatrix& planned, const JudgedMatrix& judged);

/// The matrix's part of the certificate, but for the digests of codes and steps: those are of the container's bytes.
/// Takes seen->values.
CertifiedTensor certified_tensor(const PlannedMatrix& planned, QuantizedTensor& quantized);

/// SHA-256 of G as binary64 words row by row.
std::string gram_sha256(MatrixRef<double> G);

/// Those of C and K, where the target is asymmetric, into a QuantizedTensor or a CertifiedTensor.
void enter_cross_digests(const LoadedMatrix& loaded, auto& tensor) {
  if (!loaded.cross) return;
  tensor.cross_sha256 = gram_sha256(loaded.cross->C.view());
  tensor.float_sha256 = gram_sha256(loaded.cross->K.view());
}

/// The views of C and K that a layer refers to; none with a plain target.
std::optional<FloatInputs> float_inputs(const LoadedMatrix& loaded);

}  // namespace hallmark
