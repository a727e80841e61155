// The Hessian of a tensor, factored: what a recurrence reads, and what encloses the losses of any codes.
#pragma once

#include <optional>
#include <string_view>

#include "method/backend.hpp"

namespace hallmark {

/// H = 2 G + lambda I = U D U^T in processing order: position p is column order[p] of W and G.
struct Factored {
  double lambda = 0;
  Index dead_columns = 0;  ///< columns with G_jj = 0
  std::vector<Index> order;
  Factor factor;    ///< binary64; below the diagonal of U nothing is to be read
  LossModel model;  ///< its U is packed by widened()

  /// The model with its U in binary64.
  const LossModel& widened() {
    if (model.U.columns() == 0) model.U = UpperStrips<double>(factor.U);
    return model;
  }
};

/// lambda = damp_fraction * mean(diag(2 G)). Columns with G_jj = 0 are left out of the factorization when lambda = 0.
/// Memory: 8 cols^2 bytes. `name` and, when known, `tokens` are for messages.
/// Errors: E0322 G of another shape than columns x columns, not finite, or not symmetric (by index), E0323 what
/// rounding to binary32 does not make of a Gram matrix; E0501 not positive definite; E0503 overflow; the backend's.
Expected<Factored> factor_hessian(Index columns, MatrixRef<double> G, double damp_fraction, bool desc_act,
                                  std::string_view name, std::optional<Index> tokens, Backend& compute);

/// The same of a Gram matrix that was rotated here: rounding may have made of it what factor_hessian would refuse, so
/// it is not looked at. Errors: E0323, E0501, E0503; those of the backend.
Expected<Factored> factor_accepted(MatrixRef<double> G, double damp_fraction, bool desc_act, std::string_view name,
                                   std::optional<Index> tokens, Backend& compute);

/// The columns in processing order: act-order sorts by descending diagonal, stable, and dead columns (G_jj = 0) are
/// left out when lambda = 0.
std::vector<Index> processing_order(MatrixRef<double> G, double lambda, bool desc_act);

}  // namespace hallmark
