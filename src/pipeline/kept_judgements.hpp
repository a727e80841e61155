// Judgements of stored matrices in a state: what a verification that was killed has found (docs/resume.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipeline/input_digests.hpp"
#include "pipeline/verify.hpp"
#include "pipeline/verify_files.hpp"
#include "ranks/shared_work.hpp"

namespace hallmark {

/// What was found of one matrix that does not differ: its part of Findings.
struct Judgement {
  VerifiedLine line;
  std::vector<double> slacks;  ///< of the rows; empty where they are not drawn
  JudgedRows judged;
  bool unjudged_contracts = false, unjudged_bounds = false, unjudged_scales = false, unjudged_counts = false,
       unjudged_exact_losses = false;
  std::uint64_t worse_rows = 0, exact_elements = 0;
  double largest_ratio = 0;
};

/// The same with what one rank tells another of it.
struct Judged {
  Judgement judgement;
  std::optional<Error> differs;  ///< what ends the verification; then nothing is kept
  bool held_out = false;         ///< the claim speaks of the first tokens only
  bool taken = false;            ///< from the state
  Dependencies on = {};          ///< with a state or several ranks
};

ItemBytes judged_bytes(const Judged& judged);
/// None where the bytes are something else.
std::optional<Judged> judged_of_bytes(std::span<const std::byte> bytes);

/// All that the judgement of a matrix depends on: its bytes in W and C, the numbers that the model stores of it, what
/// the certificate says of it, how it is judged, and the program. `sources_differ`: whether W or C are known not to be
/// those of the certificate. Waits for digests. Errors: those of codes() and steps() of the model.
Expected<Dependencies> dependencies_of(const PlannedMatrix& planned, const VerifyRequest& request,
                                       const VerifyInputs& in, const CertifiedTensor* claim,
                                       const InputDigests& digests, bool sources_differ);

/// The judgement that the state holds, whole and of these dependencies. None where there is none; where there is a
/// record, request.resumed hears what becomes of it. Precondition: a state.
std::optional<Judgement> take_judgement(const std::string& matrix, const VerifyRequest& request,
                                        const Dependencies& on);

/// Keeps it. Errors: those of State::keep; E0902 a file changed, so that nobody knows what was judged.
Status keep_judgement(const std::string& matrix, Judgement judgement, const VerifyRequest& request,
                      const VerifyInputs& in, const Dependencies& on);

}  // namespace hallmark
