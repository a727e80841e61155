#include "certify/loss_verifier.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "method/exact_row_loss.hpp"

namespace hallmark {
namespace {

constexpr int kDampings = 8;  // tried, each twice the one before

enum class Verdict { holds, fails, open };

// Whether a loss in [lo, hi] is one of the claim's.
Verdict within(const Loss& loss, const Enclosure& claim) {
  if (claim.lo <= loss.lo && loss.hi <= claim.hi) return Verdict::holds;
  return loss.lo > claim.hi || loss.hi < claim.lo ? Verdict::fails : Verdict::open;
}

Verdict at_most(const Loss& a, const Loss& b) {
  if (a.hi <= b.lo) return Verdict::holds;
  return a.lo > b.hi ? Verdict::fails : Verdict::open;
}

Verdict at_most(const Loss& a, double bound) { return at_most(a, {bound, bound, bound}); }

// What is judged of a row, by whatever losses are known.
struct RowVerdict {
  Verdict verdict = Verdict::holds;
  std::string what;  // fails

  void add(Verdict next, const char* says) {
    if (verdict == Verdict::fails || next == Verdict::holds) return;
    verdict = next;
    if (next == Verdict::fails) what = says;
  }
};

// Fails where the exact value of the claim is beyond the loss; whether it is the loss, only exact arithmetic tells.
Verdict exact_within(const Loss& loss, const CertifiedLoss& claim) {
  const bool beyond = claim.exact && (claim.exact->round_up() < loss.lo || claim.exact->round_down() > loss.hi);
  return beyond ? Verdict::fails : Verdict::holds;
}

constexpr const char* too_wide = "the enclosure of a loss is wider than a quarter of its upper end";

Verdict narrow(const CertifiedRow& claim) {
  return says_enough(claim.final.enclosure) && says_enough(claim.rtn.enclosure) ? Verdict::holds : Verdict::fails;
}

RowVerdict judge(const CertifiedRow& claim, const Loss& final, const Loss& rtn, bool same, bool at_most_rtn) {
  RowVerdict row;
  row.add(within(final, claim.final.enclosure), "the loss of the codes is not in its enclosure");
  row.add(within(rtn, claim.rtn.enclosure), "the loss of round-to-nearest is not in its enclosure");
  row.add(narrow(claim), too_wide);
  row.add(exact_within(final, claim.final), "the exact loss of the codes is another");
  row.add(exact_within(rtn, claim.rtn), "the exact loss of round-to-nearest is another");
  if (at_most_rtn && !same) row.add(at_most(final, rtn), "the codes lose more than round-to-nearest");
  if (claim.bound) row.add(at_most(final, claim.bound->enclosure.hi), "the loss is above its bound");
  return row;
}

// The same from exact numbers: nothing stays open.
RowVerdict judge_exactly(const CertifiedRow& claim, const oracle::Dyadic& final, const oracle::Dyadic& rtn,
                         bool at_most_rtn) {
  const auto inside = [](const oracle::Dyadic& x, const Enclosure& e) {
    return x.round_down() >= e.lo && x.round_up() <= e.hi ? Verdict::holds : Verdict::fails;
  };
  const auto equal = [](const oracle::Dyadic& x, const CertifiedLoss& loss) {
    return !loss.exact || compare(x, *loss.exact) == 0 ? Verdict::holds : Verdict::fails;
  };
  RowVerdict row;
  row.add(inside(final, claim.final.enclosure), "the exact loss of the codes is not in its enclosure");
  row.add(inside(rtn, claim.rtn.enclosure), "the exact loss of round-to-nearest is not in its enclosure");
  row.add(narrow(claim), too_wide);
  row.add(equal(final, claim.final), "the exact loss of the codes is another");
  row.add(equal(rtn, claim.rtn), "the exact loss of round-to-nearest is another");
  if (at_most_rtn && compare(final, rtn) > 0) row.add(Verdict::fails, "the codes lose more than round-to-nearest");
  if (claim.bound && !(final.round_up() <= claim.bound->enclosure.hi))
    row.add(Verdict::fails, "the loss is above its bound");
  return row;
}

// The claims about the rows, and what has become of them after some stages.
struct Claims {
  const std::vector<CertifiedRow>& rows;
  bool at_most_rtn;
  std::vector<std::uint8_t> same;  // codes are those of round-to-nearest
  std::vector<Index> open;
  std::optional<std::pair<Index, std::string>> worst;  // what fails in the lowest row

  void offend(Index row, const std::string& what) {
    if (!worst || row < worst->first) worst = {row, what};
  }
  // Judges the listed rows by losses of both, one for each; what stays open goes on. How many it decided.
  std::uint64_t decide(std::span<const Index> list, std::span<const Loss> final, std::span<const Loss> nearest) {
    std::vector<Index> left;
    for (std::size_t k = 0; k < list.size(); ++k) {
      const Index i = list[k];
      const RowVerdict row = judge(rows[at(i)], final[k], nearest[k], same[at(i)] != 0, at_most_rtn);
      if (row.verdict == Verdict::open) left.push_back(i);
      if (row.verdict == Verdict::fails) offend(i, row.what);
    }
    open = std::move(left);
    return list.size() - open.size();
  }
  // The same by exact losses, of the codes and of round-to-nearest in a row.
  void decide_exactly(const std::vector<Index>& list, const auto& loss, const auto& loss_rtn, const TellRows& tell) {
    RowProgress progress(tell, list.size());
#pragma omp parallel for schedule(dynamic)
    for (std::size_t k = 0; k < list.size(); ++k) {
      if (progress.over()) continue;
      const Index i = list[k];
      const oracle::Dyadic final = loss(i), nearest = same[at(i)] ? final : loss_rtn(i);
      const RowVerdict row = judge_exactly(rows[at(i)], final, nearest, at_most_rtn);
      progress.add();
      if (row.verdict != Verdict::fails) continue;
#pragma omp critical(hallmark_loss_verifier)
      offend(i, row.what);
    }
    progress.finish();
  }
};

}  // namespace

LossVerifier::LossVerifier(MatrixRef<float> W, MatrixRef<double> G, const Options& options, const Steps& steps,
                           const Steps& rtn_steps, Factored factored, Backend* backend, const FloatInputs* inputs)
    : W_(W),
      G_(G),
      options_(options),
      steps_(steps),
      rtn_steps_(rtn_steps),
      factored_(std::move(factored)),
      U_(factored_.factor.U),
      backend_(backend) {
  if (inputs) asymmetric_.emplace(W_, G_, *inputs);
}

Expected<LossVerifier> LossVerifier::make(MatrixRef<float> W, MatrixRef<double> G, const Options& options,
                                          const Steps& steps, std::string_view name, Backend* backend,
                                          const Steps* rtn_steps, const FloatInputs* inputs) {
  Backend cpu;
  double damping = options.damp_fraction;
  for (int attempt = 0;; ++attempt) {
    Expected<Factored> factored =
        factor_hessian(W.cols(), G, damping, options.desc_act, name, std::nullopt, backend ? *backend : cpu);
    if (factored)
      return LossVerifier(W, G, options, steps, rtn_steps ? *rtn_steps : steps, *std::move(factored), backend, inputs);
    if (attempt == kDampings || factored.error().exit != Exit::numeric) return factored.error();
    damping = std::max(0.005, damping) * 2;
  }
}

Expected<std::vector<Loss>> LossVerifier::losses_with(const Target& target, const Matrix<Code>& codes) {
  Backend& compute = backend_ ? *backend_ : cpu_;
  std::vector<Index> rows(at(codes.rows())), open;
  std::iota(rows.begin(), rows.end(), Index{0});
  Expected<std::vector<Loss>> found = compute.losses_binary32(factored_.model, U_, target, codes, rows);
  if (!found) return found;
  for (const Index i : rows)
    if (!std::isfinite((*found)[at(i)].hi)) open.push_back(i);
  if (open.empty()) return found;
  const Expected<std::vector<Loss>> wide = compute.losses(factored_.widened(), target, codes, open);
  if (!wide) return wide.error();
  for (std::size_t k = 0; k < open.size(); ++k) (*found)[at(open[k])] = (*wide)[k];
  return found;
}

Expected<std::optional<std::string>> LossVerifier::first_false(const Matrix<Code>& codes, const Matrix<Code>& rtn,
                                                               const std::vector<CertifiedRow>& rows, bool at_most_rtn,
                                                               ExactRows exact, const TellRows& tell) {
  using Found = std::optional<std::string>;
  Backend& compute = backend_ ? *backend_ : cpu_;
  const Index count = codes.rows();
  Claims claims{rows, at_most_rtn, std::vector<std::uint8_t>(at(count)), {}, {}};
  std::vector<Index> all(at(count)), differ, exactly;
  std::iota(all.begin(), all.end(), Index{0});
  for (const Index i : all) {
    claims.same[at(i)] = steps_.same_row(i, rtn_steps_) && (codes.row(i).array() == rtn.row(i).array()).all();
    if (!claims.same[at(i)]) differ.push_back(i);
    if (rows[at(i)].kept_rtn && !claims.same[at(i)])
      return Found(fmt::format("row {}: its codes are not those of round-to-nearest, which it says it kept", i));
    if (const auto& bound = rows[at(i)].bound;
        bound && bound->slack != slack_of(rows[at(i)].final.enclosure, bound->enclosure))
      return Found(fmt::format("row {}: the slack is not that of its loss and its bound", i));
  }
  const Expected<std::vector<Loss>> final = losses(codes);
  if (!final) return final.error();
  std::vector<Loss> nearest = *final;
  const Expected<std::vector<Loss>> other =
      compute.losses_binary32(factored_.model, U_, target(rtn_steps_), rtn, differ);
  if (!other) return other.error();
  for (std::size_t k = 0; k < differ.size(); ++k) nearest[at(differ[k])] = (*other)[k];
  judged_.binary32 += claims.decide(all, *final, nearest);
  if (!claims.open.empty()) {
    const std::vector<Index> list = claims.open;
    const Expected<std::vector<Loss>> a = compute.losses(factored_.widened(), target(steps_), codes, list);
    if (!a) return a.error();
    const Expected<std::vector<Loss>> b = compute.losses(factored_.widened(), target(rtn_steps_), rtn, list);
    if (!b) return b.error();
    judged_.binary64 += claims.decide(list, *a, *b);
  }
  for (const Index i : all)
    if (exact.contains(i, count) || std::ranges::binary_search(claims.open, i)) exactly.push_back(i);
  if (!exactly.empty()) {
    const oracle::ExactLoss gram = exact_losses(G_, asymmetric_ ? &*asymmetric_ : nullptr);
    const auto exact_of = [&](const Steps& steps, const Matrix<Code>& of) {
      return [&](Index i) { return exact_row_loss(gram, W_, options_.grid, steps, of, i); };
    };
    claims.decide_exactly(exactly, exact_of(steps_, codes), exact_of(rtn_steps_, rtn), tell);
    judged_.exact += exactly.size();
  }
  return claims.worst ? Found(fmt::format("row {}: {}", claims.worst->first, claims.worst->second)) : Found();
}

Expected<std::optional<Index>> LossVerifier::first_worse(const Matrix<Code>& codes, const Matrix<Code>& other,
                                                         const Steps& others) {
  const Expected<std::vector<Loss>> ours = losses(codes), theirs = losses_with(target(others), other);
  if (!ours) return ours.error();
  if (!theirs) return theirs.error();
  std::optional<oracle::ExactLoss> gram;
  for (Index i = 0; i < codes.rows(); ++i) {
    Verdict verdict = at_most((*ours)[at(i)], (*theirs)[at(i)]);
    if (verdict == Verdict::open) {
      if (!gram) gram = exact_losses(G_, asymmetric_ ? &*asymmetric_ : nullptr);
      const oracle::Dyadic a = exact_row_loss(*gram, W_, options_.grid, steps_, codes, i),
                           b = exact_row_loss(*gram, W_, options_.grid, others, other, i);
      verdict = compare(a, b) > 0 ? Verdict::fails : Verdict::holds;
    }
    if (verdict == Verdict::fails) return std::optional(i);
  }
  return std::optional<Index>();
}

}  // namespace hallmark
