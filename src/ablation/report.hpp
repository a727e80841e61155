// The report of the ablation, made from the ledgers alone.
#pragma once

#include <string>

#include "base/error.hpp"

namespace hallmark {

/// Where a grid's canonical ledger stands: calibration_ablation.jsonl for gf16, calibration_ablation.<grid>.jsonl else.
std::string ledger_path(const std::string& folder, const std::string& grid);

/// Writes `page` (Markdown) and the picture beside it (.svg instead of .md) from the last complete run in each ledger
/// of `ledgers`: gf16, int8, int6, int4, then other grids by name; those without a file are left out. Both texts depend
/// on the ledgers alone. Gives the path of the page. Errors: those of read_ledger and last_complete_run, E0377 no
/// ledger at all, those of AtomicFile.
Expected<std::string> write_report(const std::string& ledgers = "assertions",
                                   const std::string& page = "docs/ablation.md");

}  // namespace hallmark
