// The contracts of rows.
#include <omp.h>

#include <algorithm>
#include <limits>

#include "base/simd.hpp"
#include "certify/tensor_judge.hpp"

namespace hallmark {

using namespace contracts;

namespace {

struct Tally {
  Count nearest, half_gap, bound, enclosure;
  std::vector<Index> rounding, losses;  // left open

  static void yes(Count& count) { ++count.passed, ++count.by_binary64; }
  void add(const units::Verdict& verdict, std::size_t lane, Index row, bool with_half_gap, bool with_losses) {
    const auto holds = [lane](std::uint32_t bits) { return (bits >> lane & 1) != 0; };
    if (holds(verdict.nearest) && (!with_half_gap || holds(verdict.half_gap))) {
      yes(nearest);
      if (with_half_gap) yes(half_gap);
    } else {
      rounding.push_back(row);
    }
    if (!with_losses) return;
    if (holds(verdict.bound) && holds(verdict.enclosure)) yes(bound), yes(enclosure);
    else losses.push_back(row);
  }
};

void report_count(Report& report, const generated::Contract& contract, Count count) {
  if (count.passed == 0) return;
  count.theorem = contract.theorem;
  report.add(contract.name, count);
}

}  // namespace

void TensorJudge::rows() {
  const Index count = evidence_.W.rows(), cols = evidence_.W.cols();
  std::vector<Index> made, nearest;  // by GPTQ, by round-to-nearest
  for (Index i = 0; i < count; ++i) (evidence_.row_is_rtn(i) ? nearest : made).push_back(i);
  if (!rows_by_unit_ || count > std::numeric_limits<std::int32_t>::max() ||
      cols > std::numeric_limits<std::int32_t>::max()) {
    plain_rows(made, true, What::rounding);
    if (has_losses_) plain_rows(made, true, What::losses);
    plain_rows(nearest, false, What::rounding);
    if (evidence_.result.method == "rtn") plain_rows(nearest, false, What::rounding_again);
    return;
  }

  const Steps& steps = evidence_.result.steps;
  const Matrix<float>& scales = steps.scales;
  const GapRule rule(evidence_.options.grid);
  const bool half_gap = evidence_.options.grid.is_gf16();
  std::vector<std::int32_t> column(at(cols)), group(at(cols));
  bool in_order = true;
  for (std::size_t p = 0; p < column.size(); ++p) {
    column[p] = static_cast<std::int32_t>(columns_.column[p]);
    group[p] = static_cast<std::int32_t>(steps.group(columns_.column[p]));
    in_order &= columns_.column[p] == static_cast<Index>(p);
  }
  units::Tensor tensor{};
  tensor.cols = at(cols);
  tensor.n = at(columns_.n);
  tensor.W = evidence_.W.data();
  tensor.W_stride = at(evidence_.W.outerStride());
  tensor.codes = evidence_.result.codes.data();
  tensor.column = in_order ? nullptr : column.data();
  tensor.scales = scales.data();
  tensor.zeros = steps.zeros.size() == 0 ? nullptr : steps.zeros.data();
  tensor.either_sign = scales.minCoeff() < 0;
  tensor.groups = at(scales.cols());
  tensor.group = scales.cols() == 1 ? nullptr : group.data();
  tensor.points = unit_points(evidence_.options.grid);
  tensor.relative = rule.relative;
  tensor.absolute = rule.absolute;
  tensor.half_gap = half_gap;
  tensor.binary32 = std::all_of(scales.data(), scales.data() + scales.size(), [&](float s) {
    return evidence_.options.grid.exact_in_binary32(s) && rule.absolute * std::fabs(static_cast<double>(s)) >= 0x1p-126;
  });
  tensor.low_s = least_exponent_of(std::span(scales.data(), at(scales.size())));
  tensor.low_q = tensor.low_s + evidence_.options.grid.spec().lowest_bit;
  if (has_losses_) {
    const LossModel& model = *evidence_.model;
    tensor.d = model.d.data();
    tensor.root = columns_.root.data();
    tensor.H = columns_.H.data();
    tensor.twice_G = columns_.twice_G.data();
    tensor.chain = columns_.chain.data();
    tensor.underflow = columns_.underflow.data();
    tensor.g = residual32();
    tensor.g_room = 8 * tensor.g;
    tensor.product = product32();
    tensor.positive = model.d.minCoeff() >= 0;
    tensor.low_d = least_exponent_of(model.d);
    tensor.low_root = least_exponent_of(columns_.root);
    tensor.low_c = std::min(least_exponent_of(columns_.H), least_exponent_of(columns_.twice_G));
  }

  const auto at_once = static_cast<Index>(unit_.rows_at_once);
  const Index groups = (count + at_once - 1) / at_once, lists = (std::ssize(nearest) + at_once - 1) / at_once;
  Tally all, of_nearest;
  const auto merge = [](Tally& into, const Tally& from) {
    into.nearest += from.nearest;
    into.half_gap += from.half_gap;
    into.bound += from.bound;
    into.enclosure += from.enclosure;
    into.rounding.insert(into.rounding.end(), from.rounding.begin(), from.rounding.end());
    into.losses.insert(into.losses.end(), from.losses.begin(), from.losses.end());
  };
#pragma omp parallel if (count * cols > 1 << 14)
  {
    Tally mine, mine_nearest;
    struct alignas(64) Line {
      std::byte bytes[64];
    };
    std::vector<Line> work(unit_.work_bytes(at(cols)) / sizeof(Line) + 1);
    std::vector<std::int32_t> row(unit_.rows_at_once);
    std::vector<double> lo(unit_.rows_at_once), hi(unit_.rows_at_once);
#pragma omp for schedule(dynamic) nowait
    for (Index g = 0; g < groups; ++g) {
      bool any = false;
      for (Index lane = 0; lane < at_once; ++lane) {
        const Index i = std::min(g * at_once + lane, count - 1);
        row[at(lane)] = static_cast<std::int32_t>(i);
        any |= !evidence_.row_is_rtn(i);
        if (!has_losses_) continue;
        lo[at(lane)] = evidence_.result.enclosed_proposal[at(i)].lo;
        hi[at(lane)] = evidence_.result.enclosed_proposal[at(i)].hi;
      }
      if (!any) continue;
      const units::Rows rows{row.data(), u_.row(g * at_once), kLanes<float>, has_losses_ ? lo.data() : nullptr,
                             hi.data()};
      const units::Verdict verdict = unit_.rows(tensor, rows, work.data());
      for (Index i = g * at_once; i < std::min(count, (g + 1) * at_once); ++i)
        if (!evidence_.row_is_rtn(i)) mine.add(verdict, at(i - g * at_once), i, half_gap, has_losses_);
    }
#pragma omp for schedule(dynamic)
    for (Index g = 0; g < lists; ++g) {
      const Index end = std::min<Index>(std::ssize(nearest), (g + 1) * at_once);
      for (Index lane = 0; lane < at_once; ++lane)
        row[at(lane)] = static_cast<std::int32_t>(nearest[at(std::min(g * at_once + lane, end - 1))]);
      const units::Verdict verdict = unit_.rows(tensor, {row.data(), nullptr, 0, nullptr, nullptr}, work.data());
      for (Index k = g * at_once; k < end; ++k)
        mine_nearest.add(verdict, at(k - g * at_once), nearest[at(k)], half_gap, false);
    }
#pragma omp critical(hallmark_rows)
    {
      merge(all, mine);
      merge(of_nearest, mine_nearest);
    }
  }
  plain_rows(all.rounding, true, What::rounding);
  plain_rows(all.losses, true, What::losses);
  plain_rows(of_nearest.rounding, false, What::rounding);
  if (evidence_.result.method == "rtn") plain_rows(nearest, false, What::rounding_again);
  merge(all, of_nearest);
  report_count(report_, generated::gf16_nearest, all.nearest);
  report_count(report_, generated::gf16_half_gap, all.half_gap);
  report_count(report_, generated::gptq_bound_emitted, all.bound);
  report_count(report_, generated::loss_enclosure, all.enclosure);
}

void TensorJudge::plain_rows(const std::vector<Index>& list, bool from_u, What what) {
  const auto groups = (std::ssize(list) + Index{kRowsAtOnce} - 1) / Index{kRowsAtOnce};
#pragma omp parallel if (groups > 1)
  {
    RowGroup group;
#pragma omp for schedule(dynamic)
    for (Index g = 0; g < groups; ++g) {
      const std::size_t first = at(g) * kRowsAtOnce;
      group.load(evidence_, u_, points_, columns_,
                 std::span(list).subspan(first, std::min(kRowsAtOnce, list.size() - first)), from_u);
      if (what == What::rounding) judge_rounding(group);
      if (what == What::rounding_again) judge_again(group);
      if (what == What::losses) judge_losses(group);
    }
  }
}

// T7, for every element: the code is nearest, and within half a gap.
void TensorJudge::judge_rounding(const RowGroup& group) {
  using Position = RowGroup::Position;
  const std::size_t cols = group.at.size();
  const auto of = [&](Lanes Position::*what) {
    return [&group, what](std::size_t p) -> const Lanes& { return group.at[p].*what; };
  };
  const auto x = of(&Position::x), q = of(&Position::q), s = of(&Position::s);
  const auto below = of(&Position::below), above = of(&Position::above);
  const auto row = [&](std::size_t lane) { return group.row(lane); };
  const auto exact = [&](std::size_t lane) { row_exact_[at(group.row(lane))] = 1; };
  judge(generated::gf16_nearest)
      .lanes(
          group.rows.size(),
          [&](const auto& pick) {
            return generated::gf16_nearest_post<OpsOf<decltype(pick)>>(cols, pick(x), pick(q), pick(below),
                                                                       pick(above));
          },
          row, exact);
  if (evidence_.options.grid.is_gf16()) {
    const auto near = [&](std::size_t p) -> Lanes {  // beyond the last point the distance is measured, not promised
      const Position& position = group.at[p];
      const LaneMask beyond = (position.below == position.q) | (position.above == position.q);
      return beyond ? position.q : position.x;
    };
    judge(generated::gf16_half_gap)
        .lanes(
            group.rows.size(),
            [&](const auto& pick) {
              return generated::gf16_half_gap_post<OpsOf<decltype(pick)>>(cols, pick(s), pick(near), pick(q));
            },
            row, exact);
  }
}

// Method rtn: every code is the one that rounding again gives.
void TensorJudge::judge_again(const RowGroup& group) {
  const std::size_t cols = group.at.size();
  const auto q = [&](std::size_t p) -> const Lanes& { return group.at[p].q; };
  const auto row = [&](std::size_t lane) { return group.row(lane); };
  const auto exact = [&](std::size_t lane) { row_exact_[at(group.row(lane))] = 1; };
  const auto step_of = [&](Index i, std::size_t p) { return evidence_.result.steps.at(i, columns_.column[p]); };
  std::vector<Code> codes(cols * group.rows.size());
  for (std::size_t lane = 0; lane < group.rows.size(); ++lane)
    for (std::size_t p = 0; p < cols; ++p)
      codes[lane * cols + p] = evidence_.options.grid.nearest(group.at[p].w[lane] + 0.0, step_of(group.row(lane), p));
  const auto again = [&](std::size_t p) {
    Lanes point{};
    for (std::size_t lane = 0; lane < group.rows.size(); ++lane) {
      const Step step = step_of(group.row(lane), p);
      point[lane] = step.scale * (static_cast<double>(points_.entry[codes[lane * cols + p]].value) - step.zero);
    }
    return point;
  };
  judge(generated::rtn_when_no_calibration)
      .lanes(
          group.rows.size(),
          [&](const auto& pick) {
            return generated::rtn_when_no_calibration_post<OpsOf<decltype(pick)>>(cols, 0, pick(q), pick(again));
          },
          row, exact);
}

// T9 and T1 on the enclosed loss of rows that GPTQ made, from the u' of the recurrence.
void TensorJudge::judge_losses(const RowGroup& group) {
  const std::size_t n = at(columns_.n);
  const LossModel& model = *evidence_.model;
  Lanes lo{}, hi{};
  for (std::size_t lane = 0; lane < kRowsAtOnce; ++lane) {
    const Loss& loss = evidence_.result.enclosed_proposal[at(group.row(lane))];
    lo[lane] = 2 * loss.lo;
    hi[lane] = 2 * loss.hi;
  }
  Lanes squares{}, errors{}, size{};
  Ball excess = LaneOps::value(0.0);
  for (std::size_t p = 0; p < n; ++p) {
    const RowGroup::Position& position = group.at[p];
    const double d = model.d[static_cast<Index>(p)];
    squares += d * (position.x - position.q) * (position.x - position.q);
    errors += d * position.delta * position.delta;
    size += magnitude(position.w - position.q) * columns_.root[p];
    const Ball e = LaneOps::value(Difference<Lanes>{position.w, position.q});
    excess = excess + LaneOps::value(Difference<double>{columns_.H[p], columns_.twice_G[p]}) * (e * e);
  }
  // The recorded enclosure may be that of binary32 (loss.hpp), whose own constants are of this size: twice its rho, and
  // 8 g, leave room for it, and larger bounds are bounds too.
  const double chain = product32();
  Lanes N{}, rho{};
  for (std::size_t lane = 0; lane < kRowsAtOnce; ++lane) {
    N[lane] = std::sqrt(squares[lane]) * (1 + 0x1p-20);
    rho[lane] = 2 * (std::sqrt(errors[lane]) * (1 + 0x1p-20) + chain * size[lane]);
  }
  const auto twice_exact = [&](std::size_t lane) {
    const Exact loss = losses_(evidence_.result.codes, group.row(lane));
    return loss + loss;
  };
  const Ball twice_plain = ball_between(lo, hi);
  const EnclosedLoss L{twice_plain, twice_exact};
  const EnclosedLoss L_H{twice_plain + excess, [&](std::size_t lane) {
                           Exact loss = twice_exact(lane);
                           for (std::size_t p = 0; p < n; ++p) {
                             const Exact e = Exact(group.at[p].w[lane]) - Exact(group.at[p].q[lane]);
                             loss = loss + (Exact(columns_.H[p]) - Exact(columns_.twice_G[p])) * e * e;
                           }
                           return loss;
                         }};
  const auto d = [&](std::size_t p) { return model.d[static_cast<Index>(p)]; };
  const auto a = [&](std::size_t p) { return columns_.root[p]; };
  const auto c = [&](std::size_t p) { return Difference<double>{columns_.H[p], columns_.twice_G[p]}; };
  const auto e = [&](std::size_t p) { return Difference<Lanes>{group.at[p].w, group.at[p].q}; };
  const auto t = [&](std::size_t p) { return Difference<Lanes>{group.at[p].x, group.at[p].q}; };
  const auto w = [&](std::size_t p) -> const Lanes& { return group.at[p].w; };
  const auto q = [&](std::size_t p) -> const Lanes& { return group.at[p].q; };
  const auto h = [&](std::size_t p) -> const Lanes& { return group.at[p].gap; };
  const auto delta = [&](std::size_t p) -> const Lanes& { return group.at[p].delta; };
  const double g = residual32(), g_room = 8 * g;
  const auto row = [&](std::size_t lane) { return group.row(lane); };
  const auto exact = [&](std::size_t lane) { row_exact_[at(group.row(lane))] = 1; };
  judge(generated::gptq_bound_emitted)
      .lanes(
          group.rows.size(),
          [&](const auto& pick) {
            return generated::gptq_bound_emitted_post<OpsOf<decltype(pick)>>(n, pick(d), pick(w), pick(q), pick(h),
                                                                             pick(delta), pick(a), pick(g), pick(L_H));
          },
          row, exact);
  judge(generated::loss_enclosure)
      .lanes(
          group.rows.size(),
          [&](const auto& pick) {
            return generated::loss_enclosure_post<OpsOf<decltype(pick)>>(n, pick(d), pick(c), pick(e), pick(t), pick(a),
                                                                         pick(g_room), pick(N), pick(rho), pick(L));
          },
          row, exact);
}

}  // namespace hallmark
