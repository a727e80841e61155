// The contracts of the codes of a row and of its loss: gf16_nearest, gf16_half_gap (GF16), gptq_bound_emitted and
// loss_enclosure (rows that GPTQ made). One judge for four: a unit reads a row once, and the losses need the points and
// half gaps that rounding leaves behind. What a unit leaves open is evaluated in enclosures and exactly.
#include <omp.h>

#include <algorithm>
#include <limits>

#include "base/simd.hpp"
#include "certify/judge.hpp"
#include "certify/row_contracts.hpp"

namespace hallmark {

using namespace contracts;

namespace {

// What a unit came to.
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
  void merge(const Tally& other) {
    nearest += other.nearest;
    half_gap += other.half_gap;
    bound += other.bound;
    enclosure += other.enclosure;
    rounding.insert(rounding.end(), other.rounding.begin(), other.rounding.end());
    losses.insert(losses.end(), other.losses.begin(), other.losses.end());
  }
};

void report_count(Report& report, const generated::Contract& contract, Count count) {
  if (count.passed == 0) return;
  count.theorem = contract.theorem;
  report.add(contract.name, count);
}

// What the rows of a tensor share, as a unit reads it; columns and groups of positions lie beside it.
struct Shared {
  std::vector<std::int32_t> column, group;
  units::Tensor tensor{};

  explicit Shared(const Case& c) : column(at(c.evidence.W.cols())), group(at(c.evidence.W.cols())) {
    const Evidence& evidence = c.evidence;
    const Grid& grid = evidence.options.grid;
    const Steps& steps = evidence.result.steps;
    const std::span scales(steps.scales.data(), at(steps.scales.size()));
    const GapRule rule(grid);
    bool in_order = true;
    for (std::size_t p = 0; p < column.size(); ++p) {
      column[p] = static_cast<std::int32_t>(c.columns.column[p]);
      group[p] = static_cast<std::int32_t>(steps.group(c.columns.column[p]));
      in_order &= c.columns.column[p] == static_cast<Index>(p);
    }
    tensor.cols = at(evidence.W.cols());
    tensor.n = at(c.columns.n);
    tensor.W = evidence.W.data();
    tensor.W_stride = at(evidence.W.outerStride());
    tensor.codes = evidence.result.codes.data();
    tensor.column = in_order ? nullptr : column.data();
    tensor.scales = scales.data();
    tensor.zeros = steps.zeros.size() == 0 ? nullptr : steps.zeros.data();
    tensor.either_sign = steps.scales.minCoeff() < 0;
    tensor.groups = at(steps.scales.cols());
    tensor.group = steps.scales.cols() == 1 ? nullptr : group.data();
    tensor.points = point_rule(grid);
    tensor.relative = rule.relative;
    tensor.absolute = rule.absolute;
    tensor.half_gap = grid.is_gf16();
    tensor.binary32 = std::ranges::all_of(scales, [&](float s) {
      return grid.exact_in_binary32(s) && rule.absolute * std::fabs(static_cast<double>(s)) >= 0x1p-126;
    });
    tensor.low_s = least_exponent_of(scales);
    tensor.low_q = tensor.low_s + grid.spec().lowest_bit;
    if (c.has_losses) add_losses(c);
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

 private:
  void add_losses(const Case& c) {
    const Vector<double>& d = c.evidence.model->d;
    tensor.d = d.data();
    tensor.root = c.columns.root.data();
    tensor.H = c.columns.H.data();
    tensor.twice_G = c.columns.twice_G.data();
    tensor.chain = c.columns.chain.data();
    tensor.underflow = c.columns.underflow.data();
    tensor.g = c.residual32();
    tensor.g_room = 8 * tensor.g;
    tensor.product = c.product32();
    tensor.positive = d.minCoeff() >= 0;
    tensor.low_d = least_exponent_of(d);
    tensor.low_root = least_exponent_of(c.columns.root);
    tensor.low_c = std::min(least_exponent_of(c.columns.H), least_exponent_of(c.columns.twice_G));
  }
};

// One thread's use of a unit.
class ByUnit {
 public:
  ByUnit(const Case& c, const units::Tensor& tensor)
      : c_(c),
        tensor_(tensor),
        work_(c.unit.work_bytes(tensor.cols) / sizeof(Line) + 1),
        row_(c.unit.rows_at_once),
        lo_(c.unit.rows_at_once),
        hi_(c.unit.rows_at_once) {}

  // Rows g rows_at_once and after it, side by side in u: those that GPTQ made are judged.
  void made(Index g) {
    const Evidence& evidence = c_.evidence;
    const Index first = g * std::ssize(row_), count = evidence.W.rows();
    bool any = false;
    for (Index lane = 0; lane < std::ssize(row_); ++lane) {
      const Index i = std::min(first + lane, count - 1);
      row_[at(lane)] = static_cast<std::int32_t>(i);
      any |= !evidence.result.row_is_rtn(i);
      if (!c_.has_losses) continue;
      lo_[at(lane)] = evidence.result.enclosed_proposal[at(i)].lo;
      hi_[at(lane)] = evidence.result.enclosed_proposal[at(i)].hi;
    }
    if (!any) return;
    const units::Rows rows{row_.data(), c_.u.row(first), kLanes<float>, c_.has_losses ? lo_.data() : nullptr,
                           hi_.data()};
    const units::Verdict verdict = c_.unit.rows(tensor_, rows, work_.data());
    for (Index i = first; i < std::min(count, first + std::ssize(row_)); ++i)
      if (!evidence.result.row_is_rtn(i)) of_made.add(verdict, at(i - first), i, tensor_.half_gap, c_.has_losses);
  }

  // The same for rows that were rounded to nearest, of their list.
  void nearest(Index g) {
    const Index first = g * std::ssize(row_), end = std::min(std::ssize(c_.nearest), first + std::ssize(row_));
    for (Index lane = 0; lane < std::ssize(row_); ++lane)
      row_[at(lane)] = static_cast<std::int32_t>(c_.nearest[at(std::min(first + lane, end - 1))]);
    const units::Verdict verdict = c_.unit.rows(tensor_, {row_.data(), nullptr, 0, nullptr, nullptr}, work_.data());
    for (Index k = first; k < end; ++k)
      of_nearest.add(verdict, at(k - first), c_.nearest[at(k)], tensor_.half_gap, false);
  }

  Tally of_made, of_nearest;

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  const Case& c_;
  const units::Tensor& tensor_;
  std::vector<Line> work_;
  std::vector<std::int32_t> row_;
  std::vector<double> lo_, hi_;
};

// Rows that are still to be judged.
struct Open {
  std::vector<Index> made, nearest, losses;
};

Open judge_by_unit(const Case& c) {
  const Shared shared(c);
  const Index count = c.evidence.W.rows(), at_once = static_cast<Index>(c.unit.rows_at_once);
  const Index groups = (count + at_once - 1) / at_once, lists = (std::ssize(c.nearest) + at_once - 1) / at_once;
  Tally made, nearest;
#pragma omp parallel if (count * c.evidence.W.cols() > 1 << 14)
  {
    ByUnit mine(c, shared.tensor);
#pragma omp for schedule(dynamic) nowait
    for (Index g = 0; g < (c.made.empty() ? 0 : groups); ++g) mine.made(g);
#pragma omp for schedule(dynamic)
    for (Index g = 0; g < lists; ++g) mine.nearest(g);
#pragma omp critical(hallmark_rows)
    {
      made.merge(mine.of_made);
      nearest.merge(mine.of_nearest);
    }
  }
  report_count(c.report, generated::gptq_bound_emitted, made.bound);
  report_count(c.report, generated::loss_enclosure, made.enclosure);
  Open open{std::move(made.rounding), std::move(nearest.rounding), std::move(made.losses)};
  made.nearest += nearest.nearest;
  made.half_gap += nearest.half_gap;
  report_count(c.report, generated::gf16_nearest, made.nearest);
  report_count(c.report, generated::gf16_half_gap, made.half_gap);
  return open;
}

// T7, for every element: the code is nearest, and within half a gap.
void judge_rounding(Case& c, const RowGroup& group) {
  evaluate_row_contracts(c, group, true);
  if (!c.evidence.options.grid.is_gf16()) return;
  const auto near = [&](std::size_t p) -> Lanes {  // beyond the last point the distance is measured, not promised
    const RowGroup::Position& position = group.at[p];
    const LaneMask beyond = (position.below == position.q) | (position.above == position.q);
    return beyond ? position.q : position.x;
  };
  const RowGroup::Word s = group.word(&RowGroup::Position::s), q = group.word(&RowGroup::Position::q);
  c.evaluations(generated::gf16_half_gap)
      .lanes(
          group.rows.size(),
          [&](const auto& pick) {
            return generated::gf16_half_gap_post<OpsOf<decltype(pick)>>(group.at.size(), pick(s), pick(near), pick(q));
          },
          [&](std::size_t lane) { return group.row(lane); },
          [&](std::size_t lane) { c.row_exact[at(group.row(lane))] = 1; });
}

// The constants of both contracts on losses, of the rows of a group.
struct LossConstants {
  Lanes N{}, rho{};
  Ball excess = LaneOps::value(0.0);  // sum (H_jj - 2 G_jj) e_j^2

  LossConstants(const Case& c, const RowGroup& group) {
    Lanes squares{}, errors{}, size{};
    for (std::size_t p = 0; p < at(c.columns.n); ++p) {
      const RowGroup::Position& position = group.at[p];
      const double d = c.evidence.model->d[static_cast<Index>(p)];
      squares += d * (position.x - position.q) * (position.x - position.q);
      errors += d * position.delta * position.delta;
      size += magnitude(position.w - position.q) * c.columns.root[p];
      const Ball e = LaneOps::value(Difference<Lanes>{position.w, position.q});
      excess = excess + LaneOps::value(Difference<double>{c.columns.H[p], c.columns.twice_G[p]}) * (e * e);
    }
    // The recorded enclosure may be that of binary32 (loss.hpp), whose own constants are of this size: twice its rho,
    // and 8 g, leave room for it, and larger bounds are bounds too.
    for (std::size_t lane = 0; lane < kRowsAtOnce; ++lane) {
      // slack: 1 / (1 - (n + 8) * u) <= 1 + 2^-20 for n <= 2^24, u = 2^-53
      N[lane] = std::sqrt(squares[lane]) * (1 + 0x1p-20);
      // slack: 1 / (1 - (n + 8) * u) <= 1 + 2^-20 for n <= 2^24, u = 2^-53
      rho[lane] = 2 * (std::sqrt(errors[lane]) * (1 + 0x1p-20) + c.product32() * size[lane]);
    }
  }
};

// T9 and T1 on the enclosed loss of rows that GPTQ made, from the u' of the recurrence.
void judge_losses(Case& c, RowGroup& group) {
  using Position = RowGroup::Position;
  group.add_bounds(c.evidence.options.grid, c.columns);
  const Evidence& evidence = c.evidence;
  const RowColumns& columns = c.columns;
  const std::size_t n = at(columns.n);
  Lanes lo{}, hi{};
  for (std::size_t lane = 0; lane < kRowsAtOnce; ++lane) {
    const Loss& loss = evidence.result.enclosed_proposal[at(group.row(lane))];
    lo[lane] = 2 * loss.lo;
    hi[lane] = 2 * loss.hi;
  }
  const auto twice_exact = [&](std::size_t lane) {
    const Exact loss = c.exact_loss.of_result(group.row(lane));
    return loss + loss;
  };
  const auto exact_in_H = [&](std::size_t lane) {
    Exact loss = twice_exact(lane);
    for (std::size_t p = 0; p < n; ++p) {
      const Exact e = Exact(group.at[p].w[lane]) - Exact(group.at[p].q[lane]);
      loss = loss + (Exact(columns.H[p]) - Exact(columns.twice_G[p])) * e * e;
    }
    return loss;
  };
  const LossConstants constants(c, group);
  const Ball twice_plain = ball_between(lo, hi);
  const EnclosedLoss L{twice_plain, twice_exact}, L_H{twice_plain + constants.excess, exact_in_H};
  const auto d = [&](std::size_t p) { return evidence.model->d[static_cast<Index>(p)]; };
  const auto a = [&](std::size_t p) { return columns.root[p]; };
  const auto excess = [&](std::size_t p) { return Difference<double>{columns.H[p], columns.twice_G[p]}; };
  const auto e = [&](std::size_t p) { return Difference<Lanes>{group.at[p].w, group.at[p].q}; };
  const auto t = [&](std::size_t p) { return Difference<Lanes>{group.at[p].x, group.at[p].q}; };
  const RowGroup::Word w = group.word(&Position::w), q = group.word(&Position::q), h = group.word(&Position::gap),
                       delta = group.word(&Position::delta);
  const double g = c.residual32(), g_room = 8 * g;
  const auto row = [&](std::size_t lane) { return group.row(lane); };
  const auto exact = [&](std::size_t lane) { c.row_exact[at(group.row(lane))] = 1; };
  c.evaluations(generated::gptq_bound_emitted)
      .lanes(
          group.rows.size(),
          [&](const auto& pick) {
            return generated::gptq_bound_emitted_post<OpsOf<decltype(pick)>>(n, pick(d), pick(w), pick(q), pick(h),
                                                                             pick(delta), pick(a), pick(g), pick(L_H));
          },
          row, exact);
  c.evaluations(generated::loss_enclosure)
      .lanes(
          group.rows.size(),
          [&](const auto& pick) {
            return generated::loss_enclosure_post<OpsOf<decltype(pick)>>(n, pick(d), pick(excess), pick(e), pick(t),
                                                                         pick(a), pick(g_room), pick(constants.N),
                                                                         pick(constants.rho), pick(L));
          },
          row, exact);
}

void judge_rows(Case& c) {
  Open open{c.made, c.nearest, {}};
  if (c.has_losses) open.losses = c.made;
  if (c.rows_by_unit) open = judge_by_unit(c);
  c.over_rows(open.made, true, [&](const RowGroup& group) { judge_rounding(c, group); });
  c.over_rows(open.nearest, false, [&](const RowGroup& group) { judge_rounding(c, group); });
  c.over_rows(open.losses, true, [&](RowGroup& group) { judge_losses(c, group); });
}

constexpr const generated::Contract* contracts_of_rows[] = {&generated::gf16_nearest, &generated::gf16_half_gap,
                                                            &generated::gptq_bound_emitted, &generated::loss_enclosure};

}  // namespace

namespace judging {
extern const Judge rows;
const Judge rows{contracts_of_rows, [](const Case&) { return true; }, judge_rows};
}  // namespace judging

}  // namespace hallmark
