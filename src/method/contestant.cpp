#include "method/contestant.hpp"

#include <algorithm>

namespace hallmark {

bool same_numbers(const Contestant& a, const Contestant& b, Index i) {
  const Code *first = &a.codes(i, 0), *second = &b.codes(i, 0);
  return std::equal(first, first + a.codes.cols(), second) && a.target.steps.same_row(i, b.target.steps);
}

Expected<std::vector<Loss>> first_losses(const LossModel& model, const FirstStage& stage, const Contestant& of,
                                         std::span<const Index> rows, Backend& compute) {
  if (of.sums.empty()) return compute.losses_binary32(model, stage.U, of.target, of.codes, rows);
  std::vector<Loss> losses;
  for (const Index i : rows) losses.push_back(enclose_binary32(model, of.sums[static_cast<std::size_t>(i)]));
  return losses;
}

Expected<std::vector<Loss>> wide_losses(const LossModel& model, const Contestant& of, std::span<const Index> rows,
                                        Backend& compute) {
  if (!of.known) return compute.losses(model, of.target, of.codes, rows);
  KnownLosses& known = *of.known;
  known.resize(static_cast<std::size_t>(of.codes.rows()));
  std::vector<Index> unknown;
  for (const Index i : rows)
    if (!known[static_cast<std::size_t>(i)]) unknown.push_back(i);
  const Expected<std::vector<Loss>> fresh = compute.losses(model, of.target, of.codes, unknown);
  if (!fresh) return fresh.error();
  for (std::size_t k = 0; k < unknown.size(); ++k) known[static_cast<std::size_t>(unknown[k])] = (*fresh)[k];
  std::vector<Loss> losses;
  for (const Index i : rows) losses.push_back(*known[static_cast<std::size_t>(i)]);
  return losses;
}

}  // namespace hallmark
