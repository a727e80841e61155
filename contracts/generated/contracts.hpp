// Made by: extract/contracts generate
// All contracts.
#pragma once

#include "contracts/generated/contract_gf16_half_gap.hpp"
#include "contracts/generated/contract_gf16_nearest.hpp"
#include "contracts/generated/contract_idempotence.hpp"
#include "contracts/generated/contract_exact_product.hpp"
#include "contracts/generated/contract_two_of_four.hpp"
#include "contracts/generated/contract_gram_accumulation.hpp"
#include "contracts/generated/contract_gram_bound.hpp"
#include "contracts/generated/contract_factor_residual.hpp"
#include "contracts/generated/contract_pivots.hpp"
#include "contracts/generated/contract_error_identity.hpp"
#include "contracts/generated/contract_error_identity_residual.hpp"
#include "contracts/generated/contract_loss_enclosure.hpp"
#include "contracts/generated/contract_gptq_bound.hpp"
#include "contracts/generated/contract_gptq_bound_emitted.hpp"
#include "contracts/generated/contract_guard_row.hpp"
#include "contracts/generated/contract_guard_total.hpp"
#include "contracts/generated/contract_two_columns.hpp"
#include "contracts/generated/contract_rtn_when_no_calibration.hpp"
#include "contracts/generated/contract_transfer.hpp"
