// The recurrence of GPTQ in binary32. For the columns p = 0, 1, .. of the processing order and every row:
//
//   r_p = the chain of fma from +0 over increasing k < p of e_k U_kp
//   u_p = fl(w_p + r_p)      q_p = nearest(u_p, s)      e_p = fl(w_p - s g(q_p)), one rounding (fma)
//
// U is the factor rounded once to binary32. |u_p - exact| is bounded by T11 (a). Rows are independent; the blocked
// version works on kLanes rows at once, and its bits do not depend on block size, threads or vector width.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include "linalg/finite.hpp"
#include "method/loss_sums.hpp"
#include "method/quantized.hpp"
#include "method/upper_strips.hpp"

namespace hallmark {

class AsymmetricTerm;

/// What to round. order[p] is the column of W that comes p-th; columns that are not in it keep the codes they have.
struct Target {
  const MatrixRef<float>& W;
  const Grid& grid;
  const Steps& steps;
  std::span<const Index> order;
  const AsymmetricTerm* asymmetric = nullptr;  ///< what losses are beyond e G e^T (asymmetric.hpp), if anything
};

/// Sees the rows first .. first + count as soon as they are done: u_p of row first + r is u[p * kLanes<float> + r].
/// Called from several threads.
using RowSink = std::function<void(Index first, Index count, const float* u)>;

/// Where the sums of the loss by T1 go, one LossSums per row: t_p = fl(r_p + e_p), the chain of e U with the unit
/// diagonal.
struct RowSums {
  const LossWeights& weights;
  std::vector<LossSums>& sums;  ///< resized to the rows
};

/// A column of kLanes<float> rows that was just rounded to nearest: what may choose other codes. `w` and `sums` go on
/// to the later columns of the strip, [column][kLanes<float>]: so far w + sums are their compensated weights.
struct RoundedColumn {
  Index first;     ///< row of the first lane
  Index position;  ///< in the order
  Index left;      ///< columns of the strip, this one among them
  const float *w, *sums, *s;
  const std::int32_t* zero;
  const float* u;
  std::int32_t* code;    ///< in and out
  float* e;              ///< in and out: fma(-s, value(code), w)
  std::int32_t* memory;  ///< of the rows, from column to column; 0 before the first
};

/// Called from several threads, for the columns of one row in their order. Rows are independent, and so must be what
/// it does to them. Unused lanes hold w = sums = 0, s = 1, zero point 0.
using CodeChooser = std::function<void(const RoundedColumn& column)>;

/// Runs the recurrence; codes [rows, cols] and the clipped counts per row are added to. Returns the first row (and its
/// first column in order) whose u is not finite; its codes are then meaningless and not shown to the sink. U.columns()
/// == order.size(). Codes are the nearest ones, or what `choose` makes of them; clipped are weights, whatever is
/// chosen.
std::optional<Entry> run_recurrence(const Target& target, const UpperStrips<float>& U, Index block_size,
                                    Rounded& rounded, const RowSink& sink = nullptr, const RowSums* row_sums = nullptr,
                                    const CodeChooser& choose = nullptr);

/// The plain twin; U [n, n] in binary32. The sink sees one row at a time, and none from an overflow on.
std::optional<Entry> run_recurrence_ref(const Target& target, const Matrix<float>& U, Rounded& rounded,
                                        const RowSink& sink = nullptr);

}  // namespace hallmark
