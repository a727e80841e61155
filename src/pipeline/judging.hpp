// The matrices of a verification, judged one by one: by this process, or by all ranks.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/kept_judgements.hpp"
#include "ranks/shared_work.hpp"

namespace hallmark {

/// E0711.
Error files_differ(const std::string& path, const std::string& what);

/// Judges, or reproduces, matrices of the plan in ascending order. All arguments outlive it.
class Judging {
 public:
  /// `sources_differ`: whether W or C are known not to be those of the certificate.
  Judging(const VerifyRequest& request, VerifyInputs& in, const Plan& plan, const InputDigests& digests,
          bool sources_differ)
      : request_(request), in_(in), plan_(plan), digests_(digests), sources_differ_(sources_differ) {}

  /// What is found of the matrix, or taken from the state where this process is alone. Claims of those before it that
  /// are not read yet are read and left. `tell`: of judge_stored. Errors: those of the certificate, judge_stored and
  /// reproduce.
  Expected<Judged> judged(std::size_t item, const TellRows& tell = {});
  /// Of every matrix what the state holds and is still valid; the certificate is read beside for that.
  Expected<std::vector<std::optional<Judged>>> taken();
  /// Keeps it, with a state. Errors: those of keep_judgement.
  Status keep(const Judged& judged) const;
  /// Reads the claims that are left. Errors: those of the certificate.
  Status read_on();

 private:
  bool alone() const { return !request_.ranks || request_.ranks->size() == 1; }
  /// Whether a run is reproduced.
  bool again() const { return request_.reproduce || (in_.certificate && in_.certificate->header().version == 1); }
  Expected<std::optional<CertifiedTensor>> claim_of(const PlannedMatrix& planned,
                                                    std::optional<CertificateReader>& certificate);
  Expected<Judged> judged(const PlannedMatrix& planned, const CertifiedTensor* claim, const TellRows& tell);
  Expected<Verified> judge(const PlannedMatrix& planned, const CertifiedTensor* claim, const TellRows& tell) const;
  Judgement judgement_of(const Verified& verified, const CertifiedTensor* claim) const;
  Expected<Dependencies> dependencies_on(const PlannedMatrix& planned, const CertifiedTensor* claim) const {
    return dependencies_of(planned, request_, in_, claim, digests_, sources_differ_);
  }

  const VerifyRequest& request_;
  VerifyInputs& in_;
  const Plan& plan_;
  const InputDigests& digests_;
  bool sources_differ_;
  std::size_t next_ = 0;  ///< whose claim is read next
};

/// Waits for the digests of the inputs and compares them and the request over the ranks. Errors: those of agree and
/// sha256_file.
Status agree_on(const VerifyRequest& request, const VerifyInputs& in, const InputDigests& digests);

/// The part of a rank that is not 0: judges what it is handed.
void help_judging(Ranks& ranks, Judging& judging);

/// On rank 0 the judgements of all ranks; each rank gets its matrices in ascending order, as the certificate has them.
class SharedJudging {
 public:
  /// With a state every judgement is kept there as soon as it is there. Errors: those of Judging::taken.
  static Expected<std::unique_ptr<SharedJudging>> begin(Ranks& ranks, Judging& judging);
  /// As if it had been judged here, now. Errors: those of SharedItems::take and Judging::keep.
  Expected<Judged> take(std::size_t item);

 private:
  SharedJudging(Ranks& ranks, Judging& judging, std::vector<std::optional<Judged>> taken);

  std::vector<std::optional<Judged>> taken_;
  std::optional<SharedItems> items_;
};

}  // namespace hallmark
