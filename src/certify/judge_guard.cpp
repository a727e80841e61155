// T6: rows that differ from round-to-nearest lose no more, and so does the whole. One judge for both: the sum is over
// the rows that differ.
#include <algorithm>
#include <cstring>

#include "certify/judge.hpp"

namespace hallmark {

using namespace contracts;

namespace {

Ball enclosed(const std::vector<Loss>& losses, std::span<const Index> rows) {
  Lanes lo{}, hi{};
  for (std::size_t lane = 0; lane < kRowsAtOnce; ++lane) {
    const Loss& one = losses[at(rows[std::min(lane, rows.size() - 1)])];
    lo[lane] = one.lo;
    hi[lane] = one.hi;
  }
  return ball_between(lo, hi);
}

void judge_rows(Case& c, std::span<const Index> rows, Evaluations& guard_row) {
  const Quantized& result = c.evidence.result;
  const Matrix<Code>&codes = result.codes, &rtn = c.evidence.rtn;
  // The statement is the same for all columns with q < r and for all with r < q: the first of each stands for them.
  Lanes q[2]{}, r[2]{};
  for (std::size_t lane = 0; lane < rows.size(); ++lane) {
    const Index i = rows[lane];
    const std::vector<double> kept_row = c.numbers(codes, result.steps, i),
                              rtn_row = c.numbers(rtn, result.steps_of_rtn(), i);
    bool found[2]{};
    for (std::size_t j = 0; j < kept_row.size() && !(found[0] && found[1]); ++j) {
      const double kept = kept_row[j], other = rtn_row[j];
      const std::size_t side = kept < other ? 0 : 1;
      if (kept == other || std::exchange(found[side], true)) continue;
      q[side][lane] = kept;
      r[side][lane] = other;
    }
  }
  const auto kept = [&](std::size_t k) -> const Lanes& { return q[k]; };
  const auto other = [&](std::size_t k) -> const Lanes& { return r[k]; };
  const auto exact_kept = [&](std::size_t lane) { return c.exact_loss.of_result(rows[lane]); };
  const auto exact_rtn = [&](std::size_t lane) { return c.exact_loss.of_rtn(rows[lane]); };
  const EnclosedLoss loss_kept{enclosed(result.enclosed_proposal, rows), std::cref(exact_kept)};
  const EnclosedLoss loss_rtn{enclosed(result.enclosed_rtn, rows), std::cref(exact_rtn)};
  guard_row.lanes(
      rows.size(),
      [&](const auto& pick) {
        return generated::guard_row_post<OpsOf<decltype(pick)>>(2, pick(other), pick(kept), pick(loss_rtn),
                                                                pick(loss_kept));
      },
      [&](std::size_t lane) { return rows[lane]; }, [&](std::size_t lane) { c.row_exact[at(rows[lane])] = 1; });
}

Wide wide(const Loss& loss) {
  const double mid = loss.lo * 0.5 + loss.hi * 0.5;
  // slack: 1 / (1 - 2 * u) <= 1 + 2^-50 for u = 2^-53
  return {mid, 0, std::max(loss.hi - mid, mid - loss.lo) * (1 + 0x1p-50)};
}

void judge_total(Case& c, const std::vector<Index>& differ) {
  const Quantized& result = c.evidence.result;
  c.evaluations(generated::guard_total)
      .once(
          [&](const auto& pick) {
            using Ops = OpsOf<decltype(pick)>;
            const auto gain = [&](std::size_t k) {
              const Index i = differ[k];
              if constexpr (std::is_same_v<Ops, WideOps>)
                return wide(result.enclosed_rtn[at(i)]) - wide(result.enclosed_proposal[at(i)]);
              else return c.exact_loss.of_rtn(i) - c.exact_loss.of_result(i);
            };
            return generated::guard_total_post<Ops>(differ.size(), gain);
          },
          std::nullopt, "");
}

void judge_guard(Case& c) {
  const Matrix<Code>&codes = c.evidence.result.codes, &rtn = c.evidence.rtn;
  std::vector<Index> differ;
  for (Index i = 0; i < codes.rows(); ++i)
    if (!c.evidence.result.steps.same_row(i, c.evidence.result.steps_of_rtn()) ||
        std::memcmp(codes.row(i).data(), rtn.row(i).data(), at(codes.cols()) * sizeof(Code)) != 0)
      differ.push_back(i);
#pragma omp parallel if (differ.size() > 256)
  {
    Evaluations guard_row = c.evaluations(generated::guard_row);
#pragma omp for schedule(static)
    for (std::size_t first = 0; first < differ.size(); first += kRowsAtOnce)
      judge_rows(c, std::span(differ).subspan(first, std::min(kRowsAtOnce, differ.size() - first)), guard_row);
  }
  judge_total(c, differ);
}

constexpr const generated::Contract* guard_contracts[] = {&generated::guard_row, &generated::guard_total};

}  // namespace

namespace judging {
extern const Judge guard;
const Judge guard{guard_contracts, [](const Case& c) { return has_gram(c) && c.evidence.options.guard; }, judge_guard};
}  // namespace judging

}  // namespace hallmark
