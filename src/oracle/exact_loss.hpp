// The plain loss e G e^T of one row in exact dyadic arithmetic: what decides when enclosures cannot. Nothing here is shared
// with the code that it judges.
#pragma once

#include <span>

#include "oracle/dyadic.hpp"

namespace hallmark::oracle {

/// sum_ij e_i G_ij e_j with e_j = w_j - scale_j point_j, all exact. w, scale, point: n finite numbers; gram: n * n, row-major,
/// finite, symmetric (only entries with j >= i are read). O(n^2) operations on integers.
Dyadic exact_loss(std::span<const float> w, std::span<const float> scale, std::span<const double> point,
                  std::span<const double> gram);

}  // namespace hallmark::oracle
