// Made by: extract/contracts generate
// The contracts that a run evaluates at the codes of every row. A row shows its n columns by name: the weight w, the
// number x that was rounded, the point q of the code, the points l and r of the grid below and above q, the scale s.
#pragma once

#include <cstddef>
#include <type_traits>

#include "contracts/generated/contract_gf16_nearest.hpp"
#include "contracts/generated/contract_half_span.hpp"

namespace hallmark::generated {

/// visit(contract, holds) for each; holds(pick, n, row) evaluates it, pick(row.x) being the input x.
void visit_row_contracts(const auto& visit) {
  visit(gf16_nearest, [](const auto& pick, std::size_t n, const auto& row) {
    return gf16_nearest_post<typename std::remove_cvref_t<decltype(pick)>::Ops>(n, pick(row.x), pick(row.q), pick(row.l), pick(row.r));
  });
  visit(half_span, [](const auto& pick, std::size_t n, const auto& row) {
    return half_span_post<typename std::remove_cvref_t<decltype(pick)>::Ops>(n, pick(row.x), pick(row.q), pick(row.l), pick(row.r));
  });
}

}  // namespace hallmark::generated
