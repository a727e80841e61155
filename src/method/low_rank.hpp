// Corrections of low rank (LQER): what the codes leave of W, E = W - Q, is approximated by A B of a few inner indices.
//
// For a weight L (invertible) of the columns, the first singular directions V of E L give A = E L V and B = V^T L^-1:
// |(E - A B) L|^2 is the sum of the squares of the other singular values, and no A B of that rank leaves less (T28, for
// L = U sqrt(D), where |x L|^2 = loss_H(x)). A and B are rounded to what files store; what they are worth is judged
// with these words, row by row, and a row that they do not help has none.
#pragma once

#include "method/factored.hpp"
#include "method/quantized.hpp"

namespace hallmark {

/// What keeps these options, or a matrix of this shape, from the correction that they name; none where nothing does.
std::optional<Obstacle> low_rank_obstacle(const Options& options);
std::optional<Obstacle> low_rank_obstacle(const Options& options, Index rows, Index cols);

/// The correction of Q [rows, cols], the numbers of the codes, for W, by the options, in words of their storage.
/// Columns outside of the processing order have B = 0. The same bits for any number of threads. Memory: 24 rows cols
/// bytes. Errors: E0235 a factor beyond the storage.
Expected<LowRank> fit_low_rank(MatrixRef<float> W, const Matrix<float>& Q, const Options& options,
                               const Factored& factored, std::string_view name);

/// The first `count` right singular directions [cols, count] of F [rows, cols], largest first, by subspace iteration
/// from a fixed start; zero columns where F has fewer.
Matrix<double> singular_directions(const Matrix<double>& F, Index count);

}  // namespace hallmark
