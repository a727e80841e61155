#include "method/guard.hpp"

#include <cmath>

#include "method/exact_row_loss.hpp"

namespace hallmark {
namespace {

Loss enclosure(const oracle::Dyadic& loss) {
  const double lo = loss.round_down(), hi = loss.round_up();
  return {lo, lo, hi};
}

// The contest at work: the rows that differ are open until enclosures, ever sharper, or exact numbers decide them.
class Deciding {
 public:
  Deciding(const LossModel& model, const Contestant& a, const Contestant& b, const FirstStage* stage, Backend& compute)
      : model_(model), a_(a), b_(b), stage_(stage), compute_(compute) {
    const Index rows = a.codes.rows();
    for (Index i = 0; i < rows; ++i) (same_numbers(a, b, i) ? equal_ : open_).push_back(i);
    found = {std::vector<Loss>(at(rows)), std::vector<Loss>(at(rows)), std::vector<std::uint8_t>(at(rows), 0), 0};
  }

  // Open rows by enclosures from binary32, where there is a first stage, then by those from binary64.
  Status decide_by_enclosures() {
    if (stage_)
      if (const Status decided = decide(in_binary32(a_, open_), in_binary32(b_, open_)); !decided) return decided;
    if (open_.empty()) return ok();
    return decide(in_binary64(a_, open_), in_binary64(b_, open_));
  }

  // Equal codes have one loss; binary64 encloses it where the first stage did not.
  Status enclose_equal() {
    std::vector<Index> alone;
    if (stage_)
      if (const Status kept = keep_equal(equal_, in_binary32(a_, equal_)); !kept) return kept;
    for (const Index i : equal_)
      if (!stage_ || !std::isfinite(found.first[at(i)].hi)) alone.push_back(i);
    return alone.empty() ? ok() : keep_equal(alone, in_binary64(a_, alone));
  }

  void decide_exactly(MatrixRef<double> G) {
    found.exact_rows = static_cast<Index>(open_.size());
    if (open_.empty()) return;
    const oracle::ExactLoss exact = exact_losses(G, a_.target.asymmetric);
#pragma omp parallel for schedule(dynamic)
    for (std::size_t k = 0; k < open_.size(); ++k) {
      const Index i = open_[k];
      const auto loss = [&](const Contestant& c) {
        return exact_row_loss(exact, c.target.W, c.target.grid, c.target.steps, c.codes, i);
      };
      const oracle::Dyadic a = loss(a_), b = loss(b_);
      found.first[at(i)] = enclosure(a);
      found.second[at(i)] = enclosure(b);
      found.second_wins[at(i)] = compare(a, b) > 0;
    }
  }

  Contest found;

 private:
  const LossModel& wide() const { return stage_ ? stage_->widened() : model_; }

  Expected<std::vector<Loss>> in_binary64(const Contestant& of, const std::vector<Index>& rows) const {
    return wide_losses(wide(), of, rows, compute_);
  }
  Expected<std::vector<Loss>> in_binary32(const Contestant& of, const std::vector<Index>& rows) const {
    return first_losses(model_, *stage_, of, rows, compute_);
  }

  // Decides the open rows by enclosures of both losses and keeps open those that overlap.
  Status decide(const Expected<std::vector<Loss>>& of_first, const Expected<std::vector<Loss>>& of_second) {
    if (!of_first) return of_first.error();
    if (!of_second) return of_second.error();
    const std::vector<Loss>&a = *of_first, &b = *of_second;
    std::vector<Index> left;
    for (std::size_t k = 0; k < open_.size(); ++k) {
      const Index i = open_[k];
      found.first[at(i)] = a[k];
      found.second[at(i)] = b[k];
      if (a[k].hi <= b[k].lo) continue;
      if (b[k].hi < a[k].lo) found.second_wins[at(i)] = 1;
      else left.push_back(i);
    }
    open_ = std::move(left);
    return ok();
  }

  Status keep_equal(const std::vector<Index>& list, const Expected<std::vector<Loss>>& losses) {
    if (!losses) return losses.error();
    for (std::size_t k = 0; k < list.size(); ++k) found.first[at(list[k])] = found.second[at(list[k])] = (*losses)[k];
    return ok();
  }

  const LossModel& model_;
  const Contestant &a_, &b_;
  const FirstStage* stage_;
  Backend& compute_;
  std::vector<Index> open_, equal_;
};

}  // namespace

Expected<Contest> contest(const LossModel& model, MatrixRef<double> G, const Contestant& first,
                          const Contestant& second, const FirstStage* stage, Backend* backend) {
  Backend cpu;
  Deciding work(model, first, second, stage, backend ? *backend : cpu);
  if (const Status decided = work.decide_by_enclosures(); !decided) return decided.error();
  if (const Status enclosed = work.enclose_equal(); !enclosed) return enclosed.error();
  work.decide_exactly(G);
  return std::move(work.found);
}

}  // namespace hallmark
