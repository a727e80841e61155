// Some rows of a tensor side by side, as the row contracts read them.
#pragma once

#include <span>
#include <vector>

#include "certify/contracts.hpp"
#include "certify/unit.hpp"
#include "contracts/runtime/lanes.hpp"

namespace hallmark {

/// Half a gap of the grid at x is max(relative |x|, absolute |s|), exactly; not of tables.
struct GapRule {
  explicit GapRule(const Grid& grid);
  bool known = true;
  double relative = 0, absolute = 0.5;
};

/// The points as a unit makes them from codes; the same as GridPoints. Not of tables.
units::PointRule point_rule(const Grid& grid);

/// What all rows of a tensor share. Positions 0 .. n-1 are the columns of the processing order, then come the columns
/// outside.
struct RowColumns {
  std::vector<Index> column;
  Index n = 0;
  // Of position p < n, where the tensor has a Gram matrix:
  std::vector<double> root;        ///< at least sqrt(H_jj)
  std::vector<double> H, twice_G;  ///< H_jj, with the damping of the options, and 2 G_jj
  std::vector<double> chain,
      underflow;  ///< |u'_p - u_p| <= chain_p E + 2^-24 |u'_p| + underflow_p, E the norm of the row's errors

  /// T11 (a) with Cauchy's inequality (Coq `T11_recurrence_closed`, `feedback_size_cauchy`): chain_p = k v (1 + k v)
  /// |U_0p .. U_(p-1)p|, k = p + 1, v = 2^-24, U rounded to binary32; rounded up.
  explicit RowColumns(const Evidence& evidence);
};

struct RowGroup {
  using Lanes = contracts::Lanes;

  /// One position of the rows: the weight, what was rounded (u' or w), the point s g of the code, the points below and
  /// above it, the scale; for positions below n, where asked for, bounds of |u' - q| and of |u' - u|.
  struct Position {
    Lanes w, x, q, below, above, s, gap, delta;
  };
  std::vector<Position> at;
  std::span<const Index> rows;  ///< 1 .. kRowsAtOnce
  Index row(std::size_t lane) const { return rows[std::min(lane, rows.size() - 1)]; }

  /// One word of every position, as an input of a contract.
  struct Word {
    const RowGroup* group;
    Lanes Position::*of;
    const Lanes& operator()(std::size_t p) const { return group->at[p].*of; }
  };
  Word word(Lanes Position::*of) const { return {this, of}; }

  /// The final codes of the rows; gap and delta stay as they are. from_u: x is u' below n (rows that GPTQ made).
  void load(const Evidence& evidence, const Compensated& u, const GridPoints& points, const RowColumns& columns,
            std::span<const Index> rows, bool from_u);
  /// Gap and delta of rows that were loaded from u'.
  void add_bounds(const Grid& grid, const RowColumns& columns);
};

}  // namespace hallmark
