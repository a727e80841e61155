// A beam for method rate-distortion: codes of little loss and few bits together (T27), several partial rows at a time.
// For the columns p = 0, 1, .. a path is a choice of all codes before p with its errors, and costs
//
//   sum_{k<p} c_k     c_k = d_k (u_k - s g_k)^2 + mu R(g_k | sign of the point before)
//
// c_k in binary32 as CodeRates::choose has it, the sum in binary64. Each path goes on with every code, and of all these
// the `beam` cheapest stay. Of equal sums that of least last c_k goes first, then the nearest code, then the better
// path, then the lower point: so a beam of one path has the codes of `choose`.
#pragma once

#include <optional>

#include "linalg/finite.hpp"
#include "method/code_rates.hpp"

namespace hallmark {

/// The codes of the best path of every row into `rounded`, clipped weights added to its counts; columns outside of the
/// order keep the codes they have. U and units.d have target.order.size() columns, `rates` are of the target's grid;
/// 1 <= beam <= widest_beam. Returns the first row whose paths all overflow (u is not finite), with the column where
/// they do; its codes are then meaningless. Rows are independent; threads and vector width change no bit.
std::optional<Entry> beam_codes(const Target& target, const UpperStrips<float>& U, const RatedUnits& units,
                                const CodeRates& rates, Index beam, Rounded& rounded);

}  // namespace hallmark
