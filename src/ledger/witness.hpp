// Witnesses: assertions/coq_runtime_invariants.json, a chained entry for each headline theorem.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ledger/ledger.hpp"

namespace hallmark {

/// What is said of one headline theorem now: by Coq, and in coq/headline.json of its check at run time.
struct TheoremFacts {
  std::string theorem;
  std::string file;                      ///< where it is stated
  std::string statement_sha256;          ///< of its lines in coq/statements.txt
  std::vector<std::string> assumptions;  ///< axioms, from coq/Assumptions.golden; sorted there
  std::vector<std::string> contracts;    ///< of contracts/manifest.json that name it
  std::string run_time_check, on_violation;
  bool operator==(const TheoremFacts&) const = default;
};

/// One entry of the ledger.
struct Witness {
  TheoremFacts facts;
  std::string id;      ///< of docs/design.md section 2: T1 .. T17
  std::string status;  ///< "proven", or "refuted with witness" for a theorem that refutes a claim
  std::string commit;
};

/// The headline theorems of the source tree under `root`, in the order of coq/theorems.txt: every name but those of the
/// witness lemmas, which end in `witness`. Errors: E0901; E0387 the printed files disagree or are malformed; E0388
/// coq/headline.json is malformed, or does not name exactly the theorems of coq/theorems.txt.
Expected<std::vector<TheoremFacts>> read_theorem_facts(const std::string& root);

/// The entries of a checked chain. Errors: E0373 an entry that is no witness.
Expected<std::vector<Witness>> read_witnesses(std::span<const LedgerEntry> entries, const std::string& place);

/// Whose last witness is another than the facts, or missing.
struct Outdated {
  std::vector<std::string> stale, missing;
};
Outdated outdated_theorems(std::span<const TheoremFacts> facts, std::span<const Witness> witnesses);

/// Appends a witness for every theorem that is missing or stale, with its description from coq/headline.json, and
/// returns how many. Errors: those of read_theorem_facts, append_to_ledger and read_witnesses.
Expected<std::size_t> append_witnesses(const std::string& path, const std::string& root);

}  // namespace hallmark
