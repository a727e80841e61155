// The ranks that this process is one of.
#pragma once

#include <memory>

#include "ranks/ranks.hpp"

namespace hallmark::cli {

/// One rank, unless main finds that several were started together.
inline std::unique_ptr<Ranks> ranks = std::make_unique<OneRank>();

/// Whether this process reads, writes and says what there is to say.
inline bool first_rank() { return ranks->rank() == 0; }

}  // namespace hallmark::cli
