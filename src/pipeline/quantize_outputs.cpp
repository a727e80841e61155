#include "pipeline/quantize_outputs.hpp"

#include <unordered_set>

#include "pipeline/beside.hpp"

namespace hallmark {
namespace {

// A tensor of more codes is written before the next is begun: waiting would take memory, and its hours of arithmetic
// hide nothing worth hiding (codes grow with cols, work with cols^2).
constexpr Index most_codes_waiting = Index{32} << 20;

template <class T>
std::span<const T> all(const Matrix<T>& M) {
  return {M.data(), static_cast<std::size_t>(M.size())};
}

}  // namespace

Expected<QuantizeOutputs> QuantizeOutputs::create(const std::string& path, bool overwrite,
                                                  std::uint64_t max_shard_bytes, const QuantizedHeader& header,
                                                  const CertificateHeader& certificate) {
  Expected<QuantizedFileWriter> writer = QuantizedFileWriter::create(path, overwrite, header, max_shard_bytes);
  if (!writer) return writer.error();
  Expected<CertificateWriter> certificate_writer = CertificateWriter::create(
      is_index_name(path) ? writer->files().companion_path() : certificate_path(path), overwrite, certificate);
  if (!certificate_writer) return certificate_writer.error();
  return QuantizeOutputs({*std::move(writer), *std::move(certificate_writer)});
}

Status QuantizeOutputs::pass_through(const SafeTensors& weights, const Plan& plan) {
  if (const Status before = settle(); !before) return before;
  writing_ = beside([&writer = files_->writer, &weights, &plan]() -> Status {
    std::unordered_set<const TensorInfo*> quantized;
    for (const PlannedMatrix& planned : plan.matrices) quantized.insert(planned.tensor);
    for (const TensorInfo& tensor : weights.tensors())
      if (!quantized.contains(&tensor))
        if (const Status written = writer.write_unchanged(tensor); !written) return written;
    return ok();
  });
  return ok();
}

Status QuantizeOutputs::write(const PlannedMatrix& planned, QuantizedTensor&& quantized) {
  if (const Status before = settle(); !before) return before;
  CertifiedTensor certified = certified_tensor(planned, quantized);
  Quantized& result = quantized.judged.result;
  const bool large = result.codes.size() > most_codes_waiting;
  writing_ = beside([&files = *files_, matrix = planned.matrix, codes = std::move(result.codes),
                     steps = std::move(result.steps), certified = std::move(certified)]() mutable -> Status {
    if (const Status written = files.writer.write_quantized(matrix.name, all(codes), steps); !written) return written;
    const StoredDigests digests = stored_digests(matrix, codes, steps);
    certified.codes_sha256 = digests.codes;
    certified.scales_sha256 = digests.scales;
    certified.zeros_sha256 = digests.zeros;
    certified.rotated_sha256 = digests.rotated;
    certified.low_rank_sha256 = digests.low_rank;
    return files.certificate.add(certified);
  });
  return large ? settle() : ok();
}

Status QuantizeOutputs::settle() { return settled(writing_); }

Status QuantizeOutputs::commit(const CertificateHeader& certificate) {
  if (const Status before = settle(); !before) return before;
  if (const Status entered = files_->writer.replace_digests(certificate.weights_sha256, certificate.calibration_sha256);
      !entered)
    return entered;
  if (const Status entered = files_->certificate.replace_header(certificate); !entered) return entered;
  if (const Status written = files_->certificate.seal(); !written) return written;
  const Expected<std::string> content = files_->writer.seal();
  if (!content) return content.error();
  AtomicFile& beside_it = files_->certificate.file();
  return files_->writer.files().commit(&beside_it, waiting_certificate(beside_it.path(), *content));
}

}  // namespace hallmark
