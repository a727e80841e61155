// The report of the league, made from its ledger alone.
#pragma once

#include <string>

#include "base/error.hpp"

namespace hallmark {

/// Writes `page` (Markdown) and the picture beside it (.svg instead of .md) from the run_to_report of the ledger. Both
/// texts depend on the ledger alone. Errors: those of read_ledger, league_lines, run_to_report and standings, those of
/// AtomicFile.
Status write_league_report(const std::string& ledger, const std::string& page);

}  // namespace hallmark
