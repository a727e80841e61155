#include "method/selection.hpp"

#include <algorithm>
#include <numeric>

#include "method/exact_row_loss.hpp"

namespace hallmark {
namespace {

// Row by row the contestants that may still be the first of least loss, whose enclosures become ever sharper: all in
// binary32; in binary64 only those that reach below the upper end of what is likely the best; the others exactly.
class Selecting {
 public:
  Selecting(const LossModel& model, const FirstStage& stage, std::span<const Contestant> of, Backend& compute)
      : model_(model),
        stage_(stage),
        of_(of),
        compute_(compute),
        rows_(of.front().codes.rows()),
        losses_(of.size()),
        wide_(of.size(), std::vector<std::uint8_t>(at(rows_), 0)),
        open_(at(rows_), std::vector<std::size_t>(of.size())) {
    for (std::vector<std::size_t>& open : open_) std::iota(open.begin(), open.end(), std::size_t{0});
  }

  Status decide(MatrixRef<double> G) {
    std::vector<Index> rows(at(rows_));
    std::iota(rows.begin(), rows.end(), Index{0});
    for (std::size_t k = 0; k < of_.size(); ++k) {
      Expected<std::vector<Loss>> first = first_losses(model_, stage_, of_[k], rows, compute_);
      if (!first) return first.error();
      losses_[k] = *std::move(first);
    }
    for (const Index i : rows) drop_beaten(i), drop_equal(i);
    for (;;) {
      const std::vector<std::vector<Index>> next = likely();
      if (std::ranges::all_of(next, [](const std::vector<Index>& list) { return list.empty(); })) break;
      for (std::size_t k = 0; k < of_.size(); ++k)
        if (const Status widened = widen(k, next[k]); !widened) return widened;
      for (const std::vector<Index>& list : next)
        for (const Index i : list) drop_beaten(i);
    }
    decide_exactly(G);
    return ok();
  }

  std::size_t winner(Index i) const { return open_[at(i)].front(); }

 private:
  const Loss& loss(std::size_t k, Index i) const { return losses_[k][at(i)]; }

  // Those that lose more than the one of least upper end, and later ones that lose no less.
  void drop_beaten(Index i) {
    std::vector<std::size_t>& open = open_[at(i)];
    const std::size_t top = *std::ranges::min_element(open, {}, [&](std::size_t k) { return loss(k, i).hi; });
    const double hi = loss(top, i).hi;
    std::erase_if(open, [&](std::size_t k) {
      const double lo = loss(k, i).lo;
      return k != top && (lo > hi || (lo == hi && k > top));
    });
  }

  // Later ones that stand for the same numbers.
  void drop_equal(Index i) {
    std::vector<std::size_t>& open = open_[at(i)];
    for (std::size_t a = 0; a < open.size(); ++a)
      for (std::size_t b = open.size() - 1; b > a; --b)
        if (same_numbers(of_[open[a]], of_[open[b]], i)) open.erase(open.begin() + static_cast<std::ptrdiff_t>(b));
  }

  // In every row that is not decided the likeliest one that binary64 has not enclosed yet.
  std::vector<std::vector<Index>> likely() const {
    std::vector<std::vector<Index>> next(of_.size());
    for (Index i = 0; i < rows_; ++i) {
      const std::vector<std::size_t>& open = open_[at(i)];
      std::optional<std::size_t> least;
      for (const std::size_t k : open)
        if (open.size() > 1 && wide_[k][at(i)] == 0 && (!least || loss(k, i).value < loss(*least, i).value)) least = k;
      if (least) next[*least].push_back(i);
    }
    return next;
  }

  Status widen(std::size_t k, const std::vector<Index>& rows) {
    if (rows.empty()) return ok();
    const Expected<std::vector<Loss>> wide = wide_losses(stage_.widened(), of_[k], rows, compute_);
    if (!wide) return wide.error();
    for (std::size_t n = 0; n < rows.size(); ++n) {
      losses_[k][at(rows[n])] = (*wide)[n];
      wide_[k][at(rows[n])] = 1;
    }
    return ok();
  }

  void decide_exactly(MatrixRef<double> G) {
    std::vector<Index> left;
    for (Index i = 0; i < rows_; ++i)
      if (open_[at(i)].size() > 1) left.push_back(i);
    if (left.empty()) return;
    const oracle::ExactLoss exact = exact_losses(G, of_.front().target.asymmetric);
#pragma omp parallel for schedule(dynamic)
    for (std::size_t n = 0; n < left.size(); ++n) {
      const Index i = left[n];
      const auto loss_of = [&](std::size_t k) {
        return exact_row_loss(exact, of_[k].target.W, of_[k].target.grid, of_[k].target.steps, of_[k].codes, i);
      };
      std::vector<std::size_t>& open = open_[at(i)];
      std::size_t least = open.front();
      oracle::Dyadic lowest = loss_of(least);
      for (const std::size_t k : std::span(open).subspan(1))
        if (oracle::Dyadic other = loss_of(k); compare(lowest, other) > 0) least = k, lowest = std::move(other);
      open.assign(1, least);
    }
  }

  const LossModel& model_;
  const FirstStage& stage_;
  std::span<const Contestant> of_;
  Backend& compute_;
  Index rows_;
  std::vector<std::vector<Loss>> losses_;        // [contestant][row]
  std::vector<std::vector<std::uint8_t>> wide_;  // of these, in binary64
  std::vector<std::vector<std::size_t>> open_;   // [row], increasing
};

// Row i of `from`, with its steps, into `best`, which has steps of its own.
void take_row(const Proposal& from, const Target& target, Index i, Proposal& best) {
  const auto k = static_cast<std::size_t>(i);
  const Steps& steps = from.steps ? *from.steps : target.steps;
  best.rounded.codes.row(i) = from.rounded.codes.row(i);
  best.rounded.clipped[k] = from.rounded.clipped[k];
  best.steps->take_row(i, steps);
  if (!best.sums.empty()) best.sums[k] = from.sums[k];
  best.known.resize(best.rounded.clipped.size());
  best.known[k] = from.known.empty() ? std::nullopt : from.known[k];
}

}  // namespace

Expected<Proposal> select(const LossModel& model, MatrixRef<double> G, const Target& target,
                          std::vector<Proposal> proposals, const FirstStage& stage, Backend& compute) {
  Proposal& best = proposals.front();
  if (proposals.size() == 1) return std::move(best);
  std::vector<Target> under;
  std::vector<Contestant> contestants;
  under.reserve(proposals.size());
  for (Proposal& p : proposals) {
    under.push_back({target.W, target.grid, p.steps ? *p.steps : target.steps, target.order, target.asymmetric});
    contestants.push_back({under.back(), p.rounded.codes, p.sums, &p.known});
  }
  Selecting selecting(model, stage, contestants, compute);
  if (const Status decided = selecting.decide(G); !decided) return decided.error();
  if (std::ranges::any_of(proposals, [](const Proposal& p) { return p.sums.empty(); })) best.sums.clear();
  if (!best.steps) best.steps = target.steps;
  for (Index i = 0; i < target.W.rows(); ++i)
    if (const std::size_t k = selecting.winner(i); k != 0) take_row(proposals[k], target, i, best);
  return std::move(best);
}

}  // namespace hallmark
