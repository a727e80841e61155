// The search over steps: row by row those whose codes lose least.
#pragma once

#include "method/method.hpp"

namespace hallmark {

/// Row by row the codes of GPTQ under those of the candidates with which they have the least plain loss, the earlier
/// where two tie; and round-to-nearest under the first candidate where it loses less than all of these (T17). At least
/// one candidate. A later candidate under which a compensated weight overflows is left out. `input.target` names W,
/// grid and order; its steps are not read. Errors: E0503 of the first candidate; those of the backend.
Expected<Proposal> search(const MethodInput& input, const std::vector<Steps>& candidates);

/// Of how many candidates a search under these options chooses at most: of the scale rule, or of the method.
std::size_t most_candidates(const Options& options);

/// The bytes of codes and losses that a search holds until it has chosen among so many, round-to-nearest included.
double searched_bytes(std::size_t candidates, Index rows, Index cols);

/// The better of the two, row by row, in place of the first, which may be empty.
Status offer(const MethodInput& input, std::optional<Proposal>& best, Proposal next);

}  // namespace hallmark
