// The contracts of codes: every code with its scale, and the guard's choice.
#include <algorithm>
#include <cstring>

#include "certify/tensor_judge.hpp"

namespace hallmark {

using namespace contracts;

// Each code with each scale, once for as long as the scale stays the same.
void TensorJudge::pairs() {
  constexpr std::size_t kBatch = 1 << 12;
  constexpr Index kLong = 1 << 16;  // codes under one scale that are worth sharing among threads
  const Matrix<Code>& codes = evidence_.result.codes;
  const Steps& steps = evidence_.result.steps;
  const Matrix<float>& scales = steps.scales;
  const Index groups = scales.cols(), width = steps.group_size == 0 ? codes.cols() : steps.group_size;
  const auto zero_of = [&](Index scale) { return steps.zeros.size() == 0 ? 0 : int{steps.zeros.data()[scale]}; };
  struct Run {
    Index first, last;  // scales in row-major order
  };
  std::vector<Run> runs, long_runs;
  for (Index first = 0, last = 0; first < scales.size(); first = last) {
    while (last < scales.size() && scales.data()[last] == scales.data()[first] && zero_of(last) == zero_of(first))
      ++last;
    ((last - first) * width < kLong ? runs : long_runs).push_back({first, last});
  }
  const auto codes_of = [&](Index scale) {
    const Index from = scale % groups * width;
    return std::span(codes.data() + scale / groups * codes.cols() + from, at(std::min(width, codes.cols() - from)));
  };
#pragma omp parallel if (codes.size() > kLong)
  {
    std::vector<std::uint32_t> seen(1 << 16, 0);
    std::vector<Pair> found;
    std::uint32_t run_number = 0;
#pragma omp for schedule(dynamic, 16)
    for (std::size_t k = 0; k < runs.size(); ++k) {
      ++run_number;
      for (Index scale = runs[k].first; scale < runs[k].last; ++scale)
        for (const Code code : codes_of(scale))
          if (std::exchange(seen[code], run_number) != run_number)
            found.push_back({scales.data()[scale], zero_of(scale), code});
      if (found.size() >= kBatch) judge_pairs(found), found.clear();
    }
    judge_pairs(found);
  }
  for (const Run& run : long_runs) {
    std::vector<std::uint8_t> seen(1 << 16, 0);
#pragma omp parallel
    {
      std::vector<std::uint8_t> mine(1 << 16, 0);
#pragma omp for schedule(static)
      for (Index scale = run.first; scale < run.last; ++scale)
        for (const Code code : codes_of(scale)) mine[code] = 1;
#pragma omp critical(hallmark_pairs)
      for (std::size_t code = 0; code < seen.size(); ++code) seen[code] |= mine[code];
    }
    std::vector<Pair> found;
    for (std::size_t code = 0; code < seen.size(); ++code)
      if (seen[code] != 0) found.push_back({scales.data()[run.first], zero_of(run.first), static_cast<Code>(code)});
    judge_pairs(found);
  }
}

void TensorJudge::judge_pairs(std::span<const Pair> found) {
  Judge idempotent = judge(generated::idempotence);
  std::optional<Judge> exact;
  if (evidence_.options.scale_rule != given_scales)
    exact.emplace(generated::exact_product, evidence_.name, policy_, report_);
  for (; !found.empty(); found = found.subspan(std::min(kRowsAtOnce, found.size())))
    judge_pairs(found.first(std::min(kRowsAtOnce, found.size())), idempotent, exact);
}

void TensorJudge::judge_pairs(std::span<const Pair> pairs, Judge& idempotent, std::optional<Judge>& exact) {
  Lanes s{}, g{}, product{}, q{}, again{};
  for (std::size_t lane = 0; lane < kRowsAtOnce; ++lane) {
    const auto pair = pairs[std::min(lane, pairs.size() - 1)];
    const float point = points_.entry[pair.code].value - static_cast<float>(pair.zero);
    s[lane] = pair.s;
    g[lane] = point;
    product[lane] = pair.s * point;  // as `dequantize` writes it, in binary32
    q[lane] = s[lane] * g[lane];
    const Code nearest = evidence_.options.grid.nearest(q[lane], {pair.s, pair.zero});
    again[lane] = s[lane] * (static_cast<double>(points_.entry[nearest].value) - pair.zero);
  }
  const auto one = [](const Lanes& x) { return [&x](std::size_t) -> const Lanes& { return x; }; };
  const auto scale = one(s), point = one(g), written = one(product), left = one(q), right = one(again);
  const auto row = [](std::size_t) { return std::optional<std::int64_t>(); };
  const auto nothing = [](std::size_t) {};
  idempotent.lanes(
      pairs.size(),
      [&](const auto& pick) { return generated::idempotence_post<OpsOf<decltype(pick)>>(1, pick(left), pick(right)); },
      row, nothing);
  if (exact)
    exact->lanes(
        pairs.size(),
        [&](const auto& pick) {
          return generated::exact_product_post<OpsOf<decltype(pick)>>(1, pick(scale), pick(point), pick(written));
        },
        row, nothing);
}

// T6: rows that differ from round-to-nearest lose no more; so does the whole.
void TensorJudge::guard() {
  const Matrix<Code>&codes = evidence_.result.codes, &rtn = evidence_.rtn;
  std::vector<Index> differ;
  for (Index i = 0; i < codes.rows(); ++i)
    if (std::memcmp(codes.row(i).data(), rtn.row(i).data(), at(codes.cols()) * sizeof(Code)) != 0) differ.push_back(i);
  const auto enclosed = [&](const std::vector<Loss>& losses, std::span<const Index> rows) {
    Lanes lo{}, hi{};
    for (std::size_t lane = 0; lane < kRowsAtOnce; ++lane) {
      const Loss& one = losses[at(rows[std::min(lane, rows.size() - 1)])];
      lo[lane] = one.lo;
      hi[lane] = one.hi;
    }
    return ball_between(lo, hi);
  };
  const auto& result = evidence_.result;
#pragma omp parallel if (differ.size() > 256)
  {
    Judge guard_row = judge(generated::guard_row);
#pragma omp for schedule(static)
    for (std::size_t first = 0; first < differ.size(); first += kRowsAtOnce) {
      const std::span<const Index> rows =
          std::span(differ).subspan(first, std::min(kRowsAtOnce, differ.size() - first));
      // The statement is the same for all columns with q < r and for all with r < q: the first of each stands for them.
      Lanes q[2]{}, r[2]{};
      for (std::size_t lane = 0; lane < rows.size(); ++lane) {
        const Index i = rows[lane];
        bool found[2]{};
        for (Index j = 0; j < codes.cols() && !(found[0] && found[1]); ++j) {
          if (codes(i, j) == rtn(i, j)) continue;
          const double kept = point(codes, i, j), other = point(rtn, i, j);
          const std::size_t side = kept < other ? 0 : 1;
          if (kept == other || std::exchange(found[side], true)) continue;
          q[side][lane] = kept;
          r[side][lane] = other;
        }
      }
      const auto kept = [&](std::size_t k) -> const Lanes& { return q[k]; };
      const auto other = [&](std::size_t k) -> const Lanes& { return r[k]; };
      const auto exact_kept = [&](std::size_t lane) { return losses_(codes, rows[lane]); };
      const auto exact_rtn = [&](std::size_t lane) { return losses_(rtn, rows[lane]); };
      const EnclosedLoss loss_kept{enclosed(result.enclosed_proposal, rows), std::cref(exact_kept)};
      const EnclosedLoss loss_rtn{enclosed(result.enclosed_rtn, rows), std::cref(exact_rtn)};
      guard_row.lanes(
          rows.size(),
          [&](const auto& pick) {
            return generated::guard_row_post<OpsOf<decltype(pick)>>(2, pick(other), pick(kept), pick(loss_rtn),
                                                                    pick(loss_kept));
          },
          [&](std::size_t lane) { return rows[lane]; }, [&](std::size_t lane) { row_exact_[at(rows[lane])] = 1; });
    }
  }
  judge(generated::guard_total)
      .once(
          [&](const auto& pick) {
            using Ops = OpsOf<decltype(pick)>;
            const auto gain = [&](std::size_t k) {
              const Index i = differ[k];
              if constexpr (std::is_same_v<Ops, WideOps>) {
                const auto number = [](const Loss& one) {
                  const double mid = one.lo * 0.5 + one.hi * 0.5;
                  return Wide{mid, 0, std::max(one.hi - mid, mid - one.lo) * (1 + 0x1p-50)};
                };
                return number(result.enclosed_rtn[at(i)]) - number(result.enclosed_proposal[at(i)]);
              } else {
                return losses_(evidence_.rtn, i) - losses_(result.codes, i);
              }
            };
            return generated::guard_total_post<Ops>(differ.size(), gain);
          },
          std::nullopt, "");
}

}  // namespace hallmark
