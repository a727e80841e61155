// What `quantize` writes: the container and its certificate, one tensor behind the work.
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "certify/certificate.hpp"
#include "pipeline/quantize_planned.hpp"
#include "artifact/quantized_file.hpp"

namespace hallmark {

/// Both files are written by one thread beside the caller, in the order of the calls: each call first waits for what
/// the one before it began, and returns its error. So at most one tensor waits to be written, and only where it is
/// small (below).
class QuantizeOutputs {
 public:
  /// The digests of the inputs in both headers may be any 64 digits. Errors: those of both writers' create().
  static Expected<QuantizeOutputs> create(const std::string& path, bool overwrite, std::uint64_t max_shard_bytes,
                                          const QuantizedHeader& header, const CertificateHeader& certificate);

  /// Begins to copy the tensors of W that are not quantized. W and the plan outlive the object.
  Status pass_through(const SafeTensors& weights, const Plan& plan);
  /// Begins to write codes, scales and certificate of a tensor; takes them out of `quantized`.
  Status write(const PlannedMatrix& planned, QuantizedTensor&& quantized);
  /// Waits for what was begun. Errors: what went wrong in it.
  Status settle();
  /// Enters the headers' digests, then makes all files durable under their names, by commit_pair or, with shards, as
  /// one set: the old ones or the new ones.
  Status commit(const CertificateHeader& certificate);

 private:
  struct Files {
    QuantizedFileWriter writer;
    CertificateWriter certificate;
  };
  explicit QuantizeOutputs(Files files) : files_(std::make_unique<Files>(std::move(files))) {}

  std::unique_ptr<Files> files_;  // where the thread finds them when this object moves
  std::future<Status> writing_;
};

}  // namespace hallmark
