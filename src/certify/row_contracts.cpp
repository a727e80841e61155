#include "certify/row_contracts.hpp"

#include "certify/judge.hpp"
#include "contracts/generated/row_contracts.hpp"

namespace hallmark {

namespace {

// What the contracts call the columns of a row (coq/Contract/Registration.v, `row_words`).
struct Words {
  RowGroup::Word w, x, q, l, r, s;

  explicit Words(const RowGroup& group)
      : w(group.word(&RowGroup::Position::w)),
        x(group.word(&RowGroup::Position::x)),
        q(group.word(&RowGroup::Position::q)),
        l(group.word(&RowGroup::Position::below)),
        r(group.word(&RowGroup::Position::above)),
        s(group.word(&RowGroup::Position::s)) {}
};

bool units_decide(const generated::Contract& contract) { return contract.name == generated::gf16_nearest.name; }

bool any_besides(const Case&) {
  bool any = false;
  generated::visit_row_contracts(
      [&](const generated::Contract& contract, const auto&) { any |= !units_decide(contract); });
  return any;
}

void judge(Case& c) {
  const auto evaluate = [&](const RowGroup& group) { evaluate_row_contracts(c, group, false); };
  c.over_rows(c.made, true, evaluate);
  c.over_rows(c.nearest, false, evaluate);
}

}  // namespace

void evaluate_row_contracts(Case& c, const RowGroup& group, bool of_units) {
  const Words words(group);
  generated::visit_row_contracts([&](const generated::Contract& contract, const auto& holds) {
    if (units_decide(contract) != of_units) return;
    c.evaluations(contract).lanes(
        group.rows.size(), [&](const auto& pick) { return holds(pick, group.at.size(), words); },
        [&](std::size_t lane) { return group.row(lane); },
        [&](std::size_t lane) { c.row_exact[static_cast<std::size_t>(group.row(lane))] = 1; });
  });
}

namespace judging {
extern const Judge row_contracts;
const Judge row_contracts{{}, any_besides, judge};
}  // namespace judging

}  // namespace hallmark
