#include "method/guard.hpp"

#include <cmath>

#include "method/exact_row_loss.hpp"

namespace hallmark {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

Loss enclosure(const oracle::Dyadic& loss) {
  const double lo = loss.round_down(), hi = loss.round_up();
  return {lo, lo, hi};
}

// The guard at work: the rows whose codes differ are open until enclosures, ever sharper, or exact numbers decide them.
class Guarding {
 public:
  Guarding(const LossModel& model, const Target& target, const Matrix<Code>& proposal, const Matrix<Code>& rtn,
           const FirstStage* first, Backend& compute)
      : model_(model), target_(target), proposal_(proposal), rtn_(rtn), first_(first), compute_(compute) {
    const Index rows = proposal.rows();
    for (Index i = 0; i < rows; ++i)
      ((proposal.row(i).array() != rtn.row(i).array()).any() ? open_ : equal_).push_back(i);
    guarded = {std::vector<Loss>(at(rows)), std::vector<Loss>(at(rows)), std::vector<std::uint8_t>(at(rows), 0), 0};
  }

  // Open rows by enclosures from binary32, where there is a first stage, then by those from binary64.
  Status decide_by_enclosures() {
    if (first_)
      if (const Status decided =
              decide(first_losses(open_), compute_.losses_binary32(model_, first_->U, target_, rtn_, open_));
          !decided)
        return decided;
    if (open_.empty()) return ok();
    return decide(compute_.losses(wide(), target_, proposal_, open_), compute_.losses(wide(), target_, rtn_, open_));
  }

  // Equal codes have one loss; binary64 encloses it where the first stage did not.
  Status enclose_equal() {
    std::vector<Index> alone;
    if (first_)
      if (const Status kept = keep_equal(equal_, first_losses(equal_)); !kept) return kept;
    for (const Index i : equal_)
      if (!first_ || !std::isfinite(guarded.proposal[at(i)].hi)) alone.push_back(i);
    return alone.empty() ? ok() : keep_equal(alone, compute_.losses(wide(), target_, proposal_, alone));
  }

  void decide_exactly(MatrixRef<double> G) {
    guarded.exact_rows = static_cast<Index>(open_.size());
    if (open_.empty()) return;
    const Matrix<double> contiguous = G;
    const oracle::ExactGram exact({contiguous.data(), at(contiguous.size())}, at(contiguous.cols()));
#pragma omp parallel for schedule(dynamic)
    for (std::size_t k = 0; k < open_.size(); ++k) {
      const Index i = open_[k];
      const auto loss = [&](const Matrix<Code>& codes) {
        return exact_row_loss(exact, target_.W, target_.grid, target_.steps, codes, i);
      };
      const oracle::Dyadic g = loss(proposal_), r = loss(rtn_);
      guarded.proposal[at(i)] = enclosure(g);
      guarded.rtn[at(i)] = enclosure(r);
      guarded.kept_rtn[at(i)] = compare(g, r) > 0;
    }
  }

  Guarded guarded;

 private:
  const LossModel& wide() const { return first_ ? first_->widened() : model_; }

  // Of the proposal, by the sums that its method left or else by the product.
  Expected<std::vector<Loss>> first_losses(const std::vector<Index>& list) {
    if (first_->sums.empty()) return compute_.losses_binary32(model_, first_->U, target_, proposal_, list);
    std::vector<Loss> losses;
    for (const Index i : list) losses.push_back(enclose_binary32(model_, first_->sums[at(i)]));
    return losses;
  }

  // Decides the open rows by enclosures of both losses and keeps open those that overlap.
  Status decide(const Expected<std::vector<Loss>>& of_proposal, const Expected<std::vector<Loss>>& of_rtn) {
    if (!of_proposal) return of_proposal.error();
    if (!of_rtn) return of_rtn.error();
    const std::vector<Loss>&g = *of_proposal, &r = *of_rtn;
    std::vector<Index> left;
    for (std::size_t k = 0; k < open_.size(); ++k) {
      const Index i = open_[k];
      guarded.proposal[at(i)] = g[k];
      guarded.rtn[at(i)] = r[k];
      if (g[k].hi <= r[k].lo) continue;
      if (r[k].hi < g[k].lo) guarded.kept_rtn[at(i)] = 1;
      else left.push_back(i);
    }
    open_ = std::move(left);
    return ok();
  }

  Status keep_equal(const std::vector<Index>& list, const Expected<std::vector<Loss>>& losses) {
    if (!losses) return losses.error();
    for (std::size_t k = 0; k < list.size(); ++k)
      guarded.proposal[at(list[k])] = guarded.rtn[at(list[k])] = (*losses)[k];
    return ok();
  }

  const LossModel& model_;
  const Target& target_;
  const Matrix<Code>&proposal_, &rtn_;
  const FirstStage* first_;
  Backend& compute_;
  std::vector<Index> open_, equal_;
};

}  // namespace

Expected<Guarded> guard(const LossModel& model, const Target& target, MatrixRef<double> G, const Matrix<Code>& proposal,
                        const Matrix<Code>& rtn, const FirstStage* first, Backend* backend) {
  Backend cpu;
  Guarding work(model, target, proposal, rtn, first, backend ? *backend : cpu);
  if (const Status decided = work.decide_by_enclosures(); !decided) return decided.error();
  if (const Status enclosed = work.enclose_equal(); !enclosed) return enclosed.error();
  work.decide_exactly(G);
  return std::move(work.guarded);
}

}  // namespace hallmark
