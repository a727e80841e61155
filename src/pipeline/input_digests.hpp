// The digests of W and C and of their tensors, computed beside the work.
#pragma once

#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "pipeline/quantize_planned.hpp"
#include "ranks/ranks.hpp"

namespace hallmark {

struct FileDigests {
  std::string whole;
  std::map<std::string, std::string> tensors;
};
struct KnownDigests {
  FileDigests weights, calibration;
};

/// Of both files, where several ranks need them: those of one machine that see the same files hash them once, a file or
/// shard by one thread. Nothing for a process alone. Called by every rank. Errors: those of share_hashing.
Expected<std::optional<KnownDigests>> shared_digests(Ranks* ranks, const std::string& program,
                                                     const SafeTensors& weights, const CalibrationFile* calibration);

/// Reads each file once; what is not yet known is waited for. Given up where the object ends before. Both files outlive
/// it. What is known already is not computed.
class InputDigests {
 public:
  InputDigests(const SafeTensors& weights, const CalibrationFile* calibration, std::optional<KnownDigests> known = {});
  ~InputDigests() { stop_.request_stop(); }

  /// Those of both files.
  void enter(CertificateHeader& header) const;
  /// That of the matrix's bytes in W.
  std::string of_weights(const PlannedMatrix& planned) const;
  /// That of its Gram matrix, where C stores it as it is used; else "".
  std::string of_gram(const PlannedMatrix& planned) const;
  /// That of a tensor of C. Precondition: C has it.
  std::string of_calibration(const std::string& tensor) const { return of_calibration_.tensor(tensor); }

 private:
  class File {
   public:
    File(const SafeTensors* file, const std::stop_token& stop);
    explicit File(FileDigests known);
    std::string whole() const { return whole_.get(); }
    std::string tensor(const std::string& name) const;

   private:
    mutable std::mutex mutex_;
    mutable std::condition_variable known_;
    std::map<std::string, std::string> tensors_;
    bool failed_ = false;
    std::shared_future<std::string> whole_;
  };

  std::stop_source stop_;
  const CalibrationFile* calibration_;
  File weights_, of_calibration_;
};

}  // namespace hallmark
