// Selective pruning: codes 1 and -1 become 0, so that an entropy coder stores the others in fewer bits. It starts row
// by row from the better of GPTQ's codes and what a descent makes of them. Of all such codes of the tensor that of
// least key goes, again and again, until the asked fraction of them has gone. The key is what its row loses more by it,
//
//   delta (2 r_j + delta G_jj)      delta = s q_j      r = e G, which follows every change (gradient.hpp)
//
// or, as published, s^2: the codes of the smallest steps. Columns with G_jj = 0 stay rounded to nearest.
#include <algorithm>
#include <cmath>
#include <limits>

#include "method/descent.hpp"
#include "method/gptq.hpp"
#include "method/gradient.hpp"

namespace hallmark {
namespace {

// A code that may go. The cuts of a row stand in the order in which they go, and their keys do not fall: a code that
// loses less than the one before it waited for that one, so it goes with it.
struct Cut {
  double key;
  Index column;
};

std::vector<Index> small_codes(const Gradients& of, const Grid& grid, const Matrix<Code>& codes, Index row) {
  std::vector<Index> columns;
  for (Index j = 0; j < of.size(); ++j)
    if (of.diagonal(j) > 0 && std::fabs(grid.value(codes(row, j))) == 1) columns.push_back(j);
  return columns;
}

// The first of equals is that of the lower column.
std::vector<Cut> cuts_by_loss(const Gradients& of, const Target& target, const Matrix<Code>& codes, Index row) {
  std::vector<Index> left = small_codes(of, target.grid, codes, row);
  if (left.empty()) return {};
  Vector<double> q(of.size()), e(of.size());
  for (Index j = 0; j < of.size(); ++j) {
    q[j] = target.steps.scale(row, j) * target.grid.value(codes(row, j));
    e[j] = of.diagonal(j) > 0 ? target.W(row, j) - q[j] : 0;
  }
  Gradient gradient(of, e.data());
  std::vector<Cut> cuts;
  cuts.reserve(left.size());
  for (double key = -std::numeric_limits<double>::infinity(); !left.empty();) {
    auto first = left.begin();
    double least = change_of_loss(of, gradient, *first, q[*first]).value;
    for (auto next = first + 1; next != left.end(); ++next)
      if (const double rise = change_of_loss(of, gradient, *next, q[*next]).value; rise < least)
        first = next, least = rise;
    key = std::max(key, least);
    cuts.push_back({key, *first});
    gradient.change(*first, q[*first]);
    left.erase(first);
  }
  return cuts;
}

std::vector<Cut> cuts_by_scale(const Gradients& of, const Target& target, const Matrix<Code>& codes, Index row) {
  const std::vector<Index> columns = small_codes(of, target.grid, codes, row);
  std::vector<Cut> cuts;
  cuts.reserve(columns.size());
  for (const Index j : columns) {
    const double s = target.steps.scale(row, j);
    cuts.push_back({s * s, j});
  }
  std::ranges::stable_sort(cuts, {}, &Cut::key);
  return cuts;
}

// Makes the cuts of least key, this fraction of them all; of equal keys those of the first rows.
void cut(const std::vector<std::vector<Cut>>& rows, double fraction, Matrix<Code>& codes) {
  std::size_t all = 0;
  for (const std::vector<Cut>& row : rows) all += row.size();
  std::vector<double> keys;
  keys.reserve(all);
  for (const std::vector<Cut>& row : rows)
    for (const Cut& one : row) keys.push_back(one.key);
  const auto count = static_cast<std::ptrdiff_t>(fraction * static_cast<double>(all));
  if (count == 0) return;
  std::ranges::nth_element(keys, keys.begin() + count - 1);
  const double last = keys[static_cast<std::size_t>(count - 1)];
  std::ptrdiff_t ties = count - std::ranges::count_if(keys, [&](double key) { return key < last; });
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (const Cut& one : rows[i])
      if (one.key < last || (one.key == last && ties-- > 0)) codes(static_cast<Index>(i), one.column) = 0;
}

Expected<Proposal> best_start(const MethodInput& input) {
  Expected<Proposal> gptq = gptq_proposal(input, input.target);
  if (!gptq) return gptq.error();
  std::vector<Proposal> both;
  both.push_back(*std::move(gptq));
  both.push_back(descended(input, ScaledGram(*input.G), both.front(), input.options.sweeps));
  return input.select(input.target, std::move(both));
}

Expected<std::vector<Proposal>> propose(const MethodInput& watched) {
  const MethodInput input = watched.unwatched();
  Expected<Proposal> start = best_start(input);
  if (!start) return start.error();
  Matrix<Code>& codes = start->rounded.codes;
  const Target target{input.target.W, input.target.grid, *start->steps, input.target.order};
  const Gradients gradients(*input.G);
  const bool published = input.options.prune_by == prune_by_scale;
  std::vector<std::vector<Cut>> rows(at(codes.rows()));
#pragma omp parallel for schedule(dynamic)
  for (Index i = 0; i < codes.rows(); ++i)
    rows[at(i)] = published ? cuts_by_scale(gradients, target, codes, i) : cuts_by_loss(gradients, target, codes, i);
  cut(rows, input.options.prune, codes);
  std::vector<Proposal> proposals;
  proposals.push_back({std::move(start->rounded), std::move(start->steps)});  // its sums and losses are of the start
  return proposals;
}

std::optional<Obstacle> obstacle(const Options& options) {
  const Grid& grid = options.grid;
  if (!grid.is_integer() || grid.spec().zero_points)
    return Obstacle{"grid " + grid.name() + " has no codes 1 and -1 beside a code 0", "--grid intB or intBs"};
  if (options.prune_by != prune_by_loss && options.prune_by != prune_by_scale)
    return Obstacle{"prune_by is '" + options.prune_by + "'", "loss or scale"};
  return std::nullopt;
}

}  // namespace

namespace method {
extern const Method prune;
const Method prune{.name = "prune",
                   .summary = "GPTQ and descent, then codes 1 and -1 to 0 where the loss rises least",
                   .needs_gram = true,
                   .fits_steps = true,
                   .propose = propose,
                   .options = {"prune", "prune_by", "sweeps"},
                   .obstacle = obstacle,
                   .bytes_per_weight = 16};  // 24 for each cut with its key, of two weights in three
}  // namespace method

}  // namespace hallmark
