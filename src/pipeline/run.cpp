#include "pipeline/run.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error_numbers.hpp"
#include "pipeline/beside.hpp"
#include "pipeline/input_digests.hpp"
#include "pipeline/kept_matrices.hpp"
#include "pipeline/quantize_outputs.hpp"
#include "pipeline/shared_quantization.hpp"

namespace hallmark {
namespace {

const std::string not_yet(64, '0');  // in the place of a digest

QuantizedHeader header_of(const RunRequest& request) {
  QuantizedHeader header;
  header.tool = request.tool;
  header.source_sha256 = not_yet;
  if (request.calibration) header.calibration_sha256 = not_yet;
  header.source_metadata = request.weights.metadata();
  header.source_shards = request.weights.shards();
  for (const TensorInfo& tensor : request.weights.tensors())
    header.tensors.push_back({tensor.name, tensor.dtype, tensor.shape});
  for (const PlannedMatrix& planned : request.plan.matrices) header.matrices.push_back(planned.matrix);
  return header;
}

Status measure_held_out(const PlannedMatrix& planned, const CalibrationFile* calibration, QuantizedTensor& quantized) {
  if (!quantized.loaded.G || planned.calibration->held_out == 0) return ok();
  const auto losses = held_out_losses(planned, *calibration, quantized.loaded.W.view(), quantized.judged.result);
  if (!losses) return losses.error();
  quantized.held_out = *losses;
  return ok();
}

CertificateHeader certificate_header_of(const RunRequest& request) {
  CertificateHeader certificate;
  certificate.tool = request.tool;
  certificate.weights_sha256 = not_yet;
  if (request.calibration) certificate.calibration_sha256 = not_yet;
  certificate.contracts = contracts::to_string(request.demands.contracts);
  certificate.asymmetric = std::ranges::any_of(request.plan.matrices, [](const PlannedMatrix& planned) {
    return planned.matrix.options.target != plain_target;
  });
  return certificate;
}

// The matrix quantized, judged and with its digests.
Expected<QuantizedTensor> made_matrix(const PlannedMatrix& planned, const RunRequest& request,
                                      const InputDigests& digests, TellRows tell = {}) {
  Demands demands = request.demands;
  demands.tell = std::move(tell);
  Expected<QuantizedTensor> quantized = quantize_planned(planned, request.calibration, demands, request.device);
  if (!quantized) return quantized;
  if (const Status good = check_judged(planned, quantized->judged); !good) return good.error();
  if (const Status measured = measure_held_out(planned, request.calibration, *quantized); !measured)
    return measured.error();
  quantized->weights_sha256 = digests.of_weights(planned);
  if (const std::string stored = digests.of_gram(planned); !stored.empty()) quantized->gram_sha256 = stored;
  return quantized;
}

// The same, kept in the state, or taken from there, where there is one.
Expected<QuantizedTensor> finished_matrix(const PlannedMatrix& planned, const RunRequest& request,
                                          const RunEvents& events, const InputDigests& digests, TellRows tell) {
  if (request.state)
    if (auto taken = take_kept(planned, request, events, digests)) return *std::move(taken);
  Expected<QuantizedTensor> quantized = made_matrix(planned, request, digests, std::move(tell));
  if (!quantized) return quantized;
  if (request.state)
    if (const Status kept = keep(planned, matrix_bytes(planned, *quantized), request, digests); !kept)
      return kept.error();
  return quantized;
}

}  // namespace

Expected<std::vector<std::uint64_t>> planned_cut(const RunRequest& request) {
  return container_cut(header_of(request), request.max_shard_bytes);
}

Expected<contracts::Report> run_quantization(const RunRequest& request, const RunEvents& events) {
  const CalibrationFile* const calibration = request.calibration;
  const MakeMatrix make = [&](const PlannedMatrix& planned, const InputDigests& digests) {
    return made_matrix(planned, request, digests);
  };
  if (request.ranks && request.ranks->rank() > 0) {
    const Status helped = help_quantization(request, make);
    return helped ? Expected<contracts::Report>(contracts::Report()) : helped.error();
  }
  CertificateHeader certificate = certificate_header_of(request);
  Expected<QuantizeOutputs> outputs = QuantizeOutputs::create(request.output, request.overwrite,
                                                              request.max_shard_bytes, header_of(request), certificate);
  if (!outputs) return outputs.error();
  auto known = shared_digests(request.ranks, request.program, request.weights, calibration);
  if (!known) return known.error();
  const InputDigests digests(request.weights, calibration, *std::move(known));
  std::unique_ptr<SharedQuantization> shared;
  if (request.ranks && request.ranks->size() > 1) {
    auto begun = SharedQuantization::begin(request, events, digests, make);
    if (!begun) return begun.error();
    shared = *std::move(begun);
  }
  contracts::Report judged;
  const double total = request.plan.work();
  double done = 0;
  if (const Status begun = outputs->pass_through(request.weights, request.plan); !begun) return begun.error();
  for (const PlannedMatrix& planned : request.plan.matrices) {
    if (events.progress) events.progress(done, total, planned.name());
    Expected<QuantizedTensor> quantized =
        shared ? shared->take(planned)
               : finished_matrix(planned, request, events, digests,
                                 judgements_of(planned, done, total, events.within_matrix));
    // What came first is told first, however the threads ran.
    if (const Status written = outputs->settle(); !written) return written.error();
    if (!quantized) return quantized.error();
    judged.merge(quantized->judged.contracts);
    if (events.finished)
      if (const Status seen = events.finished(planned, *quantized); !seen) return seen.error();
    if (const Status begun = outputs->write(planned, *std::move(quantized)); !begun) return begun.error();
    done += planned.work();
    forget(planned, calibration);
  }
  if (const Status written = outputs->settle(); !written) return written.error();
  digests.enter(certificate);
  // A mixture of two versions of an input must not be certified as one.
  if (const Status whole = inputs_unchanged(request); !whole) return whole.error();
  if (const Status written = outputs->commit(certificate); !written) return written.error();
  if (const auto reopened = QuantizedFile::open(request.output); !reopened) return reopened.error();
  return judged;
}

}  // namespace hallmark
