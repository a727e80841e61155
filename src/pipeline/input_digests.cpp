#include "pipeline/input_digests.hpp"

#include <chrono>

#include "io/sha256.hpp"
#include "pipeline/beside.hpp"

namespace hallmark {

InputDigests::File::File(const SafeTensors* file, const std::stop_token& stop)
    : whole_(beside([this, file, stop]() -> std::string {
        if (!file) return "";
        try {
          return file->digest(stop, [this](const TensorInfo& tensor, std::string digest) {
            const std::scoped_lock lock(mutex_);
            tensors_[tensor.name] = std::move(digest);
            known_.notify_all();
          });
        } catch (...) {  // memory: who waits for a tensor must see it
          const std::scoped_lock lock(mutex_);
          failed_ = true;
          known_.notify_all();
          throw;
        }
      })) {}

std::string InputDigests::File::tensor(const std::string& name) const {
  if (whole_.wait_for(std::chrono::seconds(0)) == std::future_status::deferred)
    whole_.wait();  // no thread was left for it
  std::unique_lock lock(mutex_);
  known_.wait(lock, [&] { return failed_ || tensors_.contains(name); });
  if (failed_) whole_.get();
  return tensors_.at(name);
}

InputDigests::InputDigests(const SafeTensors& weights, const CalibrationFile* calibration)
    : calibration_(calibration),
      weights_(&weights, stop_.get_token()),
      of_calibration_(calibration ? &calibration->file() : nullptr, stop_.get_token()) {}

void InputDigests::enter(CertificateHeader& header) const {
  header.weights_sha256 = weights_.whole();
  header.calibration_sha256 = of_calibration_.whole();
}

std::string InputDigests::of_weights(const PlannedMatrix& planned) const {
  return planned.matrix.index ? sha256_hex(planned.bytes()) : weights_.tensor(planned.matrix.tensor);
}

std::string InputDigests::of_gram(const PlannedMatrix& planned) const {
  const bool stored = planned.uses_gram() && planned.calibration && calibration_->stored_as_used(planned.name());
  return stored ? of_calibration_.tensor(planned.name() + ".gram") : "";
}

}  // namespace hallmark
