// The contracts that need no code of their own: a run evaluates what Coq printed of them
// (contracts/generated/row_contracts.hpp) at the codes of every row.
#pragma once

#include "certify/case.hpp"

namespace hallmark {

/// Evaluates them on these rows: those that a unit decides first (judge_rows.cpp), or the others.
void evaluate_row_contracts(Case& tensor, const RowGroup& group, bool of_units);

}  // namespace hallmark
