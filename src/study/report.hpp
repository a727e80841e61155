// The pages of the studies, made from their ledger alone.
#pragma once

#include <string>

#include "base/error.hpp"

namespace hallmark {

/// Writes `page` (Markdown) and the picture beside it (.svg instead of .md) from the last whole run of the study in the
/// ledger. Errors: those of read_ledger and study_lines, E0226 no such study, E0377 no whole run of it, those of
/// AtomicFile.
Status write_study_page(const std::string& ledger, const std::string& study, const std::string& page);

/// Writes `page`: what all studies found that have a whole run in the ledger, one line an answer. Errors: as above.
Status write_studies_summary(const std::string& ledger, const std::string& page);

}  // namespace hallmark
