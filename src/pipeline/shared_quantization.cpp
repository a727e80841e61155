#include "pipeline/shared_quantization.hpp"

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "io/sha256.hpp"
#include "pipeline/kept_matrices.hpp"

namespace hallmark {
namespace {

constexpr std::size_t matrices_ahead = 16;  // for each rank, from the one that is written next: what waits for its turn

// The digests of the files and, for everything that follows from command line and configuration, of what each matrix
// depends on.
Agreement agreement_of(const RunRequest& request, const InputDigests& digests) {
  CertificateHeader inputs;
  digests.enter(inputs);
  Sha256 plan;
  for (const PlannedMatrix& planned : request.plan.matrices) {
    plan.update(planned.name());
    for (const auto& [name, value] : dependencies_of(planned, request, digests))
      plan.update(fmt::format("\n{}: {}", name, value));
  }
  return {{"the program", request.program},
          {"the weights' SHA-256", inputs.weights_sha256},
          {"the calibration's SHA-256", inputs.calibration_sha256},
          {"the plan (options of every matrix)", plan.hex()}};
}

Expected<ItemBytes> made_bytes(const PlannedMatrix& planned, const RunRequest& request, const InputDigests& digests,
                               const MakeMatrix& make) {
  Expected<QuantizedTensor> made = make(planned, digests);
  if (!made) return made.error();
  if (const Status same = inputs_unchanged(request); !same) return same.error();
  ItemBytes bytes = matrix_bytes(planned, *made);
  forget(planned, request.calibration);
  return bytes;
}

}  // namespace

Status help_quantization(const RunRequest& request, const MakeMatrix& make) {
  auto known = shared_digests(request.ranks, request.program, request.weights, request.calibration);
  if (!known) return known.error();
  const InputDigests digests(request.weights, request.calibration, *std::move(known));
  if (const Status same = agree(*request.ranks, agreement_of(request, digests)); !same) return same;
  make_shared_items(*request.ranks,
                    [&](std::size_t item) { return made_bytes(request.plan.matrices[item], request, digests, make); });
  return ok();
}

Expected<std::unique_ptr<SharedQuantization>> SharedQuantization::begin(const RunRequest& request,
                                                                        const RunEvents& events,
                                                                        const InputDigests& digests,
                                                                        const MakeMatrix& make) {
  if (const Status same = agree(*request.ranks, agreement_of(request, digests)); !same) return same.error();
  return std::unique_ptr<SharedQuantization>(new SharedQuantization(request, events, digests, make));
}

SharedQuantization::SharedQuantization(const RunRequest& request, const RunEvents& events, const InputDigests& digests,
                                       const MakeMatrix& make)
    : request_(request), events_(events), digests_(digests), make_(make) {
  const std::vector<PlannedMatrix>& matrices = request.plan.matrices;
  std::vector<double> costs;
  for (const PlannedMatrix& planned : matrices) {
    costs.push_back(planned.work());
    Found found;
    if (request.state && request.state->has(planned.name()))
      found = request.state->find(planned.name(), dependencies_of(planned, request, digests));
    kept_.push_back(found.kept.has_value());
    why_not_.push_back(std::move(found.why_not));
  }
  items_.emplace(
      *request.ranks, std::move(costs), Window{matrices_ahead * static_cast<std::size_t>(request.ranks->size())}, kept_,
      [this](std::size_t item) { return made_bytes(request_.plan.matrices[item], request_, digests_, make_); },
      [this](std::size_t item, std::span<const std::byte> bytes) {
        return request_.state ? keep(request_.plan.matrices[item], bytes, request_, digests_) : ok();
      });
}

Expected<QuantizedTensor> SharedQuantization::take(const PlannedMatrix& planned) {
  const auto item = static_cast<std::size_t>(&planned - request_.plan.matrices.data());
  Expected<ItemBytes> bytes = ItemBytes();
  if (kept_[item]) {
    if (auto taken = take_kept(planned, request_, events_, digests_)) return *std::move(taken);
    bytes = made_bytes(planned, request_, digests_, make_);  // a record that is whole, and of something else
    if (bytes)
      if (const Status kept = keep(planned, *bytes, request_, digests_); !kept) return kept.error();
  } else {
    if (!why_not_[item].empty() && events_.resumed) events_.resumed(planned, why_not_[item]);
    bytes = items_->take(item);
  }
  if (!bytes) return bytes.error();
  std::optional<QuantizedTensor> matrix = matrix_of_bytes(planned, *bytes);
  if (matrix) return *std::move(matrix);
  return Error{Exit::internal, error_number::unexpected_exception, "a rank sent something else than a matrix",
               fmt::format("matrix '{}'", planned.name()), "report this as a bug"};
}

}  // namespace hallmark
