#include "pipeline/input_digests.hpp"

#include <fmt/format.h>

#include <chrono>

#include "io/sha256.hpp"
#include "pipeline/beside.hpp"
#include "pipeline/hashing.hpp"

namespace hallmark {
namespace {

// A part of a file as a job: its digest, and then those of its tensors.
HashResult part_digests(const SafeTensors& file, std::size_t part) {
  HashResult digests(1);
  std::string whole =
      file.part_digest(part, {}, [&](const TensorInfo&, std::string digest) { digests.push_back(std::move(digest)); });
  digests.front() = std::move(whole);
  return digests;
}

// The parts of a file one after the other.
FileDigests of_parts(const SafeTensors& file, std::span<const HashResult> parts) {
  FileDigests digests;
  std::vector<std::string> wholes;
  auto tensor = file.tensors().begin();
  for (const HashResult& part : parts) {
    wholes.push_back(part.front());
    for (std::size_t k = 1; k < part.size(); ++k) digests.tensors[(tensor++)->name] = part[k];
  }
  digests.whole = file.digest_of_parts(wholes);
  return digests;
}

}  // namespace

Expected<std::optional<KnownDigests>> shared_digests(Ranks* ranks, const std::string& program,
                                                     const SafeTensors& weights, const CalibrationFile* calibration) {
  if (!ranks || ranks->size() == 1) return std::optional<KnownDigests>();
  std::vector<const SafeTensors*> files{&weights};
  if (calibration) files.push_back(&calibration->file());
  std::vector<HashJob> jobs;
  std::vector<std::pair<const SafeTensors*, std::size_t>> parts;
  std::string seen = program;
  for (const SafeTensors* const file : files) {
    seen += fmt::format("\n{}", file->identity());
    for (std::size_t part = 0; part < file->parts(); ++part) {
      jobs.push_back({fmt::format("part {} of {}", part, file == &weights ? "W" : "C"), file->part_bytes(part)});
      parts.emplace_back(file, part);
    }
  }
  const auto hashed = share_hashing(*ranks, seen, jobs, [&](const std::vector<std::size_t>& mine) {
    return hash_by_threads(mine, [&](std::size_t job) { return part_digests(*parts[job].first, parts[job].second); });
  });
  if (!hashed) return hashed.error();
  const std::span all(*hashed);
  std::optional<KnownDigests> known(std::in_place);
  known->weights = of_parts(weights, all.first(weights.parts()));
  if (calibration) known->calibration = of_parts(calibration->file(), all.subspan(weights.parts()));
  return known;
}

InputDigests::File::File(FileDigests known) : tensors_(std::move(known.tensors)) {
  std::promise<std::string> whole;
  whole.set_value(std::move(known.whole));
  whole_ = whole.get_future().share();
}

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

InputDigests::InputDigests(const SafeTensors& weights, const CalibrationFile* calibration,
                           std::optional<KnownDigests> known)
    : calibration_(calibration),
      weights_(known ? File(std::move(known->weights)) : File(&weights, stop_.get_token())),
      of_calibration_(known ? File(std::move(known->calibration))
                            : File(calibration ? &calibration->file() : nullptr, stop_.get_token())) {}

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
