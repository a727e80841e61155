// Method rtn: every code is the one that rounding again gives.
#include "certify/judge.hpp"

namespace hallmark {

using namespace contracts;

namespace {

void judge_again(Case& c, const RowGroup& group) {
  const std::size_t cols = group.at.size();
  const auto step_of = [&](Index i, std::size_t p) { return c.evidence.result.steps.at(i, c.columns.column[p]); };
  std::vector<Code> codes(cols * group.rows.size());
  for (std::size_t lane = 0; lane < group.rows.size(); ++lane)
    for (std::size_t p = 0; p < cols; ++p)
      codes[lane * cols + p] = c.evidence.options.grid.nearest(group.at[p].w[lane] + 0.0, step_of(group.row(lane), p));
  const auto again = [&](std::size_t p) {
    Lanes point{};
    for (std::size_t lane = 0; lane < group.rows.size(); ++lane) {
      const Step step = step_of(group.row(lane), p);
      point[lane] = step.scale * (static_cast<double>(c.points.entry[codes[lane * cols + p]].value) - step.zero);
    }
    return point;
  };
  const RowGroup::Word q = group.word(&RowGroup::Position::q);
  c.evaluations(generated::rtn_when_no_calibration)
      .lanes(
          group.rows.size(),
          [&](const auto& pick) {
            return generated::rtn_when_no_calibration_post<OpsOf<decltype(pick)>>(cols, 0, pick(q), pick(again));
          },
          [&](std::size_t lane) { return group.row(lane); },
          [&](std::size_t lane) { c.row_exact[at(group.row(lane))] = 1; });
}

constexpr const generated::Contract* rounding_again_contracts[] = {&generated::rtn_when_no_calibration};

}  // namespace

namespace judging {
extern const Judge rounding_again;
const Judge rounding_again{
    rounding_again_contracts, [](const Case& c) { return c.evidence.result.method == "rtn"; },
    [](Case& c) { c.over_rows(c.nearest, false, [&](const RowGroup& group) { judge_again(c, group); }); }};
}  // namespace judging

}  // namespace hallmark
